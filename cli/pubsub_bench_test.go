package cli

import (
	"context"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// benchEnv is a node that takes and gives messages as fast as it can, and a
// world in which it is found.
func benchEnv(b *testing.B) Env {
	b.Helper()
	env := testEnv(b)
	socket := filepath.Join(env.Getenv("LIMINAL_RUNTIME_DIR"), "x.sock")
	serve(b, &fastBus{backend: testBackend(&fakeNode{status: node.Status{Name: "a@dev"}})}, socket)
	getenv := env.Getenv
	env.Getenv = func(name string) string {
		if name == "LIMINAL_SOCKET" {
			return socket
		}
		return getenv(name)
	}
	return env
}

type fastBus struct{ *backend }

type fastPublication struct{ doc control.Published }

func (fastBus) Publish(context.Context, control.PublishRequest) (control.Publication, error) {
	return &fastPublication{}, nil
}
func (p *fastPublication) Publish(_ context.Context, payload []byte) error {
	p.doc.Messages++
	p.doc.Bytes += uint64(len(payload))
	return nil
}
func (p *fastPublication) TooLarge(int64) *control.Error                    { return nil }
func (p *fastPublication) MaxMessage() int                                  { return 1 << 20 }
func (p *fastPublication) Close(context.Context) (control.Published, error) { return p.doc, nil }

type fastSubscription struct{ m control.Message }

func (fastBus) Subscribe(context.Context, control.SubscribeRequest) (control.Subscription, error) {
	return fastSubscription{message("0123456789abcdef")}, nil
}
func (s fastSubscription) Batch(_ context.Context, dst []control.Message) (int, error) {
	for i := range dst {
		dst[i] = s.m
	}
	return len(dst), nil
}
func (fastSubscription) Close() {}
func (fastBus) Channels(context.Context, []string) (control.Channels, error) {
	return control.Channels{}, nil
}

// BenchmarkPubLines is a line of 16 bytes from stdin into the node.
func BenchmarkPubLines(b *testing.B) {
	env := benchEnv(b)
	env.Stdin = strings.NewReader(strings.Repeat("0123456789abcde\n", b.N))
	b.ReportAllocs()
	b.ResetTimer()
	if code := Main(b.Context(), env, []string{"pub", "nums", "--lines"}); code != 0 {
		b.Fatal(code)
	}
}

// BenchmarkSub is a message of 16 bytes from the node to stdout.
func BenchmarkSub(b *testing.B) {
	env := benchEnv(b)
	for form, args := range map[string][]string{"pipe": nil, "json": {"--json"}} {
		b.Run(form, func(b *testing.B) {
			env.Stdout = io.Discard
			b.ReportAllocs()
			args := append([]string{"sub", "nums", "--count", strconv.Itoa(b.N)}, args...)
			if code := Main(b.Context(), env, args); code != 0 {
				b.Fatal(code)
			}
		})
	}
}
