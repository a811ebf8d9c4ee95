package tui

import (
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// eventRows says what each type of event changes. Types without a row change
// nothing but the place to resume at.
var eventRows = map[string]func(d *data, e control.Event, at time.Time){
	control.EventSnapshotPeer: (*data).snapshotPeer,
	control.EventSnapshotEnd:  (*data).snapshotEnd,
	control.EventJoin:         (*data).peerUp,
	control.EventRejoin:       (*data).peerUp,
	control.EventLeave:        (*data).peerGone,
	control.EventDown:         (*data).peerGone,
	control.EventState:        (*data).peerState,
	control.EventForget:       (*data).peerForget,
	control.EventSubAdd:       (*data).peerSubs,
	control.EventSubRemove:    (*data).peerSubs,
	control.EventStopping:     func(d *data, _ control.Event, _ time.Time) { d.goodbye = true },
	control.EventGap:          (*data).missed,
}

// applyEvent takes one event of the stream. at is our clock.
func (d *data) applyEvent(e control.Event, at time.Time) {
	if d.boot != "" && e.Boot != d.boot {
		d.restarted(e.Time)
	}
	d.boot = e.Boot
	if e.Type != control.EventSnapshotPeer && e.Type != control.EventGap { // the rest of a snapshot would be lost
		d.resume = control.WatchRequest{Resume: true, Since: e.Seq, Boot: e.Boot}
	}
	if apply := eventRows[e.Type]; apply != nil {
		apply(d, e, at)
		d.changes++
	}
	if e.Type != control.EventGap {
		d.log.add(e)
	}
}

// missed is a gap. That of another boot counts the events of a life that this
// reader never saw; restarted has told of it.
func (d *data) missed(e control.Event, _ time.Time) {
	d.snapping = false
	if !d.resume.Resume || d.resume.Boot == e.Boot {
		d.log.add(e)
	}
}

// restarted forgets what belongs to links of the node's former life. Numbers of
// links begin anew with each.
func (d *data) restarted(when time.Time) {
	d.log.tell(when, verbRestart, d.node, "what it saw before is lost")
	d.goodbye, d.listed = false, time.Time{}
	for _, r := range d.rows {
		r.p.Since, r.p.Generation, r.counted = nil, 0, time.Time{}
	}
}

// snapshotPeer is one peer of a snapshot, which replaces all that was known.
func (d *data) snapshotPeer(e control.Event, at time.Time) {
	if !d.snapping {
		d.snapping = true
		d.round++
	}
	if e.Name == "" {
		return
	}
	r := d.rowOf(e)
	r.round = d.round
	r.link(e, nil)
	r.measure(at)
}

// snapshotEnd drops the rows that the snapshot did not have.
func (d *data) snapshotEnd(e control.Event, _ time.Time) {
	if !d.snapping { // a snapshot of nobody
		d.round++
	}
	for name, r := range d.rows {
		if r.round != d.round {
			d.drop(name)
		}
	}
	d.snapping, d.known, d.goodbye = false, true, false
	d.snapped = e.Time
}

// peerUp is a join or a rejoin. The link is of this moment.
func (d *data) peerUp(e control.Event, at time.Time) {
	if e.Name == "" {
		return
	}
	if e.State == "" {
		e.State = stateUp
	}
	r := d.rowOf(e)
	r.link(e, &e.Time)
	r.p.Reason, r.p.Note = nil, nil
	r.p.Flapping = r.flaps(e.Time)
	r.measure(at)
}

// peerGone is a goodbye or a loss.
func (d *data) peerGone(e control.Event, at time.Time) {
	if e.Name == "" {
		return
	}
	if e.State == "" || isUp(e.State) { // the event's word counts: it is told of the link that ended
		e.State = stateDown
		if e.Type == control.EventLeave {
			e.State = stateLeft
		}
	}
	r := d.rowOf(e)
	if e.Type == control.EventDown {
		r.loss(e.Time)
	}
	r.link(e, nil)
	r.p.Since, r.p.RTTMicros, r.p.Subs, r.p.Subscriptions = nil, nil, 0, nil
	r.in, r.out = -1, -1
	r.measure(at)
}

// peerState is any other change.
func (d *data) peerState(e control.Event, at time.Time) {
	if e.Name == "" || e.State == "" {
		return
	}
	r := d.rowOf(e)
	r.link(e, nil)
	r.measure(at)
}

// peerForget takes the row away; lists made before this moment cannot bring it
// back.
func (d *data) peerForget(e control.Event, _ time.Time) {
	if d.rows[e.Name] == nil {
		return
	}
	d.drop(e.Name)
	if len(d.gone) >= logSize { // no list has come for long
		clear(d.gone)
	}
	d.gone[e.Name] = e.Time
}

// peerSubs counts the channels of a peer that is listed. Our own node has no row.
func (d *data) peerSubs(e control.Event, _ time.Time) {
	if r := d.rows[e.Name]; r != nil && e.Subs != nil {
		r.p.Subs = *e.Subs
	}
}

// rowOf gives the row of an event's peer, which is listed from then on.
func (d *data) rowOf(e control.Event) *row {
	delete(d.gone, e.Name)
	r := d.row(e.Name)
	r.event = e.Time
	return r
}

// link takes what an event says of a peer. since is of a new link, nil if the
// link is as it was.
func (r *row) link(e control.Event, since *time.Time) {
	r.ended(e.State, e.Generation, e.Time)
	if e.State != r.p.State {
		when := e.Time
		r.p.Changed = &when
	}
	if since != nil || e.Generation != r.p.Generation && e.Generation != 0 {
		r.p.Since = since
		r.p.In, r.p.Out, r.counted = 0, 0, time.Time{}
		r.in, r.out = -1, -1
	}
	r.p.State = e.State
	put(&r.p.Kind, e.Kind)
	putText(&r.p.Address, e.Address)
	putText(&r.p.ToldBy, e.ToldBy)
	putText(&r.p.Reason, or(e.Detail, e.Reason))
	if e.RTTMicros != nil {
		r.p.RTTMicros = e.RTTMicros
	}
	if e.Flaps != nil {
		r.p.Flaps = *e.Flaps
	}
	if e.Generation != 0 {
		r.p.Generation = e.Generation
	}
	if e.Creation != 0 {
		r.p.Creation = e.Creation
	}
}

func put(to *string, s string) {
	if s != "" {
		*to = s
	}
}

func putText(to **string, s string) {
	if s != "" {
		*to = &s
	}
}
