package testnet_test

import (
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/otptest"
	"github.com/liminal-bus/liminal/internal/testnet"
)

// Two machines with a cable between them. Each has one node.
const (
	ipA, ipB = "10.77.0.1", "10.77.0.2"
	port     = "9100" // of every node: a machine of its own has all ports free
)

// machines is a pair of hosts; a runs liminal, b whatever the test says.
type machines struct {
	t     *testing.T
	w     *testnet.World
	hostA *testnet.Host
	hostB *testnet.Host
	a     *testnet.Node
	seed  string
}

func newMachines(t *testing.T) *machines {
	t.Helper()
	testnet.NeedNet(t)
	m := &machines{t: t, w: testnet.NewWorld(t), hostA: testnet.NewHost(t), seed: ipA + ":" + port}
	m.plug()
	m.a = m.w.On(m.hostA).Node("a@"+ipA, "--listen", m.seed, "--tick", tick.String())
	return m
}

// plug puts a new machine b at the other end of a new cable.
func (m *machines) plug() {
	m.hostB = testnet.NewHost(m.t)
	testnet.Cable(m.hostA, ipA+"/24", m.hostB, ipB+"/24")
}

// other is the node on machine b.
type other struct {
	name string
	kill func()
	down func() time.Time // when it heard that a is down; ask before, call after
}

func (m *machines) liminal() other {
	b := m.w.On(m.hostB).Node("b@"+ipB, "--listen", ipB+":"+port, "--tick", tick.String(), "--seed", m.seed)
	b.AwaitUp(m.t, m.a.Name)
	sub := m.w.On(m.hostB).Start("sub", "chat", "--node", "b")
	mark := b.Mark()
	return other{b.Name, func() { b.Kill(); sub.Kill() }, func() time.Time {
		return b.Await(m.t, mark, m.a.Name, testnet.Gone...).Time
	}}
}

// otp finds our node without an epmd: all nodes have one port.
func (m *machines) otp() other {
	o := startOTP(m.t, otptest.Options{
		Name: "b", Host: ipB, TickTime: int(tick.Seconds()), Launch: m.hostB.Start, PGDies: true,
		Args: []string{"-erl_epmd_port", port, "-kernel", "inet_dist_use_interface", "{10,77,0,2}"},
	})
	m.w.Run("join", o.Name+":"+port, "--node", "a") // it is dialled again whenever it is lost
	o.Spawn("pg:join(<<\"chat\">>, self()), receive never -> ok end")
	return other{o.Name, func() { _ = o.Kill() }, nodedown(m.t, o)}
}

// kinds runs a test with each kind of node on machine b.
// most is the silence after which that is down.
func kinds(t *testing.T, test func(t *testing.T, m *machines, start func() other, most time.Duration)) {
	testnet.NeedNet(t)
	t.Run("liminal", func(t *testing.T) {
		t.Parallel()
		m := newMachines(t)
		test(t, m, m.liminal, 3*time.Second)
	})
	t.Run("otp", func(t *testing.T) {
		otptest.Need(t)
		t.Parallel()
		m := newMachines(t)
		test(t, m, m.otp, tick*5/4)
	})
}

// silence is the reason for which a peer is down that says nothing for so long.
func silence(most time.Duration) string {
	if most == 3*time.Second {
		return "probe_timeout"
	}
	return "tick_timeout"
}

// met waits until the peer is there with its member.
func (m *machines) met(b other) testnet.Event {
	m.t.Helper()
	m.a.AwaitUp(m.t, b.name)
	testnet.Until(m.t, "its member is known", func() bool { return m.a.Subscribers(m.t, "chat") == 1 })
	probed(m.t, m.a)
	events := m.a.Events()
	for i := len(events) - 1; i >= 0; i-- {
		if e := events[i]; e.Name == b.name && (e.Type == "peer.join" || e.Type == "peer.rejoin") {
			return e
		}
	}
	m.t.Fatal("it has never joined")
	return testnet.Event{}
}

// purged holds that nothing of a peer that is down is left.
func (m *machines) purged() {
	m.t.Helper()
	if n := m.a.Subscribers(m.t, "chat"); n != 0 {
		m.t.Errorf("%d members of a peer that is down", n)
	}
	for _, p := range m.a.Peers(m.t) {
		if p.State != "up" && p.State != "suspect" && p.Subs != 0 {
			m.t.Errorf("a peer that is down has members: %+v", p)
		}
	}
}

// F3: the power of a peer's machine fails: nobody says that the connection is
// gone. It is down in the time of a stopped one; where it is back before that,
// its new life replaces the old at once, in one batch.
func TestPowerFails(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, m *machines, start func() other, most time.Duration) {
		lost := testnet.Figures{What: "power cut to down, " + t.Name()}
		back := testnet.Figures{What: "old life down to new one joined, " + t.Name()}
		for range rounds(1, 30) {
			b := start()
			m.met(b)
			mark, at := m.a.Mark(), time.Now()
			m.fail(b)
			e := m.a.Await(t, mark, b.name, testnet.Gone...)
			want(t, e, silence(most))
			lost.Add(since(at, e))
			m.purged()
			m.plug()
		}
		for range rounds(1, 3) { // a fourth in a minute would be taken for a second node of that name
			m.comesBack(start, &back)
		}
		m.a.CheckLaws(t)
		lost.Check(t, most*3/5-poll, most+2*poll)
		back.Check(t, 0, 7*time.Second+2*poll) // at once, or by a redial
	})
}

// fail cuts the power of machine b. What its kernel has to say goes nowhere.
func (m *machines) fail(b other) {
	m.hostB.Cut()
	b.kill()
	m.hostB.Unplug()
}

// comesBack lets a peer's machine fail and its next life come before the old one
// is given up.
func (m *machines) comesBack(start func() other, took *testnet.Figures) {
	m.t.Helper()
	b := start()
	before := m.met(b)
	mark := m.a.Mark()
	m.fail(b)
	m.plug()
	next := start()
	up := m.a.Await(m.t, mark, next.name, testnet.Joined...)
	down := m.a.Await(m.t, mark, next.name, testnet.Gone...)
	took.Add(up.Time.Sub(down.Time))
	if up.Creation == before.Creation || up.Generation != before.Generation+1 || down.Generation != before.Generation {
		m.t.Errorf("before %+v\ndown %+v\nafter %+v", before, down, up)
	}
	switch down.Reason {
	case "replaced":
		if !down.Time.Equal(up.Time) {
			m.t.Errorf("replaced, and left at %v, joined at %v: not one batch", down.Time, up.Time)
		}
	case "tick_timeout", "probe_timeout", "reset": // given up before, or its new kernel knew nothing of the old link
		m.t.Logf("%s was down before it was back: %s", next.name, down.Reason)
	default:
		m.t.Errorf("ended for %q", down.Reason)
	}
	m.met(next)
	next.kill()
	m.a.Await(m.t, m.a.Mark()-1, next.name, testnet.Gone...)
}

// F4: nothing goes either way. Both sides know within their time, keep no member
// of the other, and are together again soon after the line is.
func TestSilentPartition(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, m *machines, start func() other, most time.Duration) {
		here := testnet.Figures{What: "line dead to down here, " + t.Name()}
		there := testnet.Figures{What: "line dead to down there, " + t.Name()}
		heal := testnet.Figures{What: "line mended to joined, " + t.Name()}
		b := start()
		for range rounds(1, 30) {
			m.met(b)
			mark, at := m.a.Mark(), time.Now()
			m.hostA.Hang(ipB)
			m.hostB.Hang(ipA)
			e := m.a.Await(t, mark, b.name, testnet.Gone...)
			want(t, e, silence(most))
			here.Add(since(at, e))
			there.Add(b.down().Sub(at))
			m.purged()
			mark, at = m.a.Mark(), time.Now()
			m.hostA.Heal(ipB)
			m.hostB.Heal(ipA)
			heal.Add(since(at, m.a.Await(t, mark, b.name, testnet.Joined...)))
			m.met(b) // backfilled
			if testnet.Long() {
				b.kill()
				m.a.Await(t, mark, b.name, testnet.Gone...)
				b = start()
			}
		}
		m.a.CheckLaws(t)
		here.Check(t, most/2, most+2*poll)
		there.Check(t, most/2, max(most, tick*5/4)+2*poll)
		heal.Check(t, 0, 7*time.Second+2*poll)
	})
}

// F5: one direction is dead. The deaf side knows within its time, the other with
// the close that it is told, at the latest within its own.
func TestDeafSide(t *testing.T) {
	t.Parallel()
	for _, deaf := range []string{"there", "here"} {
		t.Run("deaf "+deaf, func(t *testing.T) {
			t.Parallel()
			kinds(t, func(t *testing.T, m *machines, start func() other, _ time.Duration) {
				here := testnet.Figures{What: "to down here, " + t.Name()}
				there := testnet.Figures{What: "to down there, " + t.Name()}
				for range rounds(1, 30) {
					b := start()
					m.met(b)
					host, ip := m.hostA, ipB
					if deaf == "here" {
						host, ip = m.hostB, ipA
					}
					mark, at := m.a.Mark(), time.Now()
					host.Misdirect(ip)
					here.Add(since(at, m.a.Await(t, mark, b.name, testnet.Gone...)))
					there.Add(b.down().Sub(at))
					m.purged()
					mark = m.a.Mark()
					host.Redirect(ip)
					m.a.Await(t, mark, b.name, testnet.Joined...)
					m.met(b)
					mark = m.a.Mark()
					b.kill()
					m.a.Await(t, mark, b.name, testnet.Gone...)
				}
				m.a.CheckLaws(t)
				// A close stands behind bytes that are never acknowledged, and so is late.
				quick, late := tick*5/4+2*poll, tick*5/2+2*poll
				if deaf == "here" {
					here.Check(t, 0, quick)
					there.Check(t, 0, late)
				} else {
					there.Check(t, 0, quick)
					here.Check(t, 0, late)
				}
			})
		})
	}
}
