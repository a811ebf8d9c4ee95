package tui

import (
	"maps"
	"slices"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// The states of a peer as the control API names them, and the two words that
// only the screen has.
const (
	stateUp       = "up"
	stateSuspect  = "suspect"
	stateDialling = "dialling"
	stateLeft     = "left"
	stateDown     = "down"
	stateFlap     = "flap"   // up, and flapping
	kindHidden    = "hidden" // otp, and not listed in nodes()
	kindOther     = "other"  // neither liminal nor of today's OTP
)

const (
	flapLosses = 3
	flapSpan   = 10 * time.Minute
)

// data is all that is known of the node and its cluster. It is changed by what
// the node tells, and copied whole when the picture is frozen.
type data struct {
	node     string
	boot     string               // of the newest event
	resume   control.WatchRequest // how to go on where the stream ends
	known    bool                 // a snapshot or a list has come
	status   control.Status
	told     bool // status has come
	rows     map[string]*row
	gone     map[string]time.Time // forgotten, by the node's clock; lists may still have them
	listed   time.Time            // of the newest list, by the node's clock
	log      log
	channels []channelRow
	asked    bool // channels have come
	rates    map[string]*history
	round    uint64    // of snapshots
	snapping bool      // a snapshot is coming in
	snapped  time.Time // when the last one was made, by the node's clock
	goodbye  bool      // the node said that it stops
	changes  uint64    // counts changes of rows and channels; orders are made again when it moves
	members  uint64    // counts rows that came or went
}

// row is one peer.
type row struct {
	p     control.Peer // Subscriptions is null until a filter asks for them
	event time.Time    // of the newest event about it, by the node's clock
	round uint64       // of the last snapshot that had it
	rtt   history
	lost  []time.Time // the last losses, at most flapLosses
	wasUp time.Duration
	upTil time.Time // when the link that lasted wasUp ended

	counted time.Time // when In and Out were read
	in, out float64   // messages a second, negative while unknown
}

// channelRow is one channel with its history while somebody looked.
type channelRow struct {
	control.Channel
	rate *history
}

func newData(node string) *data {
	return &data{node: node, rows: map[string]*row{}, gone: map[string]time.Time{}, rates: map[string]*history{}}
}

// clone is a copy that later messages do not change.
func (d *data) clone() *data {
	c := *d
	c.rows = make(map[string]*row, len(d.rows))
	for name, r := range d.rows {
		same := *r
		same.lost = slices.Clone(r.lost)
		c.rows[name] = &same
	}
	c.gone = maps.Clone(d.gone)
	c.log = d.log.clone()
	c.rates = make(map[string]*history, len(d.rates))
	for name, h := range d.rates {
		same := *h
		c.rates[name] = &same
	}
	c.channels = slices.Clone(d.channels)
	for i := range c.channels {
		c.channels[i].rate = c.rates[c.channels[i].Name]
	}
	return &c
}

// row gives that peer's, made if need be.
func (d *data) row(name string) *row {
	r := d.rows[name]
	if r == nil {
		r = &row{p: control.Peer{Name: name, State: stateDialling}, in: -1, out: -1}
		d.rows[name] = r
		d.members++
	}
	return r
}

// forgetNames drops the names of channels, which are asked for no more and
// would grow old.
func (d *data) forgetNames() {
	for _, r := range d.rows {
		r.p.Subscriptions = nil
	}
}

// learnNames takes from a later list the one thing that nobody had asked for when
// the picture was frozen: the names of the channels of each link.
func (d *data) learnNames(l control.Peers) {
	for i := range l.Peers {
		p := &l.Peers[i]
		r := d.rows[p.Name]
		if r != nil && r.p.Subscriptions == nil && p.Subscriptions != nil && r.p.Generation == p.Generation {
			r.p.Subscriptions = p.Subscriptions
			d.changes++
		}
	}
}

func (d *data) drop(name string) {
	delete(d.rows, name)
	d.members++
}

// applyStatus takes what the node says about itself.
func (d *data) applyStatus(s control.Status) {
	d.status, d.told = s, true
	if s.Node != "" {
		d.node = s.Node
	}
}

// applyPeers takes a list: what it says of peers without a newer event, and
// that others are gone.
func (d *data) applyPeers(l control.Peers, at time.Time) {
	if !d.inTime(l.Time) {
		return
	}
	d.known = true
	if l.Node != "" {
		d.node = l.Node
	}
	has := make(map[string]bool, len(l.Peers))
	for i := range l.Peers {
		p := &l.Peers[i]
		has[p.Name] = true
		if t, ok := d.gone[p.Name]; ok && !newer(l.Time, t) {
			continue
		}
		if d.rows[p.Name] == nil && !newer(l.Time, d.snapped) {
			continue
		}
		d.row(p.Name).list(*p, l.Time, at)
	}
	for name, r := range d.rows {
		if !has[name] && newer(l.Time, r.event) {
			d.drop(name)
		}
	}
	maps.DeleteFunc(d.gone, func(_ string, t time.Time) bool { return newer(l.Time, t) })
	d.listed = l.Time
	d.changes++
}

// setBack is how much older than the one before a list may be and yet have been
// overtaken on its way. One that is older still tells that the node's clock was
// set back; times of events mean nothing then.
const setBack = 5 * time.Minute

// inTime reports whether a list is to be taken.
func (d *data) inTime(list time.Time) bool {
	if list.IsZero() || !list.Before(d.listed) {
		return true
	}
	if d.listed.Sub(list) < setBack {
		return false
	}
	for _, r := range d.rows {
		r.event = time.Time{}
	}
	clear(d.gone)
	d.snapped = time.Time{}
	return true
}

// newer reports whether a list of that time knows of what happened at t. One
// without a time knows everything.
func newer(list, t time.Time) bool { return list.IsZero() || list.After(t) }

// list takes what a list says. The state stays as a newer event left it.
func (r *row) list(p control.Peer, when, at time.Time) {
	r.count(p, at)
	if newer(when, r.event) {
		if p.Subscriptions == nil && p.Subs > 0 && p.Generation == r.p.Generation {
			p.Subscriptions = r.p.Subscriptions // a brief list does not tell
		}
		r.ended(p.State, p.Generation, or2(p.Changed, when))
		r.p = p
	}
	r.measure(at)
}

// count makes rates of what went over the link since the list before.
func (r *row) count(p control.Peer, at time.Time) {
	span := at.Sub(r.counted).Seconds()
	same := !r.counted.IsZero() && p.Generation == r.p.Generation && p.In >= r.p.In && p.Out >= r.p.Out
	switch {
	case !isUp(p.State), !same:
		r.in, r.out = -1, -1
	case span > 0:
		r.in, r.out = float64(p.In-r.p.In)/span, float64(p.Out-r.p.Out)/span
	}
	r.counted = at
	r.p.In, r.p.Out, r.p.Drops = p.In, p.Out, p.Drops
}

// measure notes the round trip time, or that there is none. A suspect peer
// answers no probe: its time is one of before.
func (r *row) measure(at time.Time) {
	switch {
	case !isUp(r.p.State):
		r.rtt.gap(at)
	case r.p.State == stateSuspect:
		r.rtt.advance(at)
	case r.p.RTTMicros != nil:
		r.rtt.add(at, float64(*r.p.RTTMicros))
	}
}

// ended notes how long a link lasted that is over by then.
func (r *row) ended(state string, generation uint64, when time.Time) {
	over := isUp(r.p.State) && (!isUp(state) || generation != r.p.Generation)
	if over && r.p.Since != nil && when.After(*r.p.Since) {
		r.wasUp, r.upTil = when.Sub(*r.p.Since), when
	}
}

// flaps reports the third loss within 10 min before the list could tell it.
func (r *row) flaps(now time.Time) bool {
	return len(r.lost) == flapLosses && now.Sub(r.lost[0]) < flapSpan
}

// loss notes one.
func (r *row) loss(t time.Time) {
	if len(r.lost) == flapLosses {
		r.lost = slices.Clone(r.lost[1:])
	}
	r.lost = append(r.lost, t)
}

func isUp(state string) bool { return state == stateUp || state == stateSuspect }

func or2(t *time.Time, otherwise time.Time) time.Time {
	if t == nil {
		return otherwise
	}
	return *t
}

// state is the word shown for a peer.
func state(p *control.Peer) string {
	if p.State == stateUp && p.Flapping {
		return stateFlap
	}
	return p.State
}

// kind is the word shown for a peer. What was never reached has not told its own.
func kind(p *control.Peer) string {
	switch {
	case p.Hidden && p.Kind != "liminal":
		return kindHidden
	case p.Kind == "" || p.Kind == kindOther && p.Generation == 0 && !isUp(p.State):
		return "-"
	}
	return p.Kind
}

// text is *s, or "-".
func text(s *string) string {
	if s == nil || *s == "" {
		return "-"
	}
	return *s
}

// applyChannels takes the list of channels and goes on with their histories.
// Those of channels that are gone go too, so that names cannot pile up.
func (d *data) applyChannels(l control.Channels, at time.Time) {
	d.asked = true
	rates := make(map[string]*history, len(l.Channels))
	d.channels = make([]channelRow, len(l.Channels))
	for i, c := range l.Channels {
		h := d.rates[c.Name]
		if h == nil {
			h = &history{}
		}
		h.add(at, c.InRate+c.OutRate)
		rates[c.Name], d.channels[i] = h, channelRow{c, h}
	}
	d.rates = rates
	d.changes++
}
