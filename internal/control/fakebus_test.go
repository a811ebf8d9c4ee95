package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// fakeBus is the channels part of fakeNode: publications keep what they take,
// subscriptions give what the test put there.
type fakeBus struct {
	mu        sync.Mutex
	requests  []PublishRequest
	taken     []string
	closed    int // publications
	waited    bool
	limit     int                               // of a message; 0 is 1000
	openErr   error                             // of Publish and Subscribe
	hold      func(context.Context) error       // what Publish waits for
	take      func(n int, payload []byte) error // what a publication does with number n
	block     func(ctx context.Context) error   // what each message of a publication waits for
	discard   bool                              // publications keep nothing
	subscribe []SubscribeRequest
	source    func(ctx context.Context, dst []Message) (int, error)
	subEnded  int
	names     []string
}

type fakePublication struct {
	b            *fakeBus
	channel      string
	n, bytes, no int
}

func (b *fakeBus) Publish(ctx context.Context, r PublishRequest) (Publication, error) {
	b.mu.Lock()
	b.requests = append(b.requests, r)
	b.mu.Unlock()
	if b.hold != nil {
		if err := b.hold(ctx); err != nil {
			return nil, err
		}
	}
	return &fakePublication{b: b, channel: r.Channel}, b.openErr
}

func (p *fakePublication) Publish(ctx context.Context, payload []byte) error {
	p.no++
	if p.b.block != nil {
		if err := p.b.block(ctx); err != nil {
			return err
		}
	}
	if p.b.take != nil {
		if err := p.b.take(p.no, payload); err != nil {
			return err
		}
	}
	p.n++
	p.bytes += len(payload)
	if !p.b.discard {
		p.b.mu.Lock()
		p.b.taken = append(p.b.taken, string(payload))
		p.b.mu.Unlock()
	}
	return nil
}

func (p *fakePublication) MaxMessage() int {
	if p.b.limit == 0 {
		return 1000
	}
	return p.b.limit
}

func (p *fakePublication) TooLarge(size int64) *Error {
	says := fmt.Sprintf("message of %d bytes refused", size)
	if size < 0 {
		says = fmt.Sprintf("message of more than %d bytes refused", p.MaxMessage())
	}
	return &Error{Code: CodeMessageSize, Message: says, Exit: exitData}
}

func (p *fakePublication) Close(ctx context.Context) (Published, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	p.b.closed++
	p.b.waited = ctx.Err() == nil
	return Published{Node: "a@dev", Channel: p.channel, Messages: uint64(p.n), Bytes: uint64(p.bytes)}, nil
}

// published gives what publications took so far, and how many were closed.
func (b *fakeBus) published() ([]string, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.taken), b.closed
}

type fakeSubscription struct{ b *fakeBus }

func (b *fakeBus) Subscribe(_ context.Context, r SubscribeRequest) (Subscription, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscribe = append(b.subscribe, r)
	if b.openErr != nil {
		return nil, b.openErr
	}
	return &fakeSubscription{b: b}, nil
}

func (s *fakeSubscription) Batch(ctx context.Context, dst []Message) (int, error) {
	return s.b.source(ctx, dst)
}

func (s *fakeSubscription) Close() {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	s.b.subEnded++
}

func (b *fakeBus) subsEnded() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.subEnded
}

func (b *fakeBus) Channels(_ context.Context, names []string) (Channels, error) {
	b.names = names
	return Channels{Node: "a@dev", Channels: []Channel{{Name: "chat", Spelling: "binary"}}}, b.openErr
}

// give is a source of these messages in batches of at most size, which then
// ends with err, or when ctx does if err is nil.
func give(size int, err error, messages ...Message) func(context.Context, []Message) (int, error) {
	return func(ctx context.Context, dst []Message) (int, error) {
		n := copy(dst[:min(size, len(dst))], messages)
		messages = messages[n:]
		if n > 0 {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		<-ctx.Done()
		return 0, ctx.Err()
	}
}

// endless is a source that always has more.
func endless(m Message) func(context.Context, []Message) (int, error) {
	var last atomic.Uint64 // subscriptions may share a source
	return func(ctx context.Context, dst []Message) (int, error) {
		seq := last.Add(uint64(len(dst))) - uint64(len(dst))
		for i := range dst {
			dst[i] = m
			dst[i].Seq = seq + uint64(i) + 1
		}
		return len(dst), ctx.Err()
	}
}

// numbered gives n messages on a channel.
func numbered(n int) []Message {
	at := time.Date(2026, 1, 15, 12, 4, 31, 120e6, time.UTC)
	list := make([]Message, n)
	for i := range list {
		list[i] = Message{Channel: "chat", From: "b@dev", ID: fmt.Sprint("id", i+1), Seq: uint64(i + 1),
			Time: at.Add(time.Duration(i) * time.Microsecond), Payload: fmt.Appendf(nil, "message %d", i+1)}
	}
	return list
}

var (
	errTooBig = &Error{Code: CodeMessageSize, Message: "message of 1.2 MiB refused", Exit: exitData}
	errOther  = errors.New("something broke")
)
