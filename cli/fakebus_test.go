package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// fakeBus is a node of which only the channels matter.
type fakeBus struct {
	*backend
	receipt  control.Published // what a publish answers, totals filled in
	refuse   func(payload []byte) *control.Error
	waitsFor func(ctx context.Context, r control.PublishRequest) error
	stream   func(ctx context.Context, emit func(...control.Message)) error
	listed   func() control.Channels

	mu        sync.Mutex
	published []control.PublishRequest
	messages  []string
	arrived   chan string // each message, if not nil
	asked     []control.SubscribeRequest
	closed    int // subscriptions
}

func newFakeBus() *fakeBus {
	b := testBackend(&fakeNode{status: node.Status{Name: "a@dev"}})
	return &fakeBus{backend: b, receipt: control.Published{Peers: []control.PeerOutcome{}}}
}

// serve opens the control socket of b at path.
func serve(t testing.TB, b control.Backend, path string) {
	t.Helper()
	ln, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	s := control.NewServer(b, nil)
	var group sync.WaitGroup
	group.Go(func() { s.Serve(ln) })
	t.Cleanup(func() { s.Close(); group.Wait() })
}

// busEnv is a world with a fake node in it. Commands find its socket.
func busEnv(t *testing.T, b control.Backend) Env {
	t.Helper()
	env := testEnv(t)
	path := filepath.Join(env.Getenv("LIMINAL_RUNTIME_DIR"), "x.sock")
	serve(t, b, path)
	getenv, environ := env.Getenv, env.Environ
	env.Getenv = func(name string) string {
		if name == "LIMINAL_SOCKET" {
			return path
		}
		return getenv(name)
	}
	env.Environ = func() []string { return append(environ(), "LIMINAL_SOCKET="+path) }
	return env
}

func (b *fakeBus) got() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.messages...)
}

func (b *fakeBus) Publish(ctx context.Context, r control.PublishRequest) (control.Publication, error) {
	b.mu.Lock()
	b.published = append(b.published, r)
	b.mu.Unlock()
	if b.waitsFor != nil {
		if err := b.waitsFor(ctx, r); err != nil {
			return nil, err
		}
	}
	p := &fakePublication{bus: b, doc: b.receipt}
	p.doc.Schema, p.doc.Node, p.doc.Channel = control.SchemaPub, "a@dev", r.Channel
	return p, nil
}

type fakePublication struct {
	bus *fakeBus
	doc control.Published
}

func (p *fakePublication) Publish(_ context.Context, payload []byte) error {
	if p.bus.refuse != nil {
		if e := p.bus.refuse(payload); e != nil {
			return e
		}
	}
	p.doc.Messages++
	p.doc.Bytes += uint64(len(payload))
	p.bus.mu.Lock()
	p.bus.messages = append(p.bus.messages, string(payload))
	p.bus.mu.Unlock()
	if p.bus.arrived != nil {
		p.bus.arrived <- string(payload)
	}
	return nil
}

func (p *fakePublication) MaxMessage() int { return 1 << 20 }

func (p *fakePublication) TooLarge(int64) *control.Error {
	return fail("message_size", "message of more than 1 MiB refused", "channels.max_message is 1 MiB on a@dev", "raise it there, or split the input")
}

func (p *fakePublication) Close(context.Context) (control.Published, error) { return p.doc, nil }

func (b *fakeBus) Subscribe(ctx context.Context, r control.SubscribeRequest) (control.Subscription, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, r)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &fakeSubscription{bus: b, batches: make(chan []control.Message), cancel: cancel, ended: make(chan error, 1)}
	s.group.Go(func() {
		s.ended <- b.stream(ctx, func(ms ...control.Message) {
			select {
			case s.batches <- ms:
			case <-ctx.Done():
			}
		})
	})
	return s, nil
}

type fakeSubscription struct {
	bus     *fakeBus
	batches chan []control.Message
	rest    []control.Message
	cancel  context.CancelFunc
	ended   chan error
	group   sync.WaitGroup
}

func (s *fakeSubscription) Batch(ctx context.Context, dst []control.Message) (int, error) {
	if len(s.rest) == 0 {
		select {
		case s.rest = <-s.batches:
		case err := <-s.ended:
			return 0, err
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	n := copy(dst, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *fakeSubscription) Close() {
	s.cancel()
	s.group.Wait()
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	s.bus.closed++
}

func (b *fakeBus) Channels(_ context.Context, names []string) (control.Channels, error) {
	doc := b.listed()
	doc.Schema, doc.Node, doc.Time = control.SchemaChannels, "a@dev", noon
	return doc, nil
}

func message(payload string) control.Message {
	return control.Message{Channel: "chat", From: "b@dev", Seq: 41, ID: "i", Time: noon, Payload: []byte(payload)}
}

// forEver is a stream on which nothing more comes.
func forEver(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// numbers is what `seq n` prints.
func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, i+1)
	}
	return b.String()
}

// pausing is an Env whose time goes on only when the test says so.
type pausing struct {
	mu   sync.Mutex
	at   time.Time
	wake chan time.Duration // one for each Pause that ends
	ask  chan time.Duration // each Pause that began
}

func newPausing(env *Env) *pausing {
	p := &pausing{at: noon, wake: make(chan time.Duration), ask: make(chan time.Duration, 64)}
	env.Now = func() time.Time {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.at
	}
	env.Pause = func(ctx context.Context, d time.Duration) error {
		p.ask <- d
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case by := <-p.wake:
			p.mu.Lock()
			defer p.mu.Unlock()
			p.at = p.at.Add(by)
			return nil
		}
	}
	return p
}

// syncBuffer is a buffer that can be looked at while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// typed is a stdin to which a test writes while the command runs.
func typed(t *testing.T, env *Env) *io.PipeWriter {
	r, w := io.Pipe()
	env.Stdin = r
	t.Cleanup(func() { w.Close() })
	return w
}
