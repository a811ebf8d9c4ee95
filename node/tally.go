package node

import (
	"context"
	"errors"

	"github.com/liminal-bus/liminal/internal/dist"
)

// peerTally is what became of the copies for one peer.
type peerTally struct {
	m             *memberLink // of its present link
	now, members  int         // of the last message, and the most of any
	sent, dropped uint64      // taken by the link and not lost with it, and the rest
	waiting       [2]places   // of those that were taken, by the lane of the link
	drop          dist.Drop
}

// places are those of messages that a link took, in the order in which it writes
// them. The first of them may have been written since.
type places []uint64

// add books one more. Those that have been written go when room is needed, so
// that the list is about as long as the lane.
func (s *places) add(l *dist.Link, place uint64) {
	if len(*s) == cap(*s) {
		s.trim(l)
	}
	*s = append(*s, place)
}

// trim forgets those that have been written.
func (s *places) trim(l *dist.Link) {
	n := 0
	for n < len(*s) && l.WasWritten((*s)[n]) {
		n++
	}
	*s = append((*s)[:0], (*s)[n:]...)
}

// took books the place of a copy. The lanes overtake each other.
func (t *peerTally) took(place uint64) {
	t.sent++
	t.waiting[place&1].add(t.m.link, place)
}

// unwritten counts the copies that the link took and has not passed to the kernel.
func (t *peerTally) unwritten() (n int) {
	for i := range t.waiting {
		t.waiting[i].trim(t.m.link)
		n += len(t.waiting[i])
	}
	return n
}

// flush waits until all that the link took has been passed to the kernel.
func (t *peerTally) flush(ctx context.Context) error {
	for _, w := range t.waiting {
		if len(w) == 0 {
			continue
		}
		if err := t.m.link.Written(ctx, w[len(w)-1]); err != nil {
			return err
		}
	}
	return nil
}

// tally finds the account of a link's peer. Most messages have one target, or
// the same ones in the same order.
func (p *Publisher) tally(m *memberLink) *peerTally {
	if p.last != nil && p.last.m == m {
		return p.last
	}
	t := p.peers[m.name]
	if t == nil {
		t = &peerTally{m: m}
		p.peers[m.name] = t
		p.order = append(p.order, t)
	}
	t.follow(m)
	p.last = t
	return t
}

// follow goes on with a peer's next link. What the one before had not written is
// lost: nothing is carried over.
func (t *peerTally) follow(m *memberLink) {
	if t.m != m {
		t.lose()
		t.m = m
	}
}

// lose books what the link had not written when it ended. Some of it may have
// arrived: what was being written at that moment.
func (t *peerTally) lose() {
	if n := t.unwritten(); n > 0 {
		t.sent -= uint64(n)
		t.dropped += uint64(n)
		t.drop = dist.DropLinkDown
	}
	t.waiting = [2]places{}
}

// Flush waits until everything sent so far has been passed to the kernel. The
// error is ctx's cause; a link that ended is no error here, see Receipt.
func (p *Publisher) Flush(ctx context.Context) error {
	for _, t := range p.order {
		if err := t.flush(ctx); err != nil && !errors.Is(err, dist.ErrLinkDown) {
			return context.Cause(ctx)
		}
	}
	return nil
}

// dropOutcomes say why copies are not with the peer's link.
var dropOutcomes = map[dist.Drop]Outcome{
	dist.DropFull: OutcomeFull, dist.DropTooLarge: OutcomeTooLarge, dist.DropLinkDown: OutcomeLinkDown,
}

// receipt tells what is known now.
func (t *peerTally) receipt() PeerReceipt {
	r := PeerReceipt{
		Node: t.m.name, Generation: t.m.generation, Members: t.members, Sent: t.sent, Dropped: t.dropped,
		Outcome: OutcomeWritten,
	}
	down, _, _ := t.m.link.Down()
	switch waiting := t.unwritten(); {
	case waiting > 0 && down != "": // booked for good when the next link is there: its writer may have a word left
		r.Sent -= uint64(waiting)
		r.Dropped += uint64(waiting)
		r.Outcome = OutcomeLinkDown
	case waiting > 0:
		r.Outcome = OutcomeQueued
	}
	if t.drop != dist.DropNone {
		r.Outcome = dropOutcomes[t.drop]
	}
	return r
}
