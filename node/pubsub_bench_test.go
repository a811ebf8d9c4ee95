package node

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// The benchmarks of this file measure between processes.

func init() {
	roles["subscribe"] = subscribeRole
	roles["newcomer"] = newcomerRole
}

func roleNode(seed string) (*Node, error) {
	return Start(context.Background(), Config{
		Name: "p" + strconv.Itoa(os.Getpid()) + "@127.0.0.1", Cookie: NewCookie("a cookie for these tests"), EPMD: EPMDOff,
		Listen: "127.0.0.1:0", Seeds: []string{seed},
	})
}

// subscribeRole takes messages from the channel bench and prints how many have
// come each time one of no bytes does.
func subscribeRole(seed string, _ int) error {
	n, err := roleNode(seed)
	if err != nil {
		return err
	}
	defer n.Close()
	s, err := n.Subscribe(context.Background(), SubscribeOptions{}, "bench")
	if err != nil {
		return err
	}
	ctx, cancel := untilEOF()
	defer cancel()
	batch := make([]Message, 256)
	for count, lost := 0, uint64(0); ; {
		k, err := s.Batch(ctx, batch)
		if err != nil {
			return nil // the end of the benchmark
		}
		count += k
		for _, m := range batch[:k] {
			lost += m.Lost
			if len(m.Payload) == 0 {
				fmt.Println(count-1, lost)
				count, lost = 0, 0
			}
		}
	}
}

// newcomerRole joins, waits until it knows that many channels of the seed's node,
// and prints how long that took from the first dial, in microseconds.
func newcomerRole(seed string, channels int) error {
	begin := time.Now()
	n, err := roleNode(seed)
	if err != nil {
		return err
	}
	defer n.Close()
	for {
		changed := n.groups.awaited()
		n.groups.mu.RLock()
		known := 0
		for _, m := range n.groups.links {
			known += len(n.groups.scope.PeerGroups(m))
		}
		n.groups.mu.RUnlock()
		if known == channels {
			break
		}
		<-changed
	}
	fmt.Println(time.Since(begin).Microseconds())
	ctx, cancel := untilEOF()
	defer cancel()
	<-ctx.Done()
	return nil
}

// copyOf starts a copy of the test binary in a role; lines are what it prints.
func copyOf(b testing.TB, role string, args ...any) (lines *bufio.Scanner) {
	b.Helper()
	cmd, in, out := startCopy(b, role, args...)
	b.Cleanup(func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			b.Errorf("%s: %v", role, err)
		}
	})
	return bufio.NewScanner(out)
}

func benchNode(b testing.TB) *Node {
	c := testConfig(b, "bench")
	c.Logger = nil
	return start(b, c)
}

// publishAll sends count messages and the empty one that ends them.
func publishAll(b *testing.B, p *Publisher, size, count int) {
	payload := make([]byte, size)
	for range count {
		if err := p.Publish(b.Context(), payload); err != nil {
			b.Fatal(err)
		}
	}
	if err := p.Publish(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
}

// One publisher, subscribers in processes of their own. A message counts when
// all subscribers have it.
func benchPublish(b *testing.B, size, subscribers int) {
	n := benchNode(b)
	var subs []*bufio.Scanner
	for range subscribers {
		subs = append(subs, copyOf(b, "subscribe", n.testAddr()))
	}
	await(b, n, "bench", subscribers)
	p, err := n.Publisher("bench")
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	publishAll(b, p, size, b.N)
	runtime.ReadMemStats(&after)
	for _, s := range subs {
		s.Scan()
		if want := fmt.Sprintf("%d 0", b.N); s.Text() != want {
			b.Fatalf("a subscriber got %q, want %q", s.Text(), want)
		}
	}
	b.ReportMetric(float64(b.N*subscribers)/b.Elapsed().Seconds(), "deliveries/s")
}

func BenchmarkPublish(b *testing.B) {
	for _, size := range []int{16, 128, 1024, 16 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) { benchPublish(b, size, 1) })
	}
}

func BenchmarkFanOut8(b *testing.B) { benchPublish(b, 128, 8) }

func BenchmarkBackfill(b *testing.B) {
	for _, channels := range []int{10_000, 100_000} {
		b.Run(strconv.Itoa(channels), func(b *testing.B) {
			n := benchNode(b)
			names := make([]string, channels)
			for i := range names {
				names[i] = "channel-" + strconv.Itoa(i)
			}
			subscribe(b, n, names...)
			var runs []time.Duration
			for range b.N {
				lines := copyOf(b, "newcomer", n.testAddr(), channels)
				lines.Scan()
				us, err := strconv.Atoi(lines.Text())
				if err != nil {
					b.Fatalf("the newcomer says %q", lines.Text())
				}
				runs = append(runs, time.Duration(us)*time.Microsecond)
			}
			spread(b, runs)
		})
	}
}

// How soon a subscription here is known there.
func BenchmarkVisible(b *testing.B) {
	nodes := cluster(b, "a", "z")
	var runs []time.Duration
	for i := range b.N {
		channel := "c" + strconv.Itoa(i)
		begin := time.Now()
		s := subscribe(b, nodes[0], channel)
		await(b, nodes[1], channel, 1)
		runs = append(runs, time.Since(begin))
		s.Close()
	}
	spread(b, runs)
}
