package node

import (
	"context"
	"fmt"
	"time"

	"github.com/liminal-bus/liminal/internal/bus"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/pg"
)

// fullWait is how long Publish waits for room on full links, all of them
// together.
const fullWait = 100 * time.Millisecond

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

	messages, bytes       uint64
	subscribers           int // the most of any message
	enqueued, droppedHere uint64
	peers                 map[string]*peerTally // by node
	order                 []*peerTally
	last                  *peerTally
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
// have no room get it within 100 ms or not at all, counted from when the local
// subscribers have it, of which some may block. The error wraps
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
// reader, so it waits for nobody. The message has no seq: those are of what this
// node publishes itself.
func (n *Node) relay(l *dist.Link, asked bus.Incoming, channel string) error {
	keys, err := channelKeys([]string{channel})
	if err == nil {
		err = n.publishable(asked.Payload)
	}
	if err != nil {
		return err
	}
	switch here, elsewhere := n.audience(channel, keys[0]); {
	case here+elsewhere == 0:
		n.counts.pubNobody.Add(1) // and nothing is kept of a name that anybody may make up
		return nil
	case !n.mayPublish(l, here+elsewhere):
		return nil
	}
	p, err := n.Publisher(channel)
	if err != nil {
		return err
	}
	defer p.Close()
	in := p.message(asked.Payload)
	in.Encoding, in.Seq = asked.Encoding, 0
	p.offer(&in)
	for _, t := range p.full { // offered again, so that the link counts the loss too
		place, drop := t.Link.link.Publish(t.Pid, p.buf)
		p.bus.Sent(p.book(p.tally(t.Link), place, drop))
	}
	in.From = asked.From
	p.bus.Deliver(in)
	return nil
}

// Offer is Publish with the patience of Node.Publish: links that have no room get
// the message within 100 ms or not at all.
func (p *Publisher) Offer(ctx context.Context, payload []byte) error {
	return p.publish(ctx, fullWait, payload)
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
	in.Seq = p.bus.NextSeq()
	p.offer(&in)
	took, err := p.bus.DeliverWait(ctx, in) // nobody here waits for a peer that takes nothing
	p.subscribers = max(p.subscribers, took.Subscribers)
	p.enqueued += uint64(took.Enqueued)
	p.droppedHere += uint64(took.Dropped)
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
	p.n.bytes.Add(uint64(len(payload)))
	return bus.Incoming{From: p.n.name, ID: p.id, Payload: payload, At: time.Now().UnixMicro()}
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
	if len(p.targets) == 0 {
		return
	}
	for _, t := range p.order {
		t.now = 0
	}
	p.seal(in)
	sent := 0
	for _, t := range p.targets {
		tally := p.tally(t.Link)
		tally.now++
		tally.members = max(tally.members, tally.now)
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
	if size >= dist.KeepFrom {
		p.buf = make([]byte, 0, size)
	}
	p.buf = p.env.seal(p.buf[:0], in)
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
		t.took(place)
		return 1
	}
	t.dropped++
	t.drop = drop
	p.bus.Dropped(1)
	return 0
}

// Receipt sums what happened so far. Its counts of subscribers and members are the
// most that any message was sent to.
func (p *Publisher) Receipt() Receipt {
	r := Receipt{
		Channel: p.channel, ID: string(p.id), Messages: p.messages, Bytes: p.bytes,
		Subscribers: p.subscribers, Enqueued: p.enqueued, DroppedHere: p.droppedHere,
	}
	for _, t := range p.order {
		if t.members > 0 {
			r.Members += t.members
			r.Nodes++
		}
		told := t.receipt()
		r.Dropped += told.Dropped
		r.Peers = append(r.Peers, told)
	}
	if r.Subscribers+r.Members == 0 {
		r.Hint = p.n.hint(p.key)
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
	here, elsewhere := n.audience(name, other)
	if here+elsewhere == 0 {
		return nil
	}
	return &Hint{Channel: name, Members: here + elsewhere}
}
