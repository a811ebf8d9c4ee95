package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// F16: a seed that is not there yet: the node is joining, serves, and goes on once
// the seed has come.
func TestSeedComesLater(t *testing.T) {
	addr := freeAddr(t)
	c := quiet(t, "a", addr)
	c.JoinTimeout = within
	joining := make(chan *Node, 1)
	c.Listening = func(n *Node) { joining <- n }
	started := make(chan error, 1)
	var n *Node
	go func() {
		var err error
		n, err = Start(context.Background(), c)
		started <- err
	}()
	early := <-joining
	waitFor(t, early, "the seed was tried", func(n *Node) bool {
		s := n.Status()
		return len(s.Seeds) == 1 && s.Seeds[0].Tries > 0 && s.Seeds[0].Err != nil
	})
	if s := early.Status(); s.State != NodeJoining {
		t.Errorf("it is %s", s.State)
	}
	p := newLight(t, "c", sayingHello)
	p.dial(early) // it takes links meanwhile
	waitFor(t, early, "c is up", hasPeers(p.name()))
	cs := quiet(t, "seed")
	cs.Listen = addr
	seed := start(t, cs)
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if s := n.Status(); s.State != NodeUp || s.Seeds[0].State != "up" || s.Seeds[0].Node != seed.name {
		t.Errorf("%+v", s)
	}
	if !slices.Contains(n.PeerNames(), seed.name) {
		t.Errorf("peers %v when Start returns", n.PeerNames())
	}
}

// F10: our own address among the seeds is found out and set aside, by whatever way
// it is written.
func TestOwnAddressAmongSeeds(t *testing.T) {
	addr := freeAddr(t)
	for _, seeds := range [][]string{{addr}, {"a"}, {"a@127.0.0.1"}, {"a@" + addr}, {addr, "a"}} {
		t.Run(strings.Join(seeds, ","), func(t *testing.T) {
			c := quiet(t, "a", seeds...)
			c.Listen = addr
			n := start(t, c)
			for _, s := range n.Status().Seeds {
				if s.State != "self" {
					t.Errorf("%+v", s)
				}
			}
			if got := n.Peers(); len(got) != 0 {
				t.Errorf("it is its own peer: %+v", got)
			}
			n.Close()
		})
	}
	other := start(t, quiet(t, "b"))
	c := quiet(t, "a", addr, other.testAddr())
	c.Listen = addr
	n := start(t, c)
	if got := n.PeerNames(); !slices.Equal(got, []string{other.name}) {
		t.Errorf("peers %v", got)
	}
	j := n.Join(t.Context(), addr)
	if !errors.Is(j.Err, ErrSelf) {
		t.Errorf("join of itself: %+v", j)
	}
}

func TestTwoSeedsOneDead(t *testing.T) {
	dead := freeAddr(t)
	seed := start(t, quiet(t, "seed"))
	n := start(t, quiet(t, "a", dead, seed.testAddr()))
	if got := n.PeerNames(); !slices.Equal(got, []string{seed.name}) {
		t.Errorf("peers %v", got)
	}
	var states []string
	for _, s := range n.Status().Seeds {
		states = append(states, s.State)
	}
	if states[0] == "up" || states[1] != "up" {
		t.Errorf("seeds are %v", states)
	}
}

func TestNoSeedAnswers(t *testing.T) {
	dead := freeAddr(t)
	wrong := quiet(t, "wrong")
	wrong.Cookie = NewCookie("another cookie than the others")
	other := start(t, wrong)
	c := quiet(t, "a", dead, other.testAddr(), "b@127.0.0.1", "b@short")
	c.JoinTimeout = 300 * time.Millisecond
	n, err := Start(t.Context(), c)
	if n != nil {
		t.Fatal("there is a node")
	}
	for _, want := range []error{ErrClusterJoin, ErrUnreachable, ErrCookie, ErrNoPort, ErrNameMode} {
		if !errors.Is(err, want) {
			t.Errorf("%v\ndoes not say: %v", err, want)
		}
	}
	var join *JoinError
	if !errors.As(err, &join) || join.Attempted != 4 || len(join.Seeds) != 4 {
		t.Fatalf("%#v", err)
	}
	var dial *DialError
	if !errors.As(join.Seeds[0], &dial) || dial.Address != dead || dial.Endpoint != dead || dial.Stage != "connect" {
		t.Errorf("the dead seed: %+v", dial)
	}
	if !errors.As(join.Seeds[1], &dial) || dial.Peer != other.name || dial.Stage == "" {
		t.Errorf("the seed with another cookie: %+v", dial)
	}
}

// silentListener takes connections and says nothing.
func silentListener(t testing.TB) (addr string, taken *atomic.Int32) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var conns []net.Conn
	taken = new(atomic.Int32)
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			taken.Add(1)
			conns = append(conns, conn)
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
		for _, c := range conns {
			c.Close()
		}
	})
	return l.Addr().String(), taken
}

// The time is up while the first dial is still out.
func TestJoinTimeoutDuringDial(t *testing.T) {
	addr, _ := silentListener(t)
	c := quiet(t, "a", addr)
	c.JoinTimeout = 50 * time.Millisecond
	_, err := Start(t.Context(), c)
	if !errors.Is(err, ErrClusterJoin) || !errors.Is(err, ErrTimeout) {
		t.Errorf("%v", err)
	}
	if text := err.Error(); strings.Contains(text, "nil") || !strings.Contains(text, addr) {
		t.Errorf("it does not say which seed: %q", text)
	}
}

func TestJoinOnceEach(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var dials atomic.Int32
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			dials.Add(1)
			conn.Close()
		}
	})
	defer wg.Wait()
	defer l.Close()
	c := quiet(t, "a", l.Addr().String(), freeAddr(t))
	c.JoinTimeout, c.RetryMax = -1, time.Minute
	if _, err := Start(t.Context(), c); !errors.Is(err, ErrClusterJoin) {
		t.Errorf("%v", err)
	}
	if got := dials.Load(); got != 1 {
		t.Errorf("dialled %d times", got)
	}
}

func TestStartEndsWithContext(t *testing.T) {
	addr, _ := silentListener(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the caller's own")
	c := quiet(t, "a", addr)
	c.RetryJoin = true
	c.Listening = func(*Node) { cancel(cause) }
	if _, err := Start(ctx, c); !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
}

// A Join that finds its peer dialled already by another address, or linked
// before its own dial came to it, has an answer all the same.
func TestJoinWhileAnotherDialIsOut(t *testing.T) {
	b := start(t, quiet(t, "b"))
	a := start(t, quiet(t, "a"))
	slow, _ := silentListener(t)
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	first := make(chan Joined, 1)
	go func() { first <- a.Join(ctx, "b@"+slow) }()
	waitFor(t, a, "the first dial is out", func(n *Node) bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.plan.Stats().InFlight == 1
	})
	second := make(chan Joined, 1)
	go func() { second <- a.Join(ctx, "b@"+b.testAddr()) }()
	waitFor(t, a, "the second waits", func(n *Node) bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.joins) == 2
	})
	if j := b.Join(ctx, a.testAddr()); j.Err != nil { // the link comes from the other side
		t.Fatal(j.Err)
	}
	if j := <-second; j.Err != nil || j.Name != b.name {
		t.Errorf("%+v", j)
	}
	cancel()
	<-first
}

// Leave ends what waits in Join.
func TestLeaveEndsJoin(t *testing.T) {
	a := start(t, quiet(t, "a"))
	slow, _ := silentListener(t)
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	answers := make(chan Joined, 2)
	for _, address := range []string{"b@" + slow, "b@127.0.0.1"} { // of one name: the second waits for the first
		go func() { answers <- a.Join(ctx, address) }()
		waitFor(t, a, "it waits", func(n *Node) bool {
			n.mu.Lock()
			defer n.mu.Unlock()
			return len(n.joins) > 0 && n.plan.Stats().InFlight == 1
		})
	}
	waitFor(t, a, "both wait", func(n *Node) bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.joins) == 2
	})
	if _, err := a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if j := <-answers; !errors.Is(j.Err, errLeft) {
			t.Errorf("%+v", j)
		}
	}
}

// Leave during Start ends the wait for the seeds, and the node is alone: no seed
// is dialled, whether Leave came before the first dial or after it, nor does a
// reload bring them back.
func TestLeaveDuringStart(t *testing.T) {
	for _, tried := range []bool{false, true} {
		t.Run(fmt.Sprintf("seed tried %t", tried), func(t *testing.T) {
			c := quiet(t, "a", freeAddr(t))
			c.RetryJoin = true
			left := make(chan error, 1)
			leave := func(n *Node) { _, err := n.Leave(context.Background()); left <- err }
			c.Listening = func(n *Node) {
				if !tried {
					leave(n)
					return
				}
				go func() {
					for s := n.Status().Seeds; len(s) == 0 || s[0].Tries == 0; s = n.Status().Seeds {
						runtime.Gosched()
					}
					leave(n)
				}()
			}
			n := start(t, c)
			if err := <-left; err != nil {
				t.Fatal(err)
			}
			if err := n.Reload(Settings{Seeds: c.Seeds}); err != nil {
				t.Fatal(err)
			}
			if s := n.Status(); s.State != NodeAlone || len(s.Seeds) > 0 {
				t.Errorf("the node is %s with seeds %+v", s.State, s.Seeds)
			}
		})
	}
}

// Joins of one address at one moment share its dial and not its error value.
func TestJoinsOfOneAddress(t *testing.T) {
	a := start(t, quiet(t, "a"))
	dead := freeAddr(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				j := a.Join(t.Context(), dead)
				if !errors.Is(j.Err, ErrUnreachable) {
					t.Errorf("%+v", j)
				}
				for _, s := range a.Status().Seeds {
					_ = fmt.Sprint(s.Err)
				}
			}
		})
	}
	wg.Wait()
}
