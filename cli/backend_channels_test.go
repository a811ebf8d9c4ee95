package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// fakeChannels behaves like the channels of a node: fixed, but for what is
// published.
type fakeChannels struct {
	members   int // AwaitMembers returns with that many
	receipt   node.Receipt
	sendErr   error
	flushErr  error
	sent      []string
	offered   int // of these, without waiting for long
	closed    int
	options   node.SubscribeOptions
	messages  []node.Message
	endErr    error // after messages
	channels  []node.Channel
	unasked   []string
	listErr   error
	subscribe error
}

func (f *fakeNode) MaxMessage() int { return 1 << 20 }

func (f *fakeNode) Publisher(channel string) (publisher, error) {
	if channel == "" {
		return nil, fmt.Errorf("%w: it is empty", node.ErrBadChannel)
	}
	return &f.bus, nil
}

func (f *fakeNode) AwaitMembers(ctx context.Context, _ string, members int) error {
	if f.bus.members >= members {
		return nil
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (f *fakeNode) Audience(string) (subscribers, members int, err error) {
	return 1, f.bus.members - 1, nil
}

func (f *fakeNode) Subscribe(_ context.Context, o node.SubscribeOptions, _ ...string) (subscription, error) {
	f.bus.options = o
	return fakeQueue{&f.bus}, f.bus.subscribe
}

func (f *fakeNode) Channels(context.Context, ...string) ([]node.Channel, []string, error) {
	return f.bus.channels, f.bus.unasked, f.bus.listErr
}

func (f *fakeNode) AllSubscriptions() map[string][]string {
	f.listings++
	all := map[string][]string{}
	for _, p := range f.peers {
		if p.Subs > 0 {
			all[p.Name] = []string{"of " + p.Name}
		}
	}
	return all
}

func (c *fakeChannels) Offer(ctx context.Context, payload []byte) error {
	c.offered++
	return c.Publish(ctx, payload)
}

func (c *fakeChannels) Publish(_ context.Context, payload []byte) error {
	if c.sendErr == nil {
		c.sent = append(c.sent, string(payload))
	}
	return c.sendErr
}
func (c *fakeChannels) Flush(context.Context) error { return c.flushErr }
func (c *fakeChannels) Receipt() node.Receipt       { return c.receipt }
func (c *fakeChannels) Close()                      { c.closed++ }

type fakeQueue struct{ c *fakeChannels }

func (q fakeQueue) Batch(_ context.Context, dst []node.Message) (int, error) {
	n := copy(dst, q.c.messages)
	q.c.messages = q.c.messages[n:]
	if n > 0 {
		return n, nil
	}
	return 0, q.c.endErr
}

func (q fakeQueue) Stats() (offered, taken, dropped uint64, queued int) { return 1047, 7, 1038, 2 }

func (q fakeQueue) Close() error {
	q.c.closed++
	return nil
}

// exitOf is the code and exit status of a control error.
func exitOf(err error) (code string, exit int) {
	var e *control.Error
	if errors.As(err, &e) {
		return e.Code, e.Exit
	}
	return "", 0
}

func TestBackendPublish(t *testing.T) {
	f := &fakeNode{status: node.Status{Name: "a@dev"}}
	f.bus.receipt = node.Receipt{
		Channel: "c", ID: "i", Messages: 1, Bytes: 5, Subscribers: 1, Members: 2, Nodes: 2, Dropped: 3, Enqueued: 8, DroppedHere: 9,
		Peers: []node.PeerReceipt{{Node: "b@dev", Generation: 4, Members: 2, Outcome: node.OutcomeFull, Sent: 5, Dropped: 3}},
		Hint:  &node.Hint{Channel: ":c", Members: 6},
	}
	p, err := testBackend(f).Publish(t.Context(), control.PublishRequest{Channel: "c"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(t.Context(), []byte("hello")); err != nil || f.bus.sent[0] != "hello" || f.bus.offered != 1 {
		t.Errorf("sent %q, %d of one, %v", f.bus.sent, f.bus.offered, err)
	}
	stream, err := testBackend(f).Publish(t.Context(), control.PublishRequest{Channel: "c", Framing: control.FramingLines})
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Publish(t.Context(), []byte("line")); err != nil || f.bus.offered != 1 {
		t.Errorf("a line was given up as one message would be: %v", err)
	}
	doc, err := p.Close(t.Context())
	want := control.Published{
		Schema: control.SchemaPub, Node: "a@dev", Channel: "c", ID: "i", Messages: 1, Bytes: 5, Subscribers: 1, Members: 2, Nodes: 2, Dropped: 3, Enqueued: 8, DroppedHere: 9,
		Peers: []control.PeerOutcome{{Node: "b@dev", Generation: 4, Members: 2, Outcome: "dropped_full", Sent: 5, Dropped: 3}},
		Hint:  &control.ChannelHint{Channel: ":c", Members: 6},
	}
	if err != nil || !reflect.DeepEqual(doc, want) || f.bus.closed != 1 {
		t.Errorf("%+v, %v, closed %d times\nwant %+v", doc, err, f.bus.closed, want)
	}
}

// Each error of a publisher is told as what it is for the sender.
func TestBackendPublishErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		code string
		exit int
	}{
		{fmt.Errorf("%w: x", node.ErrTooLarge), "message_size", 65},
		{node.ErrClosed, "node_stopped", 69},
		{context.Canceled, "", 0},
	} {
		f := &fakeNode{status: node.Status{Name: "a@dev"}}
		f.bus.sendErr = c.err
		p, _ := testBackend(f).Publish(t.Context(), control.PublishRequest{Channel: "c"})
		code, exit := exitOf(p.Publish(t.Context(), make([]byte, 3<<20)))
		if code != c.code || exit != c.exit {
			t.Errorf("%v: %q, exit %d, want %q, %d", c.err, code, exit, c.code, c.exit)
		}
	}
	f := &fakeNode{status: node.Status{Name: "a@dev"}}
	p, _ := testBackend(f).Publish(t.Context(), control.PublishRequest{Channel: "c"})
	for size, want := range map[int64]string{3 << 20: "message of 3 MiB refused", -1: "message of more than 1 MiB refused"} {
		if e := p.TooLarge(size); e.Message != want || e.Why != "channels.max_message is 1 MiB on a@dev" || e.Exit != 65 {
			t.Errorf("%d: %+v", size, e)
		}
	}
	if code, exit := exitOf(second(testBackend(f).Publish(t.Context(), control.PublishRequest{}))); code != "usage" || exit != 64 {
		t.Errorf("no channel: %q, exit %d", code, exit)
	}
}

func second[T any](_ T, err error) error { return err }

// A publish that waits for members in vain publishes nothing.
func TestBackendPublishWaits(t *testing.T) {
	f := &fakeNode{status: node.Status{Name: "a@dev"}}
	f.bus.members = 1
	b := testBackend(f)
	if _, err := b.Publish(t.Context(), control.PublishRequest{Channel: "c", Wait: 1, Timeout: time.Hour}); err != nil {
		t.Errorf("there is one: %v", err)
	}
	_, err := b.Publish(t.Context(), control.PublishRequest{Channel: "c", Wait: 2, Timeout: time.Millisecond})
	if code, exit := exitOf(err); code != "timeout" || exit != 124 || !strings.Contains(err.Error(), "c has 1 subscriber on a@dev and 0 members elsewhere, 2 wanted") {
		t.Errorf("there is one of two: %v", err)
	}
	if f.bus.closed != 1 || len(f.bus.sent) > 0 {
		t.Errorf("closed %d times, sent %q", f.bus.closed, f.bus.sent)
	}
}

func TestBackendSubscribe(t *testing.T) {
	f := &fakeNode{status: node.Status{Name: "a@dev"}}
	f.bus.messages = []node.Message{{
		Channel: "c", From: "b@dev", ID: "i", Seq: 7, At: noon, Payload: []byte("x"), Encoding: node.EncodingErlang, Lost: 3,
	}}
	f.bus.endErr = node.ErrClosed
	s, err := testBackend(f).Subscribe(t.Context(), control.SubscribeRequest{Channels: []string{"c"}, Policy: control.PolicyBlock})
	if err != nil || f.bus.options.Policy != node.PolicyBlock {
		t.Fatalf("options %+v, %v", f.bus.options, err)
	}
	dst := make([]control.Message, 4)
	n, err := s.Batch(t.Context(), dst)
	want := control.Message{Channel: "c", From: "b@dev", ID: "i", Seq: 7, Time: noon, Payload: []byte("x"), Encoding: control.EncodingErlang, Lost: 3}
	if n != 1 || err != nil || !reflect.DeepEqual(dst[0], want) {
		t.Errorf("%d messages, %v: %+v", n, err, dst[0])
	}
	if _, err := s.Batch(t.Context(), dst); err != io.EOF {
		t.Errorf("the end of the node: %v, want EOF", err)
	}
	f.bus.endErr = node.ErrSlow
	slow := second(s.Batch(t.Context(), dst))
	if code, exit := exitOf(slow); code != "slow" || exit != 1 || slow.Error() != "the subscription was ended: 1 040 messages lost after 7" {
		t.Errorf("too slow: %v", slow)
	}
	if s.Close(); f.bus.closed != 1 {
		t.Error("not closed")
	}
	f.bus.subscribe = fmt.Errorf("%w: 7 groups", node.ErrTooMany)
	if code, exit := exitOf(second(testBackend(f).Subscribe(t.Context(), control.SubscribeRequest{}))); code != "too_many_channels" || exit != 1 {
		t.Errorf("one channel too many: %q, exit %d", code, exit)
	}
	f.bus.subscribe = fmt.Errorf("%w: it is empty", node.ErrBadChannel)
	if code, exit := exitOf(second(testBackend(f).Subscribe(t.Context(), control.SubscribeRequest{}))); code != "usage" || exit != 64 {
		t.Errorf("a bad channel: %q, exit %d", code, exit)
	}
}

func TestBackendChannels(t *testing.T) {
	f := &fakeNode{status: node.Status{Name: "a@dev"}}
	f.bus.channels = []node.Channel{{
		Name: "c", Spelling: "binary", Local: 1, Subscribers: 3, Nodes: 2, In: 4, Out: 5, InRate: 6, OutRate: 7, Drops: 8, Last: noon,
		Members: []node.ChannelMember{{Node: "b@dev", Kind: node.KindOTP, Subscribers: 2}},
	}}
	f.bus.unasked = []string{"z@dev"}
	doc, err := testBackend(f).Channels(t.Context(), nil)
	last := noon
	want := []control.Channel{{
		Name: "c", Spelling: "binary", Local: 1, Subscribers: 3, Nodes: 2, In: 4, Out: 5, InRate: 6, OutRate: 7, Drops: 8, Last: &last,
		Members: []control.ChannelMember{{Node: "b@dev", Kind: "otp", Subscribers: 2}},
	}}
	if err != nil || !reflect.DeepEqual(doc.Channels, want) || doc.Incomplete[0] != "z@dev" || doc.Schema != control.SchemaChannels || doc.Time.IsZero() {
		t.Errorf("%+v, %v", doc, err)
	}
	f.bus.listErr = fmt.Errorf("%w: x", node.ErrBadChannel)
	if code, exit := exitOf(second(testBackend(f).Channels(t.Context(), []string{""}))); code != "usage" || exit != 64 {
		t.Errorf("a bad name: %q, exit %d", code, exit)
	}
}

func TestBackendPeersHaveSubscriptions(t *testing.T) {
	f := &fakeNode{status: node.Status{Name: "a@dev"}, peers: []node.Peer{
		{Name: "b@dev", State: node.StateUp, Subs: 7, In: 3, Out: 4, Drops: 5}, {Name: "c@dev", State: node.StateDown},
	}}
	doc, err := testBackend(f).Peers(t.Context(), control.Filter{})
	if err != nil || len(doc.Peers) != 2 || !slices.Equal(doc.Peers[0].Subscriptions, []string{"of b@dev"}) {
		t.Fatalf("%+v, %v", doc.Peers, err)
	}
	if p := doc.Peers[0]; p.Subs != 1 || p.In != 3 || p.Out != 4 || p.Drops != 5 {
		t.Errorf("the number of channels is not that of the list, or counters are missing: %+v", p)
	}
	if p := doc.Peers[1]; p.Subscriptions == nil || p.Subs != 0 {
		t.Errorf("a peer without channels: %+v", p)
	}
	doc, err = testBackend(f).Peers(t.Context(), control.Filter{Brief: true, Names: []string{"b"}})
	if err != nil || len(doc.Peers) != 1 || doc.Peers[0].Subscriptions != nil || doc.Peers[0].Subs != 7 || f.listings != 1 {
		t.Errorf("brief: %+v, %v, %d listings", doc.Peers, err, f.listings)
	}
}
