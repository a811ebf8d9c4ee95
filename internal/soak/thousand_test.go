package soak

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/links"
)

// light is a peer made of a connection table alone: it shakes hands, and takes
// what it is sent without a word.
type light struct{ table *links.Table }

func newLight(name string) *light {
	local := dist.Local{
		Name: name + host, Creation: dist.NewCreation(), Flags: dist.Offer(false),
		Cookie: dist.NewCookie(firstCookie), Challenges: new(dist.Challenges),
	}
	return &light{links.New(links.Config{Local: local, Handler: deaf{}, Tick: time.Hour})}
}

func (l *light) dial(ctx context.Context, to *proc) error {
	addr, err := netip.ParseAddrPort(to.addr)
	if err != nil {
		return err
	}
	_, err = l.table.Dial(ctx, patience, addr, to.name+host)
	return err
}

// deaf takes everything and does nothing.
type deaf struct{}

func (deaf) Send(*dist.Link, etf.PidView, []byte)                  {}
func (deaf) SendName(*dist.Link, etf.PidView, []byte, []byte)      {}
func (deaf) SendAlias(*dist.Link, etf.Ref, []byte)                 {}
func (deaf) Limit(etf.PidView) int                                 { return 0 }
func (deaf) LimitName([]byte) int                                  { return 0 }
func (deaf) Dropped(*dist.Link, etf.PidView, []byte, dist.Drop)    {}
func (deaf) Linked(*dist.Link, etf.Pid, etf.Pid)                   {}
func (deaf) Unlinked(*dist.Link, etf.Pid, etf.Pid)                 {}
func (deaf) Lives(etf.PidView) bool                                { return true }
func (deaf) LivesName([]byte) bool                                 { return true }
func (deaf) Monitored(*dist.Link, etf.Pid, dist.Target, etf.Ref)   {}
func (deaf) Demonitored(*dist.Link, etf.Pid, dist.Target, etf.Ref) {}
func (deaf) MonitorExit(*dist.Link, etf.Ref, []byte)               {}
func (deaf) Exit(*dist.Link, etf.Pid, etf.Pid, []byte)             {}

// most is how many peers a node takes.
const most = links.DefaultMaxPeers

// TestThousandPeers: with LIMINAL_TEST_LONG=1, as many peers as a node takes cost little each; the next one
// is refused, both sides say why, and it gets the first place that is free. Else a
// quarter of them, and nobody is refused.
func TestThousandPeers(t *testing.T) {
	r := newRig(t)
	n, err := r.startSteady("full")
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	long := os.Getenv("LIMINAL_TEST_LONG") == "1"
	count := most / 4
	if long {
		count = most
	}
	crowd := make([]*light, count)
	var rss, goroutines, fds []point
	for i := 0; i < count; i += count / 4 {
		if err := n.meet(t, crowd[i:i+count/4], i); err != nil {
			t.Fatal(err)
		}
		x, err := n.holds(i+count/4, begun)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Duration(i+count/4) * time.Hour // so that the slope is of one peer
		rss, goroutines, fds = append(rss, point{at, x.RSS}), append(goroutines, point{at, x.Goroutines}), append(fds, point{at, x.FDs})
	}
	last := len(rss) - 1
	t.Logf("%d peers in %v: %.1f MiB resident, %.0f goroutines, %.0f descriptors; each peer takes %.1f KiB, %.2f goroutines, %.2f descriptors",
		count, since(begun), rss[last].value/mib, goroutines[last].value, fds[last].value, slope(rss)/1024, slope(goroutines), slope(fds))
	if per := slope(rss); per > 64<<10 && !raceEnabled {
		t.Errorf("a peer takes %.1f KiB, more than 64", per/1024)
	}
	if per := slope(goroutines); per > 4.1 {
		t.Errorf("a peer takes %.2f goroutines, more than 4", per)
	}
	if per := slope(fds); per > 1.02 {
		t.Errorf("a peer takes %.2f descriptors, more than 1", per)
	}
	if long {
		n.oneTooMany(t, crowd)
	}
}

// meet has a crowd join, some at a time; the first is called by number from.
func (s *steady) meet(t *testing.T, crowd []*light, from int) error {
	errs, free := make([]error, len(crowd)), make(chan bool, 16)
	var wg sync.WaitGroup
	for i := range crowd {
		l := newLight(fmt.Sprintf("n%04d", from+i))
		t.Cleanup(func() { l.table.Close(dist.ReasonStopped) })
		crowd[i] = l
		free <- true
		wg.Go(func() {
			errs[i] = l.dial(t.Context(), s.proc)
			<-free
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// holds waits until the node counts so many peers, and gives what it takes then.
func (s *steady) holds(peers int, begun time.Time) (x sample, err error) {
	err = until(func() error {
		if x, err = s.rest(context.Background(), begun); err == nil && x.Peers != float64(peers) {
			err = fmt.Errorf("%.0f peers, want %d", x.Peers, peers)
		}
		return err
	})
	return x, err
}

// oneTooMany knocks at a full node with another light peer and with a real node.
func (s *steady) oneTooMany(t *testing.T, crowd []*light) {
	t.Helper()
	late := newLight("late")
	defer late.table.Close(dist.ReasonStopped)
	err := late.dial(t.Context(), s.proc)
	if err == nil {
		t.Fatal("a peer too many was taken")
	}
	t.Logf("a peer too many hears: %v", err)
	if !errors.Is(err, dist.ErrNotAllowed) {
		t.Errorf("it is not a refusal: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.r.bin, "node", "start", "--name", "later"+host, "--listen", "127.0.0.1:0", "--seed", s.addr,
		"--retry-join=false", "--join-timeout", "0s")
	cmd.Env = s.r.env
	text, err := cmd.CombinedOutput()
	t.Logf("a node too many says: %v\n%s", err, text)
	if err == nil || !strings.Contains(string(text), "refused us") {
		t.Errorf("a node too many does not say that it was refused: %v\n%s", err, text)
	}
	state, errStatus := s.status()
	_, health, errHealth := s.get("/health")
	if err := errors.Join(errStatus, errHealth); err != nil {
		t.Fatal(err)
	}
	if c := state.counters(); c["handshakes_refused_full"] < 2 || !strings.Contains(health, "peers_full") {
		t.Errorf("%d refused for want of room; health says %s", c["handshakes_refused_full"], health)
	}
	t.Logf("the node's health says: %s", health)
	crowd[0].table.Close(dist.ReasonStopped)
	if err := until(func() error { return late.dial(t.Context(), s.proc) }); err != nil {
		t.Errorf("with a place free: %v", err)
	}
}
