package links

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

func fill(t *testing.T, p *pending, addr string, n int) (first *attempt) {
	t.Helper()
	for range n {
		a := attemptFrom(addr)
		if first == nil {
			first = a
		}
		if _, evicted, err := p.add(a); evicted != nil || err != nil {
			t.Fatalf("no place for %s: %v", addr, err)
		}
	}
	return first
}

func attemptFrom(addr string) *attempt {
	return (&Table{}).newAttempt(context.Background(), netip.AddrPortFrom(netip.MustParseAddr(addr), 1))
}

// S5: who has to go when all places are taken.
func TestPendingVictims(t *testing.T) {
	for _, tt := range []struct {
		name     string
		held     map[string]int // must add up to MaxPending
		newcomer string
		victim   string // "" if the newcomer is refused
	}{
		{"a new address evicts from the busiest", map[string]int{"10.0.0.1": 200, "10.0.0.2": 56}, "10.0.0.3", "10.0.0.1"},
		{"the busiest pays for itself", map[string]int{"10.0.0.1": 200, "10.0.0.2": 56}, "10.0.0.1", "10.0.0.1"},
		{"a full share gets no more", map[string]int{"10.0.0.1": 240, "10.0.0.2": 16}, "10.0.0.2", ""},
		{"one below it does", map[string]int{"10.0.0.1": 241, "10.0.0.2": 15}, "10.0.0.2", "10.0.0.1"},
		{"loopback has no share", map[string]int{"10.0.0.1": 156, "127.0.0.1": 100}, "127.0.0.1", "10.0.0.1"},
		{"a /64 counts as one", map[string]int{"2001:db8::1": 100, "2001:db8::2": 100, "10.0.0.1": 56}, "2001:db8::3", "2001:db8::1"},
		{"and its share too", map[string]int{"2001:db8::1": 8, "2001:db8::2": 8, "10.0.0.1": 240}, "2001:db8::3", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &pending{conns: map[*pendingConn]bool{}}
			firsts := map[string]*attempt{}
			for _, addr := range []string{"2001:db8::1", "2001:db8::2", "127.0.0.1", "10.0.0.1", "10.0.0.2"} {
				if n := tt.held[addr]; n > 0 {
					firsts[addr] = fill(t, p, addr, n)
				}
			}
			if p.len() != MaxPending {
				t.Fatalf("%d held", p.len())
			}
			_, evicted, err := p.add(attemptFrom(tt.newcomer))
			switch {
			case tt.victim == "" && (!errors.Is(err, ErrEvicted) || evicted != nil):
				t.Errorf("taken, for %v", evicted)
			case tt.victim != "" && (evicted == nil || evicted.a != firsts[tt.victim]):
				t.Errorf("evicted %+v, want the oldest of %s", evicted, tt.victim)
			}
			if p.len() != MaxPending {
				t.Errorf("%d pending", p.len())
			}
		})
	}
}

// S5: strangers that connect and say nothing keep no good peer out, and all are
// gone when their time is up.
func TestIdleFlood(t *testing.T) {
	const idle = 300
	a := bare(t, "a@h", 1, nil)
	a.setup = 1500 * time.Millisecond
	a.serve(t, "127.0.0.1:0")
	defer a.Close(dist.ReasonStopped)
	good := open(t, "b@h", 2, nil)
	base := runtime.NumGoroutine()
	for range idle {
		c, err := net.Dial("tcp", a.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	start := time.Now()
	info := good.mustDial(t, a, "a@h")
	if took := time.Since(start); took > time.Second {
		t.Errorf("a good peer took %v to join", took)
	}
	if n := a.pending.len(); n > MaxPending {
		t.Errorf("%d handshakes pending", n)
	}
	evicted := 0
	for _, r := range a.refusals(t, idle) {
		switch {
		case errors.Is(r.Err, ErrEvicted):
			evicted++
		case !errors.Is(r.Err, dist.ErrTimeout):
			t.Errorf("refused: %v", r.Err)
		}
	}
	if n := a.Counters()["handshakes_evicted"]; evicted < idle-MaxPending || uint64(evicted) != n {
		t.Errorf("%d evicted of %d, counted %d", evicted, idle, n)
	}
	if !a.Up("b@h") {
		t.Error("the flood cost a live link")
	}
	info.Link.Close(dist.ReasonClosed, nil)
	a.downs(t, 1)
	for limit := time.Now().Add(within); a.pending.len() > 0 || runtime.NumGoroutine() > base; runtime.Gosched() {
		if time.Now().After(limit) {
			t.Fatalf("%d goroutines, %d before; %d pending", runtime.NumGoroutine(), base, a.pending.len())
		}
	}
}

// An eviction that comes too late does not touch the link.
func TestCancelAfterInstall(t *testing.T) {
	e := bare(t, "a@h", 1, nil)
	defer e.Close(dist.ReasonStopped)
	h := &half{}
	a := e.newAttempt(context.Background(), testAddr)
	a.conn = handConn{h: h}
	c, _, err := e.pending.add(a)
	if err != nil {
		t.Fatal(err)
	}
	hello := dist.Hello{Name: "b@h", Creation: 2}
	a.admit(hello)
	if _, err := a.install(greetings(hello).remote()); err != nil {
		t.Fatal(err)
	}
	c.a.cancel(ErrEvicted)
	e.CloseListeners()
	if h.shut || !e.Up("b@h") {
		t.Error("the conn of a live link was closed")
	}
	b := e.newAttempt(context.Background(), testAddr)
	b.conn = handConn{h: &half{}}
	b.cancel(ErrEvicted)
	e.closed = false
	if _, err := b.install(greetings{Name: "c@h"}.remote()); err != ErrEvicted {
		t.Errorf("a cancelled handshake was installed: %v", err)
	}
	e.closed = true
}

// S2: names that were only claimed leave nothing behind.
func TestClaimsLeaveNothing(t *testing.T) {
	e := bare(t, "a@h", 1, nil)
	claim := func(n int) {
		for i := range n {
			a := e.newAttempt(context.Background(), testAddr)
			a.conn = handConn{h: &half{}}
			if s := a.admit(dist.Hello{Name: fmt.Sprintf("stranger%d@h", i), Creation: uint32(i)}); s != dist.StatusOK {
				t.Fatalf("answered %v", s)
			}
			a.leave()
		}
	}
	claim(1000)
	before := heap()
	claim(20000)
	if grown := int64(heap()) - int64(before); grown > 128<<10 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if _, rows := e.Snapshot(); len(rows)+len(e.in)+len(e.out)+len(e.dials) > 0 || e.Version() != 0 {
		t.Errorf("left behind: %d rows, %d handshakes", len(rows), len(e.in))
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// S2: rows of names that are down are bounded, and the oldest goes first.
func TestRowsAreBounded(t *testing.T) {
	e := bare(t, "a@h", 1, nil)
	for i := range MaxDown + 10 {
		a := e.newAttempt(context.Background(), testAddr)
		a.conn = handConn{h: &half{}}
		info, err := a.install(greetings{Name: fmt.Sprintf("p%d@h", i), Creation: 1}.remote())
		if err != nil {
			t.Fatal(err)
		}
		info.Link.Close(dist.ReasonEOF, nil)
	}
	if _, rows := e.Snapshot(); len(rows) != MaxDown || e.Counters()["rows_dropped"] != 10 {
		t.Errorf("%d rows, %d dropped", len(rows), e.Counters()["rows_dropped"])
	}
	if _, ok := e.Lookup("p0@h"); ok {
		t.Error("the oldest is still there")
	}
	e.Close(dist.ReasonStopped)
}
