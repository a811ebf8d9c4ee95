package node

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/testnet"
)

// simActions are what happens in phase A, with how often.
var simActions = []struct {
	name   string
	weight int
	do     func(*simWorld)
}{
	{"begin", 12, func(w *simWorld) {
		if s := some(w, w.empty()); s != nil {
			w.begin(s)
		}
	}},
	{"stop", 2, onLife((*simWorld).stop)},
	{"kill", 2, onLife(func(w *simWorld, l *simLife) { w.crash(l, "killed", l.host.Kill) })},
	{"power off", 2, onLife(func(w *simWorld, l *simLife) { w.crash(l, "off", l.host.PowerOff) })},
	{"restart", 3, onLife((*simWorld).restart)},
	{"subscribe", 8, onLife(func(_ *simWorld, l *simLife) { subscribeAction(l) })},
	{"unsubscribe", 5, onLife((*simWorld).unsubscribe)},
	{"publish", 14, onLife(func(w *simWorld, l *simLife) { l.order(12, 1+w.rnd.IntN(6)) })},
	{"publish long", 2, onLife(func(w *simWorld, l *simLife) { l.order(200<<10, 2) })},
	{"flood", 1, onLife((*simWorld).flood)},
	{"leave", 2, onLife((*simWorld).leave)},
	{"join", 4, onLife((*simWorld).join)},
	{"forget", 3, onLife((*simWorld).forget)},
	{"cut one way", 3, func(w *simWorld) { w.hinder("cut", w.net.Cut, false) }},
	{"cut both ways", 3, func(w *simWorld) { w.hinder("cut", w.net.Cut, true) }},
	{"clog one way", 3, func(w *simWorld) { w.hinder("clogged", w.net.Clog, false) }},
	{"clog both ways", 2, func(w *simWorld) { w.hinder("clogged", w.net.Clog, true) }},
	{"delay", 2, (*simWorld).slower},
	{"reset", 4, onTwo("reset", (*testnet.Mem).Reset)},
	{"half-close", 3, onTwo("half-closed", (*testnet.Mem).HalfClose)},
	{"pause", 3, onLife((*simWorld).pause)},
	{"split", 2, (*simWorld).split},
	{"impostor", 1, onLife((*simWorld).impostor)},
	{"poll", 3, onLife(func(_ *simWorld, l *simLife) { l.task(func(_ context.Context, n *Node) { n.PollOnce() }) })},
	{"swizzle", 2, (*simWorld).swizzle},
}

// act lets one thing happen.
func (w *simWorld) act() {
	sum := 0
	for _, a := range simActions {
		sum += a.weight
	}
	k := w.rnd.IntN(sum)
	for _, a := range simActions {
		if k -= a.weight; k < 0 {
			a.do(w)
			return
		}
	}
}

func onLife(do func(*simWorld, *simLife)) func(*simWorld) {
	return func(w *simWorld) {
		if l := some(w, w.living()); l != nil {
			do(w, l)
		}
	}
}

func onTwo(what string, do func(*testnet.Mem, netip.Addr, netip.Addr)) func(*simWorld) {
	return func(w *simWorld) {
		a, b := w.two()
		w.note("%s and %s: %s, of %d", a.name, b.name, what, w.net.Conns(a.addr.Addr(), b.addr.Addr()))
		do(w.net, a.addr.Addr(), b.addr.Addr())
	}
}

// two are two different spots.
func (w *simWorld) two() (a, b *simSpot) {
	i := w.rnd.IntN(len(w.spots))
	j := (i + 1 + w.rnd.IntN(len(w.spots)-1)) % len(w.spots)
	return w.spots[i], w.spots[j]
}

// faultTime is how long a fault of the network lasts: some are noticed, some not.
func (w *simWorld) faultTime() time.Duration {
	return []time.Duration{w.upTo(300 * time.Millisecond), w.upTo(3 * time.Second), w.upTo(9 * time.Second)}[w.rnd.IntN(3)]
}

// stop closes a life in peace. Its name is free when that must be over.
func (w *simWorld) stop(l *simLife) {
	w.note("%s stops", l.spot.name)
	s := l.spot
	s.busy = true
	l.end()
	w.later(stopTime, func() {
		s.busy = false
		select {
		case <-l.gone:
		default:
			w.fail("%s: Close has not returned after %v", s.name, stopTime)
		}
	})
}

// stopTime is what Close may take with a drain of a second, and a little.
const stopTime = 2*time.Second + 10*time.Millisecond

func (w *simWorld) crash(l *simLife, how string, end func()) {
	w.note("%s is %s", l.spot.name, how)
	end()
	l.end()
}

func (w *simWorld) restart(l *simLife) {
	s := l.spot
	w.crash(l, "restarted", []func(){l.host.Kill, l.host.PowerOff}[w.rnd.IntN(2)])
	w.later(w.upTo(500*time.Millisecond), func() {
		if s.life == nil && !s.busy {
			w.begin(s)
		}
	})
}

// impostor starts a second node of a name elsewhere, for a while.
func (w *simWorld) impostor(l *simLife) {
	if len(w.fakes) > 0 {
		return
	}
	ip := l.spot.addr.Addr().As4()
	ip[2] = 1
	s := &simSpot{name: l.spot.name, addr: netip.AddrPortFrom(netip.AddrFrom4(ip), l.spot.addr.Port())}
	w.begin(s)
	w.fakes = append(w.fakes, s.life)
	w.later(w.upTo(6*time.Second), w.unmask)
}

// unmask ends the impostor.
func (w *simWorld) unmask() {
	for _, l := range w.fakes {
		w.crash(l, "unmasked", l.host.Kill)
	}
	w.fakes = nil
}

// subscribeAction takes one channel, or several.
func subscribeAction(l *simLife) {
	n := l.now()
	if n == nil || len(l.subs) > 3 {
		return
	}
	w := l.w
	slow := time.Duration(0)
	if w.rnd.IntN(4) == 0 {
		slow = 1 + w.upTo(200*time.Millisecond)
	}
	names := simChannels[w.rnd.IntN(len(simChannels)):]
	if w.rnd.IntN(2) == 0 {
		names = names[:1]
	}
	w.note("%s subscribes to %v", l.spot.name, names)
	if s := l.subscribe(n, slow, names...); s != nil {
		l.subs = append(l.subs, s)
	}
}

func (w *simWorld) unsubscribe(l *simLife) {
	if len(l.subs) == 0 {
		return
	}
	i := w.rnd.IntN(len(l.subs))
	w.note("%s unsubscribes from %v", l.spot.name, l.subs[i].names)
	l.subs[i].s.Close()
	l.subs = append(l.subs[:i:i], l.subs[i+1:]...)
}

// order has a life publish on some channel.
func (l *simLife) order(size, times int) {
	l.ask(simOrder{simChannels[l.w.rnd.IntN(len(simChannels))], size, times})
}

// flood publishes more than a link may hold, while one of them is clogged.
func (w *simWorld) flood(l *simLife) {
	to := some(w, w.spots)
	if to == l.spot {
		return
	}
	w.note("%s floods, the way to %s is clogged", l.spot.name, to.name)
	w.net.Clog(l.spot.addr.Addr(), to.addr.Addr())
	w.later(w.upTo(2*time.Second), func() { w.net.Open(l.spot.addr.Addr(), to.addr.Addr()) })
	if w.rnd.IntN(2) == 0 {
		w.later(w.upTo(time.Second), func() { w.net.Reset(l.spot.addr.Addr(), to.addr.Addr()) })
	}
	l.order(1000<<10, 10)
}

// task runs what may take its time beside the driver.
func (l *simLife) task(do func(context.Context, *Node)) {
	n := l.now()
	if n == nil {
		return
	}
	l.w.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		do(ctx, n)
	})
}

func (w *simWorld) leave(l *simLife) {
	w.note("%s leaves", l.spot.name)
	l.left = true
	l.task(func(ctx context.Context, n *Node) { _, _ = n.Leave(ctx) })
}

// join calls somebody, whom it may have forgotten.
func (w *simWorld) join(l *simLife) {
	if other := some(w, w.spots); other != l.spot {
		l.join(other, w.addressOf(other))
	}
}

func (l *simLife) join(other *simSpot, address string) {
	l.w.note("%s joins %s", l.spot.name, address)
	if strings.Contains(address, "@") {
		delete(l.forgot, other)
	}
	l.task(func(ctx context.Context, n *Node) {
		if j := n.Join(ctx, address); j.Err == nil {
			l.w.saw("joined")
		}
	})
}

func (w *simWorld) forget(l *simLife) {
	other := some(w, w.spots)
	if other == l.spot {
		return
	}
	w.note("%s forgets %s", l.spot.name, other.name)
	l.forgot[other] = true
	l.task(func(_ context.Context, n *Node) {
		if _, err := n.Forget(other.name); err == nil {
			w.saw("forget")
		}
	})
}

// hinder does something to the way between two spots, and undoes it later.
func (w *simWorld) hinder(what string, how func(from, to netip.Addr), both bool) {
	a, b := w.two()
	w.hinderPair(what, how, a, b, both, w.faultTime())
}

func (w *simWorld) hinderPair(what string, how func(from, to netip.Addr), a, b *simSpot, both bool, d time.Duration) {
	w.note("%s to %s is %s for %v, back too is %t", a.name, b.name, what, d, both)
	from, to := a.addr.Addr(), b.addr.Addr()
	how(from, to)
	if both {
		how(to, from)
	}
	w.later(d, func() {
		w.note("%s to %s is open", a.name, b.name)
		w.net.Open(from, to)
		if both {
			w.net.Open(to, from)
		}
	})
}

func (w *simWorld) slower() {
	a, b := w.two()
	w.net.SetDelay(a.addr.Addr(), b.addr.Addr(), w.upTo(300*time.Millisecond), w.upTo(300*time.Millisecond))
	w.later(w.faultTime(), func() {
		w.net.SetDelay(a.addr.Addr(), b.addr.Addr(), w.upTo(w.shape.delay), w.upTo(w.shape.delay))
	})
}

// pause holds all that goes to and from a node, as if it were stopped.
func (w *simWorld) pause(l *simLife) {
	d := w.faultTime()
	for _, s := range w.spots {
		if s != l.spot {
			w.hinderPair("clogged", w.net.Clog, l.spot, s, true, d)
		}
	}
}

// split cuts the nodes into two sides.
func (w *simWorld) split() {
	at, d := 1+w.rnd.IntN(len(w.spots)-1), w.faultTime()
	for _, i := range w.rnd.Perm(len(w.spots))[:at] {
		for j := range w.spots {
			w.hinderPair("cut", w.net.Cut, w.spots[i], w.spots[j], true, d)
		}
	}
}

// swizzle clogs some nodes one by one, and lets them go in another order.
func (w *simWorld) swizzle() {
	for _, i := range w.rnd.Perm(len(w.spots))[:1+w.rnd.IntN(len(w.spots))] {
		s := w.spots[i]
		w.later(w.upTo(time.Second), func() {
			d := w.upTo(4 * time.Second)
			for _, o := range w.spots {
				if o != s {
					w.hinderPair("clogged", w.net.Clog, s, o, true, d)
				}
			}
		})
	}
}
