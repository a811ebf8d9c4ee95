package membership

// record is what the tracker knows about one name.
type record struct {
	peer      Peer // of the last row; the member's identity while up
	up        bool // a member: counts.Joined - counts.Left == 1
	listed    bool // the last snapshot had a row for it
	forgotten bool // drop with its row; never set while up
	counts    Counts
}

// see brings r up to its row and adds to d what the row says has happened.
func (r *record) see(e Entry, d *Delta) {
	same := r.up && e.Up && r.peer == e.Peer
	links, unnumbered := linksBetween(r.peer.Generation, e.Generation)
	if e.Up && !same && links == 0 { // a new link under an old number
		links, unnumbered = 1, unnumbered+1
	}
	r.counts.Generation = e.Generation
	r.counts.Unnumbered += unnumbered
	if r.up && !same {
		r.leave(e.Reason, d)
	}
	if links > 0 {
		r.arrive(e, links, d)
	}
	r.peer, r.up, r.listed = e.Peer, e.Up, true
}

// linksBetween says how many links were made while the table's number for a
// name went from last to now, and how many made before then the new number
// no longer covers: all of them, where the numbering began anew.
func linksBetween(last, now uint64) (made, unnumbered uint64) {
	if now < last {
		return now, last
	}
	return now - last, 0
}

// arrive reports links that were made, of which the last is alive if e is up.
func (r *record) arrive(e Entry, links uint64, d *Delta) {
	r.forgotten = false // a link made after Forget is news
	if !e.Up {
		r.counts.Flapped += links
		d.Flapped = append(d.Flapped, Flap{Peer: e.Peer, Count: links, Reason: e.Reason})
		return
	}
	rejoin := r.counts.Joined > 0
	r.counts.Joined++
	r.counts.Coalesced += links - 1
	d.Joined = append(d.Joined, Joined{Peer: e.Peer, Coalesced: links - 1, Rejoin: rejoin})
}

// leave reports the member's end under the identity it joined with.
func (r *record) leave(reason string, d *Delta) {
	r.counts.Left++
	d.Left = append(d.Left, Left{Peer: r.peer, Reason: reason})
}

// miss is see for a name without a row.
func (r *record) miss(d *Delta) {
	if r.up {
		r.leave(ReasonRemoved, d)
	}
	r.up, r.listed = false, false
}
