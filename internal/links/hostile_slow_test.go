package links

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// joinWithin is what a good peer may take to join beside any number of bad ones.
const joinWithin = time.Second

// joins lets a good peer join a so many times, and returns how long each took.
// A loaded machine may have had no time for it once; a median has no excuse.
func joins(t *testing.T, a *end, times int) (took []time.Duration) {
	t.Helper()
	good := open(t, "b@h", 2, nil)
	for k := range times {
		start := time.Now()
		info := good.mustDial(t, a, "a@h")
		took = append(took, time.Since(start))
		if k == times-1 {
			break
		}
		info.Link.Close(dist.ReasonClosed, nil)
		good.downs(t, k+1)
		pollUntil(t, "both are apart", func() bool { return !a.Up("b@h") })
	}
	slices.Sort(took)
	return took
}

// S5: idle sockets and such as send a byte now and then, twenty times as many as
// may be pending, keep no good peer out. No more than 256 are held at any time,
// and each is gone after its seven seconds, with all it cost.
func TestSlowStrangersKeepNobodyOut(t *testing.T) {
	idle, drip := hostileSize(500, 5000), hostileSize(50, 500)
	e := bare(t, "a@h", 1, nil)
	if idle < 5000 {
		e.setup = 2 * time.Second // only the wait is shorter
	}
	e.serve(t, "127.0.0.1:0")
	defer e.Close(dist.ReasonStopped)
	base := runtime.NumGoroutine()
	most := watchPending(t, e)
	d := newDrippers(t, e, idle, drip)
	took := joins(t, e, 11)
	if took[5] > joinWithin {
		t.Errorf("a good peer took %v in the median, %v at worst", took[5], took[10])
	}
	for _, r := range e.refusals(t, idle+drip-MaxPending) {
		if !errors.Is(r.Err, ErrEvicted) && !errors.Is(r.Err, dist.ErrTimeout) && !errors.Is(r.Err, dist.ErrClosed) {
			t.Errorf("refused: %v", r.Err)
		}
	}
	last := time.Now()
	pollUntil(t, "the last stranger is gone", func() bool { return e.pending.len() == 0 })
	gone := time.Since(last)
	if most.end(); most.most.Load() > MaxPending {
		t.Errorf("%d were pending at once", most.most.Load())
	}
	d.end()
	if info, _ := e.Lookup("b@h"); info.Up {
		info.Link.Close(dist.ReasonClosed, nil)
	}
	pollUntil(t, "all goroutines are gone", func() bool { return runtime.NumGoroutine() <= base+2 }) // two accept loops
	t.Logf("%d idle, %d dripping: joined in %v, worst %v; all gone %v later", idle, drip, took[5], took[10], gone)
}

// drippers are conns of strangers, of which some send a byte of a name at a time.
type drippers struct {
	conns []net.Conn
	halt
}

// halt stops a goroutine of a test and waits for it, more than once if need be.
type halt struct {
	stop chan struct{}
	once sync.Once
	wg   sync.WaitGroup
}

func (h *halt) end() {
	h.once.Do(func() { close(h.stop) })
	h.wg.Wait()
}

func newDrippers(t *testing.T, e *end, idle, drip int) *drippers {
	t.Helper()
	d := &drippers{halt: halt{stop: make(chan struct{})}}
	for range idle + drip {
		c, err := net.Dial("tcp", e.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		d.conns = append(d.conns, c)
	}
	t.Cleanup(d.end)
	name := nameBytes("drip@h", 1, dist.Offer(false))
	d.wg.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for _, b := range name {
			for _, c := range d.conns[idle:] {
				_, _ = c.Write([]byte{b}) // it may have been evicted
			}
			select {
			case <-tick.C:
			case <-d.stop:
				return
			}
		}
	})
	return d
}

func (d *drippers) end() {
	for _, c := range d.conns {
		c.Close()
	}
	d.halt.end()
}

// gauge keeps the most that were pending.
type gauge struct {
	most atomic.Int64
	halt
}

func watchPending(t *testing.T, e *end) *gauge {
	g := &gauge{halt: halt{stop: make(chan struct{})}}
	g.wg.Go(func() {
		tick := time.NewTicker(100 * time.Microsecond)
		defer tick.Stop()
		for {
			g.most.Store(max(g.most.Load(), int64(e.pending.len())))
			select {
			case <-g.stop:
				return
			case <-tick.C:
			}
		}
	})
	t.Cleanup(g.end)
	return g
}

// S5: strangers that shake hands as fast as they can, each up to a digest that is
// wrong, keep no good peer out either.
func TestFloodOfHandshakesKeepsNobodyOut(t *testing.T) {
	e := bare(t, "a@h", 1, func(c *Config) { c.Refused = nil })
	e.serve(t, "127.0.0.1:0")
	defer e.Close(dist.ReasonStopped)
	quietly := joins(t, e, 11)
	e.Forget("b@h")
	f := newShakeFlood(e, 16)
	begin := time.Now()
	pollUntil(t, "the flood runs", func() bool { return f.done.Load() > 200 })
	took := joins(t, e, hostileSize(21, 301))
	over := time.Since(begin)
	rate := float64(f.done.Load()) / over.Seconds()
	f.end()
	if mid := took[len(took)/2]; mid > joinWithin {
		t.Errorf("a good peer took %v in the median, %v at worst", mid, took[len(took)-1])
	}
	pollUntil(t, "each refusal is counted", func() bool {
		return e.Counters()["handshakes_failed_in"] >= uint64(f.done.Load())
	})
	t.Logf("%.0f handshakes a second for %v; a good peer joined in %v, worst %v; without them in %v, worst %v",
		rate, over.Round(time.Millisecond), took[len(took)/2], took[len(took)-1], quietly[5], quietly[10])
}

// shakeFlood is a number of strangers that dial and fail for ever.
type shakeFlood struct {
	done atomic.Int64
	stop atomic.Bool
	wg   sync.WaitGroup
}

func newShakeFlood(e *end, strangers int) *shakeFlood {
	f := &shakeFlood{}
	for k := range strangers {
		local := localAs(fmt.Sprintf("stranger%d@h", k), "not the cookie", 9)
		f.wg.Go(func() {
			for !f.stop.Load() {
				if shakeBadly(e, local) {
					f.done.Add(1)
				}
			}
		})
	}
	return f
}

// shakeBadly goes all the way to the digest, and says whether it was refused.
func shakeBadly(e *end, local dist.Local) bool {
	c, err := net.Dial("tcp", e.addr.String())
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetLinger(0) // no port waits behind it
	_, err = dist.Dial(c, time.Now().Add(within), local, dist.InitiatorHooks{})
	return errors.Is(err, dist.ErrCookie)
}

func (f *shakeFlood) end() {
	f.stop.Store(true)
	f.wg.Wait()
}
