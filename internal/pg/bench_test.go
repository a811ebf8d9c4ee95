package pg

import (
	"fmt"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

// backfill is the sync of n groups with one member each, as OTP would send it.
func backfill(from Origin, n int) []byte {
	d := newLedger(pidOf(from, 1))
	for i := range n {
		d.join(binaryKey(fmt.Sprintf("channel-%06d", i)), pidOf(from, uint32(1000+i)))
	}
	return d.sync()
}

// BenchmarkBackfill100k is what a newcomer's sync of 100,000 groups costs:
// parsed by the link's reader, then received under the lock.
func BenchmarkBackfill100k(b *testing.B) {
	msg := backfill(alice, 100_000)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		s := New[int](Config{Self: pidOf(home, 100)})
		s.LinkUp(1, alice)
		m, err := Parse(msg, alice, Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Receive(1, m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse100k(b *testing.B) {
	msg := backfill(alice, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(msg, alice, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// crowd is a scope with eight peers in the same n groups.
func crowd(b *testing.B, n int) *Scope[int] {
	s := New[int](Config{Self: pidOf(home, 100)})
	for l := range 8 {
		o := Origin{fmt.Sprintf("node%d@host", l), 5}
		s.LinkUp(l, o)
		m, err := Parse(backfill(o, n), o, Limits{})
		if err != nil {
			b.Fatal(err)
		}
		s.Receive(l, m)
		m, _ = Parse(encodeDiscover(pidOf(o, 1)), o, Limits{})
		s.Receive(l, m)
	}
	return s
}

// BenchmarkLinkDown100k is a peer with 100,000 groups going, alone and with
// seven others in the same groups.
func BenchmarkLinkDown100k(b *testing.B) {
	o := Origin{"node0@host", 5}
	m, err := Parse(backfill(o, 100_000), o, Limits{})
	if err != nil {
		b.Fatal(err)
	}
	for name, s := range map[string]*Scope[int]{"alone": New[int](Config{}), "of8": crowd(b, 100_000)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s.LinkUp(0, o)
				if _, err := s.Receive(0, m); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				s.LinkDown(0)
			}
		})
	}
}

func BenchmarkRemote(b *testing.B) {
	s := crowd(b, 10_000)
	k := binaryKey("channel-004242")
	dst := make([]Target[int], 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		if dst = s.Remote(k, dst[:0]); len(dst) != 8 {
			b.Fatal(len(dst))
		}
	}
}

// BenchmarkJoinLeave is a join and a leave of ours told to eight peers.
func BenchmarkJoinLeave(b *testing.B) {
	s, k, pid := crowd(b, 1000), binaryKey("orders"), pidOf(home, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if len(s.Join(k, pid)) != 8 || len(s.Leave(k)) != 8 {
			b.Fatal("not told")
		}
	}
}

// BenchmarkTheirJoinLeave is a join and a leave of a peer, parsed and received.
func BenchmarkTheirJoinLeave(b *testing.B) {
	s, k, o := crowd(b, 1000), binaryKey("orders"), Origin{"node3@host", 5}
	join, leave := encodeJoin(pidOf(o, 1), k, pidOf(o, 7)), encodeLeave(pidOf(o, 1), k, pidOf(o, 7))
	now := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		now += 1000
		s.Tick(now)
		for _, msg := range [][]byte{join, leave} {
			m, err := Parse(msg, o, Limits{})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Receive(3, m); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkSyncEncode10k is the first newcomer's share after a change.
func BenchmarkSyncEncode10k(b *testing.B) {
	d := newLedger(pidOf(home, 100))
	for i := range 10_000 {
		d.join(binaryKey(fmt.Sprintf("channel-%06d", i)), etf.Pid{Node: "a@h", ID: uint32(i), Creation: 7})
	}
	b.ReportAllocs()
	for b.Loop() {
		d.cached = nil
		d.sync()
	}
}
