package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// publisher is a *node.Publisher.
type publisher interface {
	Publish(ctx context.Context, payload []byte) error
	Offer(ctx context.Context, payload []byte) error
	Flush(ctx context.Context) error
	Receipt() node.Receipt
	Close()
}

// subscription is a *node.Subscription.
type subscription interface {
	Batch(ctx context.Context, dst []node.Message) (int, error)
	Stats() (offered, taken, dropped uint64, queued int)
	Close() error
}

func (e embedded) Publisher(channel string) (publisher, error) { return e.Node.Publisher(channel) }

func (e embedded) Subscribe(ctx context.Context, o node.SubscribeOptions, channels ...string) (subscription, error) {
	return e.Node.Subscribe(ctx, o, channels...)
}

// How long the answer to a publish waits for slow links before it says that
// messages are still queued: for one message, and for a stream of them.
const (
	writtenWait = time.Second
	streamWait  = 5 * time.Second
)

// Publish implements control.Backend.
func (b *backend) Publish(ctx context.Context, r control.PublishRequest) (control.Publication, error) {
	p, err := b.node.Publisher(r.Channel)
	if err != nil {
		return nil, explainChannel(err)
	}
	if err := b.awaitMembers(ctx, r); err != nil {
		p.Close()
		return nil, err
	}
	return &publication{b: b, p: p, one: cmp.Or(r.Framing, control.FramingWhole) == control.FramingWhole}, nil
}

// awaitMembers holds a publish until somebody is there to get it.
func (b *backend) awaitMembers(ctx context.Context, r control.PublishRequest) error {
	if r.Wait <= 0 {
		return nil
	}
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.Timeout, errNobody)
		defer cancel()
	}
	err := b.node.AwaitMembers(ctx, r.Channel, r.Wait)
	if errors.Is(err, errNobody) {
		return b.nobody(r)
	}
	return explainChannel(err)
}

var errNobody = errors.New("nobody came")

// nobody is a wait for members that ran out of time.
func (b *backend) nobody(r control.PublishRequest) error {
	here, elsewhere, err := b.node.Audience(r.Channel)
	if err != nil {
		return explainChannel(err)
	}
	return fail("timeout", fmt.Sprintf("timed out after %s: %s has %s on %s and %s elsewhere, %d wanted",
		durationText(r.Timeout), r.Channel, count(here, "subscriber"), b.node.Name(), count(elsewhere, "member"), r.Wait),
		"nothing was published; a liminal node is one member, however many subscribe there",
		"liminal sub "+r.Channel+", or raise --timeout")
}

// publication is one publish call.
type publication struct {
	b   *backend
	p   publisher
	one bool // message, which does not wait for a peer that takes nothing
}

func (p *publication) Publish(ctx context.Context, payload []byte) error {
	send := p.p.Publish
	if p.one {
		send = p.p.Offer
	}
	err := send(ctx, payload)
	if errors.Is(err, node.ErrTooLarge) {
		return p.TooLarge(int64(len(payload)))
	}
	return explainChannel(err)
}

// TooLarge implements control.Publication.
func (p *publication) TooLarge(size int64) *control.Error {
	n := p.b.node
	says := "message of " + bytesText(size) + " refused"
	if size < 0 {
		says = "message of more than " + bytesText(n.MaxMessage()) + " refused"
	}
	return fail("message_size", says, "channels.max_message is "+bytesText(n.MaxMessage())+" on "+n.Name(), "raise it there, or split the input")
}

func (p *publication) MaxMessage() int { return p.b.node.MaxMessage() }

// Close implements control.Publication.
func (p *publication) Close(ctx context.Context) (control.Published, error) {
	defer p.p.Close()
	wait := streamWait
	if p.one {
		wait = writtenWait
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	_ = p.p.Flush(ctx) // what is not written by then is told as queued
	return publishedOf(p.b.node.Name(), p.p.Receipt()), nil
}

func publishedOf(name string, r node.Receipt) control.Published {
	out := control.Published{
		Schema: control.SchemaPub, Node: name, Channel: r.Channel, ID: r.ID, Messages: r.Messages, Bytes: r.Bytes,
		Subscribers: r.Subscribers, Enqueued: r.Enqueued, DroppedHere: r.DroppedHere,
		Members: r.Members, Nodes: r.Nodes, Dropped: r.Dropped, Peers: []control.PeerOutcome{},
	}
	for _, p := range r.Peers {
		out.Peers = append(out.Peers, control.PeerOutcome{
			Node: p.Node, Generation: p.Generation, Members: p.Members, Outcome: string(p.Outcome), Sent: p.Sent, Dropped: p.Dropped,
		})
	}
	if r.Hint != nil {
		out.Hint = &control.ChannelHint{Channel: r.Hint.Channel, Members: r.Hint.Members}
	}
	return out
}

// Subscribe implements control.Backend.
func (b *backend) Subscribe(ctx context.Context, r control.SubscribeRequest) (control.Subscription, error) {
	s, err := b.node.Subscribe(ctx, node.SubscribeOptions{Policy: node.Policy(r.Policy)}, r.Channels...)
	if err != nil {
		return nil, explainChannel(err)
	}
	return &subscribed{s: s, name: b.node.Name()}, nil
}

// subscribed is one subscribe call.
type subscribed struct {
	s     subscription
	name  string
	taken []node.Message
}

// Batch implements control.Subscription.
func (s *subscribed) Batch(ctx context.Context, dst []control.Message) (int, error) {
	if len(s.taken) < len(dst) {
		s.taken = make([]node.Message, len(dst))
	}
	k, err := s.s.Batch(ctx, s.taken[:len(dst)])
	switch {
	case errors.Is(err, node.ErrClosed):
		return 0, io.EOF
	case errors.Is(err, node.ErrSlow):
		_, taken, dropped, queued := s.s.Stats()
		return 0, slowReader(dropped+uint64(queued), taken)
	}
	for i, m := range s.taken[:k] {
		dst[i] = control.Message{
			Channel: m.Channel, From: m.From, ID: m.ID, Seq: m.Seq, Time: m.At, Payload: m.Payload, Encoding: m.Encoding, Lost: m.Lost,
		}
	}
	clear(s.taken[:k])
	return k, err
}

// slowReader tells of a subscription with policy disconnect whose queue ran over.
func slowReader(lost, taken uint64) *control.Error {
	return fail("slow", fmt.Sprintf("the subscription was ended: %s lost after %s",
		countWide(lost, "message", "messages"), grouped(taken)),
		"its reader was too slow, and --policy disconnect was asked for", "liminal sub CHANNEL --policy drop_oldest")
}

func (s *subscribed) Close() { _ = s.s.Close() }

// Channels implements control.Backend.
func (b *backend) Channels(ctx context.Context, names []string) (control.Channels, error) {
	list, incomplete, err := b.node.Channels(ctx, names...)
	if err != nil {
		return control.Channels{}, explainChannel(err)
	}
	out := control.Channels{
		Schema: control.SchemaChannels, Node: b.node.Name(), Time: wireTime(b.now()),
		Channels: []control.Channel{}, Incomplete: append([]string{}, incomplete...),
	}
	for _, c := range list {
		out.Channels = append(out.Channels, channelOf(c))
	}
	return out, nil
}

func channelOf(c node.Channel) control.Channel {
	out := control.Channel{
		Name: c.Name, Spelling: c.Spelling, Subscribers: c.Subscribers, Local: c.Local, Nodes: c.Nodes,
		InRate: tenth(c.InRate), OutRate: tenth(c.OutRate), In: c.In, Out: c.Out, Drops: c.Drops, Last: instant(c.Last),
		Members: []control.ChannelMember{},
	}
	for _, m := range c.Members {
		out.Members = append(out.Members, control.ChannelMember{Node: m.Node, Subscribers: m.Subscribers, Kind: string(m.Kind)})
	}
	return out
}

// tenth is a rate as it is told: it is no more exact than that.
func tenth(rate float64) float64 { return math.Round(rate*10) / 10 }

// explainChannel tells why a call about channels failed. nil stays nil.
func explainChannel(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, node.ErrBadChannel):
		return fail("usage", err.Error(), "a channel is 1 to 255 bytes of text; :NAME is the group of an Erlang atom", "liminal channels")
	case errors.Is(err, node.ErrTooMany):
		return fail("too_many_channels", "this node cannot join more channels", err.Error(), "end a liminal sub, or use another node")
	case errors.Is(err, node.ErrClosed):
		return fail("node_stopped", "the node is stopping", "it was told to", "liminal node start")
	}
	return err
}
