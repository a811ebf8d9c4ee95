package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/liminal-bus/liminal/internal/bus"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/pg"
)

// Subscription is one queue of messages from one or several channels. Reading
// is for one goroutine; Close may come from any.
type Subscription struct {
	n     *Node
	sub   *bus.Subscriber
	taken []bus.Message // of Batch, kept for the next
	once  sync.Once
}

// policies in the words of the bus.
var policies = map[Policy]bus.Policy{
	"": bus.DropOldest, PolicyDropOldest: bus.DropOldest, PolicyBlock: bus.Block, PolicyDisconnect: bus.Disconnect,
}

// Subscribe joins the channels' groups and queues their messages until Close.
// When it returns, a publish on this node reaches the subscription, and all
// connected peers have been told; what a peer publishes reaches it one trip
// later. A name like orders stands for the group <<"orders">>, :orders for the
// atom orders. The error wraps ErrBadChannel, ErrClosed or ctx's cause: a node
// that subscribes to new channels by the hundred thousand has to wait, and beyond
// what its peers put up with (262,144, or fewer with long names) it gets
// ErrTooMany.
func (n *Node) Subscribe(ctx context.Context, o SubscribeOptions, channels ...string) (*Subscription, error) {
	policy, ok := policies[o.Policy]
	if !ok {
		return nil, fmt.Errorf("subscribe: policy %q is none of %s, %s, %s", o.Policy, PolicyDropOldest, PolicyBlock, PolicyDisconnect)
	}
	if o.Queue < 0 {
		return nil, fmt.Errorf("subscribe: a queue of %d messages cannot be", o.Queue)
	}
	keys, err := channelKeys(channels)
	if err != nil {
		return nil, err
	}
	s := &Subscription{n: n, sub: n.bus.NewSubscriber(bus.SubscriberOptions{Policy: policy, Queue: o.Queue})}
	for i, name := range channels {
		wait, err := n.attach(s.sub, name, keys[i])
		if err == nil {
			err = pause(ctx, n.ctx, wait)
		}
		if err == nil && i%crowd == crowd-1 {
			err = n.groups.settle(ctx)
		}
		if err != nil {
			n.detach(s.sub)
			return nil, err
		}
	}
	if err := n.groups.settle(ctx); err != nil {
		n.detach(s.sub)
		return nil, err
	}
	return s, nil
}

// crowd is how many channels are joined between two looks at what waits to be
// written.
const crowd = 256

// channelKeys refuses what names no channel.
func channelKeys(channels []string) ([]pg.Key, error) {
	if len(channels) == 0 {
		return nil, fmt.Errorf("%w: none given", ErrBadChannel)
	}
	keys := make([]pg.Key, len(channels))
	for i, name := range channels {
		key, err := pg.ChannelKey(name)
		if err != nil {
			return nil, &causeError{ErrBadChannel, err}
		}
		keys[i] = key
	}
	return keys, nil
}

// pause lets a newcomer to too many channels wait.
func pause(ctx, node context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-node.Done():
		return ErrClosed
	}
}

// attach adds a channel to a subscriber. The first one on this node joins the
// group, and the peers hear of it before attach returns. It says how long the
// caller should wait so that they do not take us for a flood.
func (n *Node) attach(s *bus.Subscriber, name string, key pg.Key) (wait time.Duration, err error) {
	g := n.groups
	if n.ctx.Err() != nil {
		return 0, ErrClosed
	}
	g.do(func() []out {
		if err = g.scope.Full(key); err != nil {
			return nil
		}
		g.wake()
		c, first := n.bus.Attach(s, name)
		if !first {
			return nil
		}
		wait = g.paced()
		return g.scope.Join(key, n.process(c.Number()))
	})
	if err != nil {
		err = &causeError{ErrTooMany, err}
	}
	return wait, err
}

// process is a pid of ours.
func (n *Node) process(id, serial uint32) etf.Pid {
	return etf.Pid{Node: etf.Atom(n.name), ID: id, Serial: serial, Creation: n.creation}
}

// detach ends a subscriber. Channels that lose their last one leave their
// groups, a crowd of them at a time, so that neither those who publish nor a
// slow link are held up by many: the processes have ended before the first
// leave, and a channel that is joined again meanwhile has another one.
func (n *Node) detach(s *bus.Subscriber) {
	emptied := n.bus.Detach(s)
	for len(emptied) > 0 {
		some := emptied[:min(crowd, len(emptied))]
		emptied = emptied[len(some):]
		n.leaveAll(some)
		if len(emptied) > 0 {
			_ = n.groups.settle(n.ctx) // a node that stops has nobody to spare
		}
	}
}

// leaveAll takes processes that have ended out of their groups, and tells those
// who watch them.
func (n *Node) leaveAll(ended []bus.Emptied) {
	g := n.groups
	g.do(func() (outs []out) {
		g.wake()
		for _, c := range ended {
			g.paced()
			if key, err := pg.ChannelKey(c.Channel.Name()); err == nil {
				outs = append(outs, g.scope.LeaveAs(key, n.process(c.ID, c.Serial))...)
			}
		}
		return outs
	})
	for _, c := range ended {
		n.ends.end(n.process(c.ID, c.Serial))
	}
}

// slow is the bus's call for a subscriber that ran over. It comes from whoever
// delivered, perhaps from a link's reader, which must not wait.
func (n *Node) slow(s *bus.Subscriber) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state != NodeStopping { // else Close ends it
		n.tasks.Go(func() { n.detach(s) })
	}
}

// Next waits for the next message. The error is ErrClosed once the subscription
// or the node is closed, ErrSlow if it was ended for being slow, or ctx's cause.
func (s *Subscription) Next(ctx context.Context) (Message, error) {
	m, err := s.sub.Next(ctx)
	if err != nil {
		return Message{}, s.failed(err)
	}
	return messageOf(&m), nil
}

// Batch waits for at least one message and takes as many as there are, up to
// len(dst). It costs less than as many calls of Next.
func (s *Subscription) Batch(ctx context.Context, dst []Message) (int, error) {
	if len(s.taken) < len(dst) {
		s.taken = make([]bus.Message, len(dst))
	}
	k, err := s.sub.Batch(ctx, s.taken[:len(dst)])
	if err != nil {
		return 0, s.failed(err)
	}
	for i := range s.taken[:k] {
		dst[i] = messageOf(&s.taken[i])
	}
	clear(s.taken[:k]) // they keep payloads alive
	return k, nil
}

func (s *Subscription) failed(err error) error {
	switch {
	case errors.Is(err, bus.ErrClosed):
		return ErrClosed
	case errors.Is(err, bus.ErrSlow):
		s.Close()
		return ErrSlow
	}
	return err
}

// Close leaves the channels; what is queued is gone. It is idempotent.
func (s *Subscription) Close() error {
	s.once.Do(func() { s.n.detach(s.sub) })
	return nil
}

// Stats says how many messages the subscription was offered, gave out, lost
// and still has: offered is the sum of the others.
func (s *Subscription) Stats() (offered, taken, dropped uint64, queued int) { return s.sub.Stats() }

func messageOf(m *bus.Message) Message {
	out := Message{
		Channel: m.Channel, From: m.From, ID: m.ID, Seq: m.Seq, At: time.UnixMicro(m.At),
		Payload: m.Payload, Lost: m.Lost,
	}
	if m.Encoding == bus.Erlang {
		out.Encoding = EncodingErlang
	}
	return out
}

// AwaitMembers waits until a channel has at least that many members: local
// subscribers and remote group members together.
func (n *Node) AwaitMembers(ctx context.Context, channel string, members int) error {
	keys, err := channelKeys([]string{channel})
	if err != nil {
		return err
	}
	for {
		changed := n.groups.awaited()
		if here, elsewhere := n.audience(channel, keys[0]); here+elsewhere >= members {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-n.ctx.Done():
			return ErrClosed
		}
	}
}

// Audience counts who would get a message now: subscribers on this node, and
// members elsewhere. A liminal node is one member, however many subscribe there.
// The error wraps ErrBadChannel.
func (n *Node) Audience(channel string) (subscribers, members int, err error) {
	keys, err := channelKeys([]string{channel})
	if err != nil {
		return 0, 0, err
	}
	subscribers, members = n.audience(channel, keys[0])
	return subscribers, members, nil
}

func (n *Node) audience(channel string, k pg.Key) (subscribers, members int) {
	members, _ = n.groups.counted(k)
	info, _ := n.bus.Info(channel)
	return info.Subscribers, members
}

// awaited is closed at the next change of members. It must be taken before the
// look that it is to be about.
func (g *groups) awaited() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting++
	return g.changed
}
