package node

import (
	"time"
)

// healTime bounds the way from the last fault to equal views. The steps behind
// each other, at worst: a handshake that the faults have left behind ends (7 s,
// dist.SetupTime); the dial that yielded to it waits for its link (7 s, the
// plan's YieldWait), or a link that is dead is given up (20 s, the longest
// ProbeTimeout here, and two polls); then a pause of the redial (5 s), and its
// round trips. Who is known to none of those that one was linked to is asked
// for in turn, one peer every 5 s (askMesh).
//
// A node that was told not_allowed, since the other one had left or forgotten it,
// comes back to that address after refusedTime; it may know no other.
func (w *simWorld) healTime() time.Duration {
	bound := 7*time.Second + 7*time.Second + 5*time.Second + 2*time.Second
	if w.shape.probe > 0 {
		bound += w.shape.probe
	}
	if w.has("status not_allowed") {
		bound += refusedTime
	}
	return bound + time.Duration(w.shape.nodes)*5*time.Second
}

// refusedTime is the longest first pause after a refusal.
const refusedTime = 37500 * time.Millisecond

// phaseB: everything heals, and all must agree. Who has left is asked back, who
// was forgotten is joined again, and no name stays empty.
func (w *simWorld) phaseB() bool {
	w.note("HEAL")
	w.plan = nil
	w.unmask()
	for _, s := range w.spots {
		s.busy = false
	}
	w.net.OpenAll()
	w.heal()
	w.missing()
	began := time.Now()
	for {
		if !w.pass(50 * time.Millisecond) {
			return false
		}
		why := w.disagreement()
		if why == "" {
			w.healed = time.Since(began)
			w.note("EQUAL after %v", w.healed)
			return true
		}
		if time.Since(began) > w.healTime() {
			w.fail("not equal %v after all has healed: %s", w.healTime(), why)
			return false
		}
	}
}

func (w *simWorld) heal() {
	for _, l := range w.living() {
		switch {
		case l.left && l.spot != w.spots[0]:
			l.join(w.spots[0], w.spots[0].byName())
		case l.left:
			l.join(w.spots[1], w.spots[1].byName())
		}
		for _, other := range w.spots {
			if l.forgot[other] {
				l.join(other, other.byName())
			}
		}
	}
	for _, s := range w.empty() {
		w.begin(s)
	}
}

// missing notes whether the healing has anything to do.
func (w *simWorld) missing() {
	if w.disagreement() != "" {
		w.saw("healed a disagreement")
	}
}

// disagreement says what is not yet as it should be.
func (w *simWorld) disagreement() string {
	all := w.living()
	for _, l := range all {
		if why := l.agrees(all); why != "" {
			return why
		}
	}
	return ""
}

// lastWords: with no fault left each message reaches each subscription once.
func (w *simWorld) lastWords() bool {
	lives := w.living()
	for _, l := range lives {
		for _, s := range l.subs {
			s.s.Close()
		}
		l.subs = nil
		if s := l.subscribe(l.now(), 0, simChannels...); s != nil {
			l.subs = append(l.subs, s)
		}
	}
	if !w.pass(2*time.Second) || !w.quiet() || !w.agreed("after all have subscribed") {
		return false
	}
	const times = 3
	for _, l := range lives {
		for _, c := range simChannels {
			l.ask(simOrder{c, lastWord, times})
		}
	}
	if !w.pass(3 * time.Second) {
		return false
	}
	for _, l := range lives {
		for _, from := range lives {
			if got, want := l.subs[0].heard[from.number], times*len(simChannels); got != want {
				w.fail("%s heard %d last messages of %s, want %d", l.spot.name, got, from.spot.name, want)
			}
		}
	}
	for _, l := range lives {
		l.checkReceived(lives)
	}
	return w.agreed("after the last messages")
}

// lastWord is the size that tells them from what was published before.
const lastWord = 13

// quiet waits until all that was to be published before is on its way, and there.
func (w *simWorld) quiet() bool {
	for range 60 {
		busy := false
		for _, l := range w.living() {
			busy = busy || l.asked.Load() > 0 || l.queued()
		}
		if !w.pass(500 * time.Millisecond) {
			return false
		}
		if !busy {
			return true
		}
	}
	w.fail("messages wait 30 s after all has healed")
	return false
}

// queued says whether a link has something to write.
func (l *simLife) queued() bool {
	_, rows := l.now().table.Snapshot()
	for _, r := range rows {
		if r.Up && r.Link.Stats().Queued > 0 {
			return true
		}
	}
	return false
}

// checkReceived: over a link that lives, what was written has come, but for what
// was for subscriptions that were gone by then.
func (l *simLife) checkReceived(lives []*simLife) {
	n, written, came := l.now(), uint64(0), uint64(0)
	for _, from := range lives {
		if from == l {
			continue
		}
		there, _ := from.now().table.Lookup(l.spot.name)
		here, _ := n.table.Lookup(from.spot.name)
		s, in := there.Link.Stats(), here.Link.Traffic().In
		if s.Queued > 0 || in > s.Written {
			l.w.fail("%s to %s: %d written, %d queued, %d came", from.spot.name, l.spot.name, s.Written, s.Queued, in)
		}
		written, came = written+s.Written, came+in
	}
	if gone := n.counts.unknownPid.Load(); written-came > gone {
		l.w.fail("%s: %d messages were written to it, %d came, %d were for nobody", l.spot.name, written, came, gone)
	}
}

func (w *simWorld) agreed(when string) bool {
	why := w.disagreement()
	if why != "" {
		w.fail("%s: %s", when, why)
	}
	return why == ""
}
