package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liminal-bus/liminal/internal/bus"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/pg"
)

// fullWait is how long Publish waits for room on full links, all of them
// together.
const fullWait = 100 * time.Millisecond

// keepFrom is the size from which links keep a message in place of a copy, so
// that its buffer cannot be used again.
const keepFrom = 16 << 10

// Publisher sends messages to one channel. It is for one goroutine.
type Publisher struct {
	n       *Node
	channel string
	key     pg.Key
	bus     *bus.Channel
	env     envelope

	buf     []byte
	id      []byte
	targets []target
	full    []target

	messages, bytes, dropped uint64
	took                     bus.Took
	peers                    map[string]*peerTally // by node
	order                    []*peerTally
	last                     *peerTally
}

// peerTally is what became of the copies for one peer.
type peerTally struct {
	m             *memberLink // of its present link
	members       int         // of the last message
	sent, dropped uint64
	place         uint64 // of the last that was sent
	drop          dist.Drop
}

// Publisher makes one for a channel. The error wraps ErrBadChannel. Close lets
// its channel be forgotten when it is idle.
func (n *Node) Publisher(channel string) (*Publisher, error) {
	keys, err := channelKeys([]string{channel})
	if err != nil {
		return nil, err
	}
	p := &Publisher{
		n: n, channel: channel, key: keys[0], env: newEnvelope(n.name, channel),
		peers: map[string]*peerTally{}, bus: n.bus.Hold(channel),
	}
	return p, nil
}

// Close ends the publisher. Messages that are queued go on their way.
func (p *Publisher) Close() { p.n.bus.Release(p.bus) }

// Publish sends one message to all members of the channel, once. Links that
// have no room get it within 100 ms or not at all. The error wraps
// ErrBadChannel, ErrTooLarge or ErrClosed if nothing was done, else it is ctx's
// cause: local subscribers of PolicyBlock may not all have it then.
func (n *Node) Publish(ctx context.Context, channel string, payload []byte) (Receipt, error) {
	p, err := n.Publisher(channel)
	if err != nil {
		return Receipt{Channel: channel}, err
	}
	defer p.Close()
	err = p.publish(ctx, fullWait, payload)
	return p.Receipt(), err
}

// relay publishes for an Erlang process that asked us to. It runs on a link's
// reader, so it waits for nobody.
func (n *Node) relay(from, channel string, payload []byte) error {
	p, err := n.Publisher(channel)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := n.publishable(payload); err != nil {
		return err
	}
	in := p.message(payload)
	p.offer(&in)
	for _, t := range p.full {
		p.book(p.tally(t.Link), 0, dist.DropFull)
	}
	in.From = from
	p.bus.Deliver(in)
	return nil
}

// Publish sends one message to all members of the channel. Where a link is full
// it waits for as long as the link lives, or ctx, whose cause it then returns;
// the copies for that link are dropped then. The error wraps ErrTooLarge or
// ErrClosed if nothing was done.
func (p *Publisher) Publish(ctx context.Context, payload []byte) error {
	return p.publish(ctx, 0, payload)
}

// publish waits for full links as long as room, or ctx where that is 0.
func (p *Publisher) publish(ctx context.Context, room time.Duration, payload []byte) error {
	if err := p.n.publishable(payload); err != nil {
		return err
	}
	in := p.message(payload)
	p.offer(&in)
	took, err := p.bus.DeliverWait(ctx, in)
	p.took = took
	if len(p.full) > 0 {
		p.insist(ctx, room)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}
	return err
}

// message numbers the next message.
func (p *Publisher) message(payload []byte) bus.Incoming {
	p.id = p.n.appendID(p.id[:0])
	p.messages++
	p.bytes += uint64(len(payload))
	return bus.Incoming{
		From: p.n.name, ID: p.id, Payload: payload, At: time.Now().UnixMicro(), Seq: p.bus.NextSeq(),
	}
}

// publishable refuses what is not sent at all.
func (n *Node) publishable(payload []byte) error {
	switch {
	case len(payload) > n.cfg.MaxMessage:
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(payload), n.cfg.MaxMessage)
	case n.ctx.Err() != nil:
		return ErrClosed
	}
	return nil
}

// offer queues a copy for each remote member, and notes the links that are
// full. It never waits.
func (p *Publisher) offer(in *bus.Incoming) {
	p.targets = p.n.groups.remote(p.key, p.targets[:0])
	for _, t := range p.order {
		t.members = 0
	}
	if len(p.targets) == 0 {
		return
	}
	p.seal(in)
	sent := 0
	for _, t := range p.targets {
		tally := p.tally(t.Link)
		tally.members++
		place, drop := t.Link.link.TryPublish(t.Pid, p.buf)
		if drop == dist.DropFull {
			p.full = append(p.full, t)
			continue
		}
		sent += p.book(tally, place, drop)
	}
	p.bus.Sent(sent)
}

// seal encodes the message once for all links. They keep a long one, so that it
// has a buffer of its own.
func (p *Publisher) seal(in *bus.Incoming) {
	size := len(in.Payload) + p.env.overhead()
	if size >= keepFrom {
		p.buf = make([]byte, 0, size)
	}
	p.buf = p.env.seal(p.buf[:0], in.Payload, in.ID, in.At, in.Seq)
}

// insist waits for room for the copies that found a link full.
func (p *Publisher) insist(ctx context.Context, room time.Duration) {
	if room > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, room)
		defer cancel()
	}
	sent := 0
	for _, t := range p.full {
		place, drop := t.Link.link.PublishWait(ctx, t.Pid, p.buf)
		sent += p.book(p.tally(t.Link), place, drop)
	}
	p.full = p.full[:0]
	p.bus.Sent(sent)
}

// book counts one copy.
func (p *Publisher) book(t *peerTally, place uint64, drop dist.Drop) (sent int) {
	if drop == dist.DropNone {
		t.sent++
		t.place = place
		return 1
	}
	t.dropped++
	t.drop = drop
	p.dropped++
	p.bus.Dropped(1)
	return 0
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

// follow goes on with a peer's next link. What the one before had not written
// is lost: nothing is carried over.
func (t *peerTally) follow(m *memberLink) {
	if t.m == m {
		return
	}
	if t.sent > 0 && t.m.link.Written(ended, t.place) != nil {
		t.drop = dist.DropLinkDown
	}
	t.m, t.place = m, 0
}

// Flush waits until everything sent so far has been passed to the kernel. The
// error is ctx's cause; a link that ended is no error here, see Receipt.
func (p *Publisher) Flush(ctx context.Context) error {
	for _, t := range p.order {
		if t.sent == 0 {
			continue
		}
		if err := t.m.link.Written(ctx, t.place); err != nil && !errors.Is(err, dist.ErrLinkDown) {
			return context.Cause(ctx)
		}
	}
	return nil
}

// Receipt sums what happened so far. Its counts of members are those of the
// last message.
func (p *Publisher) Receipt() Receipt {
	r := Receipt{
		Channel: p.channel, ID: string(p.id), Messages: p.messages, Bytes: p.bytes,
		Subscribers: p.took.Subscribers, Dropped: p.dropped,
	}
	for _, t := range p.order {
		if t.members > 0 {
			r.Members += t.members
			r.Nodes++
		}
		r.Peers = append(r.Peers, t.receipt())
	}
	if r.Subscribers+r.Members == 0 {
		r.Hint = p.n.hint(p.key)
	}
	return r
}

// ended asks Written for what is known now.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// dropOutcomes of what a link did not take.
var dropOutcomes = map[dist.Drop]Outcome{
	dist.DropFull: OutcomeFull, dist.DropTooLarge: OutcomeTooLarge, dist.DropLinkDown: OutcomeLinkDown,
}

func (t *peerTally) receipt() PeerReceipt {
	r := PeerReceipt{
		Node: t.m.name, Generation: t.m.generation, Members: t.members,
		Sent: t.sent, Dropped: t.dropped, Outcome: dropOutcomes[t.drop],
	}
	if t.drop != dist.DropNone {
		return r
	}
	switch err := t.m.link.Written(ended, t.place); {
	case err == nil:
		r.Outcome = OutcomeWritten
	case errors.Is(err, dist.ErrLinkDown):
		r.Outcome = OutcomeLinkDown
	default:
		r.Outcome = OutcomeQueued
	}
	return r
}

// hint looks whether the other spelling of a channel has members.
func (n *Node) hint(k pg.Key) *Hint {
	other, ok := k.Other()
	if !ok {
		return nil
	}
	name, _ := other.Channel()
	members, _ := n.groups.counted(other)
	info, _ := n.bus.Info(name)
	if members+info.Subscribers == 0 {
		return nil
	}
	return &Hint{Channel: name, Members: members + info.Subscribers}
}
