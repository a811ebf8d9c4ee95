package testnet_test

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/otptest"
	"github.com/liminal-bus/liminal/internal/testnet"
)

// F2: a peer that is stopped by SIGSTOP is first suspect, and down when its time
// is over: 3 s of unanswered probes for liminal, the tick time for OTP. It makes
// no other event, delays no publish to others, and comes back by itself.
func TestStoppedPeer(t *testing.T) {
	otptest.Need(t)
	t.Parallel()
	epmd := otptest.NewEPMD(t)
	w := epmdWorld(t, epmd)
	short := []string{"--tick", tick.String()}
	a := w.Node("a", short...)
	steady := w.Node("steady", append(short, "--seed", a.Addr)...)
	steadySub := w.Start("sub", "news", "--node", "steady")
	a.AwaitUp(t, steady.Name)

	var stop sync.WaitGroup
	defer stop.Wait()
	lim, otp := testnet.Figures{What: "SIGSTOP to down, liminal"}, testnet.Figures{What: "SIGSTOP to down, otp with a tick of 4 s"}
	peers := rounds(2, 10)
	var all []stopped
	for i := range peers {
		b := w.Node(fmt.Sprint("b", i), append(short, "--seed", a.Addr)...)
		all = append(all, stopped{b.Name, "probe_timeout", &lim, func() { b.Signal(t, syscall.SIGSTOP) }, func() { b.Signal(t, syscall.SIGCONT) }})
		o := startOTP(t, otptest.Options{Name: fmt.Sprint("o", i), EPMD: epmd, TickTime: int(tick.Seconds())})
		connect(t, o, a)
		all = append(all, stopped{o.Name, "tick_timeout", &otp, func() { _ = o.Stop() }, func() { _ = o.Cont() }})
	}
	testnet.Until(t, "somebody listens", func() bool { return a.Subscribers(t, "news") == 1 })
	for range rounds(1, 3) {
		stoppedOnce(t, a, all)
	}
	lim.Check(t, 1500*time.Millisecond, 3*time.Second+2*poll)
	otp.Check(t, tick*3/4, tick*5/4+2*poll)
	a.CheckLaws(t)
	steadySub.Kill()
}

// stopped is a peer that can be.
type stopped struct {
	name      string
	reason    string // for which it is down
	took      *testnet.Figures
	stop, run func()
}

// stoppedOnce stops all at different moments, waits until they are down, and
// lets them run again.
func stoppedOnce(t *testing.T, a *testnet.Node, all []stopped) {
	t.Helper()
	for _, p := range all {
		a.AwaitUp(t, p.name)
	}
	probed(t, a)
	mark, at := a.Mark(), make([]time.Time, len(all))
	for i, p := range all {
		at[i] = time.Now()
		p.stop()
		publish(t, a, "news", 1)
	}
	for i, p := range all {
		down := a.Await(t, mark, p.name, testnet.Gone...)
		want(t, down, p.reason)
		if suspect := a.Await(t, mark, p.name, "peer.state"); suspect.State != "suspect" || suspect.Seq > down.Seq {
			t.Errorf("%s was %s before it was down", p.name, suspect.State)
		}
		p.took.Add(since(at[i], down))
	}
	publish(t, a, "news", 1)
	back := a.Mark()
	for _, p := range all {
		p.run()
	}
	for _, p := range all {
		a.Await(t, back, p.name, testnet.Joined...)
	}
}

// probed waits until each peer that is up has answered a probe: the first round
// trip that is known is that of the handshake.
func probed(t *testing.T, a *testnet.Node) {
	t.Helper()
	first := map[string]int64{}
	testnet.Until(t, "each peer has answered a probe", func() bool {
		waiting := false
		for _, p := range a.Peers(t) {
			if p.State != "up" || p.RTT == nil {
				continue
			}
			before, seen := first[p.Name]
			if !seen {
				first[p.Name] = *p.RTT
			}
			waiting = waiting || !seen || before == *p.RTT
		}
		return !waiting
	})
}

// prompt bounds a publish that nobody should delay, less than any peer's patience
// or handshake lasts and a lot for a busy machine.
const prompt = 4 * time.Second

// publish sends one message, and holds that nobody delays it.
func publish(t *testing.T, a *testnet.Node, channel string, members int) {
	t.Helper()
	begin := time.Now()
	r := a.Publish(t, channel, "hello")
	if took := time.Since(begin); took > prompt {
		t.Errorf("a publish took %v", took)
	}
	if r.Members != members || len(r.Peers) != members || r.Peers[0].Outcome != "written" || r.Dropped != 0 {
		t.Errorf("receipt %+v, want it written to %d", r, members)
	}
}
