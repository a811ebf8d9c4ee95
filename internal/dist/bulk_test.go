package dist

import (
	"context"
	"encoding/binary"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/perf"
	"pgregory.net/rapid"
)

// numbered is a message of some size with a number in it.
func numbered(n uint64, size int) []byte {
	return etf.AppendBinary(nil, binary.BigEndian.AppendUint64(make([]byte, 0, 8+size), n)[:8+size])
}

// number reads it again, from the beginning of the message.
func number(msg []byte) uint64 { return binary.BigEndian.Uint64(msg[5:]) }

// bulkModel holds a link against what was offered to it.
type bulkModel struct {
	t       *rapid.T
	l       *Link
	offered uint64
	taken   []taken
	waiting []waiting
	dropped uint64
	wire    []byte
}

type taken struct {
	n     uint64
	to    uint32
	place uint64
	after int // how many data messages were taken before it
}

type waiting struct {
	n  uint64
	to uint32
	w  *waiter
}

func (m *bulkModel) offer() {
	size := rapid.SampledFrom([]int{0, 100, KeepFrom, fragmentSize - 20, fragmentSize, 3 * fragmentSize, 9 * fragmentSize}).Draw(m.t, "size")
	to := rapid.Uint32Range(1, 4).Draw(m.t, "to")
	full := rapid.SampledFrom([]whenFull{dropWhenFull, askWhenFull, waitWhenFull}).Draw(m.t, "full")
	n := m.offered
	m.offered++
	place, drop, w := m.l.offer(peerPid(to), numbered(n, size), full)
	switch {
	case w != nil:
		m.waiting = append(m.waiting, waiting{n, to, w})
	case drop == DropNone:
		m.take(n, to, place)
	case drop != DropFull || place != 0:
		m.t.Fatalf("%v with place %d", drop, place)
	case full == dropWhenFull:
		m.dropped++
	default:
		m.offered-- // is not counted; its number is used again
	}
}

func (m *bulkModel) take(n uint64, to uint32, place uint64) {
	after := 0
	for _, x := range m.taken {
		if x.place&1 == 0 {
			after++
		}
	}
	m.taken = append(m.taken, taken{n, to, place, after})
}

// settle books those waiters that have their answer.
func (m *bulkModel) settle() {
	rest := m.waiting[:0]
	for i, x := range m.waiting {
		select {
		case <-x.w.ready:
			if len(rest) > 0 || x.w.drop != DropNone {
				m.t.Fatalf("waiter %d was taken before the one in front of it, or dropped: %v", i, x.w.drop)
			}
			m.take(x.n, x.to, x.w.place)
		default:
			rest = append(rest, x)
		}
	}
	m.waiting = rest
}

func (m *bulkModel) write() bool {
	b, ok := writeByHand(m.l)
	m.wire = append(m.wire, b...)
	m.settle()
	return ok
}

func (m *bulkModel) giveUp() {
	if len(m.waiting) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.waiting)-1).Draw(m.t, "impatient")
	m.l.giveUp(m.waiting[i].w)
	if m.waiting[i].w.drop != DropFull {
		m.t.Fatalf("gave up with %v", m.waiting[i].w.drop)
	}
	m.dropped++
	m.waiting = slices.Delete(m.waiting, i, i+1)
	m.settle()
}

func (m *bulkModel) check() {
	l, s := m.l, m.l.Stats()
	if s.Offered != m.offered-uint64(len(m.waiting)) || s.Offered != settled(s)+uint64(s.Queued) || s.Dropped["full"] != m.dropped {
		m.t.Fatalf("%d offered, %d wait, %d dropped: %+v", m.offered, len(m.waiting), m.dropped, s)
	}
	if s.Queued > l.limits.Messages || s.QueuedBytes-l.data.overlong-l.bulk.overlong > l.limits.Bytes {
		m.t.Fatalf("over the bounds: %+v, overlong %d, %d", s, l.data.overlong, l.bulk.overlong)
	}
	if l.data.overlong > l.data.bigBytes || l.bulk.overlong > l.bulk.bigBytes {
		m.t.Fatalf("more overlong than there is: %d, %d", l.data.overlong, l.bulk.overlong)
	}
	if len(m.waiting) > 0 && s.Queued == 0 {
		m.t.Fatal("they wait for empty lanes")
	}
	if len(l.behind) > 2*l.bulk.queued+minBehind {
		m.t.Fatalf("%d processes for %d messages", len(l.behind), l.bulk.queued)
	}
}

// Of what the link takes everything comes out, in order for each process; a
// long message begins when the data lane has written what was there before it;
// waiters are served in order; the bounds and the law hold at every step.
func TestBulkModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := linkConfig(deadConn{}, rapid.SampledFrom([]Flags{allAgreed, noHeaders}).Draw(t, "agreed"), nil)
		cfg.Limits.Messages, cfg.Limits.Bytes = 12, 6*fragmentSize
		m := &bulkModel{t: t, l: NewLink(cfg)}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				m.giveUp()
			case 1, 2, 3:
				m.write()
			default:
				m.offer()
			}
			m.check()
		}
		for m.write() {
			m.check()
		}
		if len(m.waiting) > 0 || len(m.l.behind) > 0 {
			t.Fatalf("%d wait at the end, %d processes", len(m.waiting), len(m.l.behind))
		}
		m.compare(cfg.Remote.Agreed)
	})
}

// compare reads the wire as a peer does.
func (m *bulkModel) compare(agreed Flags) {
	h := &arrivals{}
	peer := idleLink(agreed, h)
	peer.local = Local{Name: peerName, Creation: peerLife}
	started := map[uint64]int{} // how many messages of the data lane came before the first byte of this one
	places := map[uint64]uint64{}
	for _, x := range m.taken {
		places[x.n] = x.place
	}
	data := func() (n int) {
		for _, a := range h.got {
			if places[a.n]&1 == 0 {
				n++
			}
		}
		return n
	}
	for _, f := range splitFrames(m.t, m.wire) {
		if len(f) > 19 && f[1] == typeFirst {
			peer.in.peek(f[19:])
			started[number(peer.in.r.Rest())] = data()
		}
		if err := peer.in.frame(f); err != nil {
			m.t.Fatal(err)
		}
	}
	if len(h.got) != len(m.taken) {
		m.t.Fatalf("%d arrived of %d", len(h.got), len(m.taken))
	}
	for to := range uint32(5) {
		m.compareOne(to, h.got)
	}
	for _, x := range m.taken {
		if at, ok := started[x.n]; ok && at < x.after {
			m.t.Fatalf("message %d began after %d of %d of the data lane", x.n, at, x.after)
		}
	}
}

func (m *bulkModel) compareOne(to uint32, got []arrival) {
	var in, out []uint64
	for _, x := range m.taken {
		if x.to == to {
			in = append(in, x.n)
		}
	}
	for _, a := range got {
		if a.to == to {
			out = append(out, a.n)
		}
	}
	if !slices.Equal(in, out) {
		m.t.Fatalf("process %d was sent %v and got %v", to, in, out)
	}
}

type arrival struct {
	to uint32
	n  uint64
}

// arrivals is a Handler that notes what came in what order.
type arrivals struct {
	counting
	got []arrival
}

func (h *arrivals) Send(_ *Link, to etf.PidView, msg []byte) {
	h.got = append(h.got, arrival{to.ID, number(msg)})
}

// Small messages for others overtake a message of 32 MiB, control messages and
// ticks even more so, though the lanes hold less than it.
func TestLongMessageDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := memPipe(1000)
		l := NewLink(linkConfig(ours, allAgreed, &recorder{}))
		l.Start()
		l.Beat(time.Now())
		if _, d := l.Publish(peerPid(1), numbered(0, 32<<20)); d != DropNone {
			t.Fatal(d)
		}
		synctest.Wait() // the first fragment is stuck in the pipe
		for n := range uint64(100) {
			if _, d := l.Publish(peerPid(2), numbered(1+n, 100)); d != DropNone {
				t.Fatal(d)
			}
		}
		if _, d := l.Publish(peerPid(1), numbered(101, 100)); d != DropNone { // it keeps its place
			t.Fatal(d)
		}
		if err := l.Send(ourPid(1), peerPid(3), numbered(102, 0)); err != nil {
			t.Fatal(err)
		}
		go func() { l.Flush(context.Background()); l.Close(ReasonClosed, nil) }()
		wire, _ := io.ReadAll(theirs)
		l.Wait()
		h := &arrivals{}
		peer := idleLink(allAgreed, h)
		peer.local, peer.remote = Local{Name: peerName, Creation: peerLife}, Remote{Name: ourName, Creation: ourLife}
		fragments := 0
		for _, f := range splitFrames(t, wire) {
			before := len(h.got)
			if err := peer.in.frame(f); err != nil {
				t.Fatal(err)
			}
			if f[1] == typeFirst || f[1] == typeNext {
				fragments++
			}
			if len(h.got) > before && h.got[before].to == 2 && fragments > 2 {
				t.Fatalf("message %d came after %d fragments", h.got[before].n, fragments)
			}
		}
		if len(h.got) != 103 || h.got[0].n != 102 || h.got[101].n != 0 || h.got[102].n != 101 {
			t.Errorf("%d came: %v", len(h.got), h.got)
		}
	})
}

// A tick is due while a long message crawls, but every fragment says as much.
// Beat sees a link that lives, however long the message takes.
func TestLongMessageAndBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const T = 8 * time.Second
		b := beat(allAgreed, T, 1000)
		b.Publish(peerPid(1), numbered(0, 2<<20))
		gone := make(chan struct{})
		go func() { // takes 64 KiB a second
			defer close(gone)
			for {
				time.Sleep(time.Second)
				if _, err := io.ReadFull(b.peer, make([]byte, 64<<10)); err != nil {
					return
				}
				b.peer.Write([]byte{0, 0, 0, 0})
			}
		}()
		place, _ := b.Publish(peerPid(2), numbered(1, 100))
		if err := b.Written(t.Context(), place); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(b.start); took > 5*time.Second {
			t.Errorf("a small message took %v", took)
		}
		if err := b.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(b.start); took < 25*time.Second {
			t.Fatalf("it was written in %v, which shows nothing", took)
		}
		b.end()
		<-gone
	})
}

// Both lanes get on: neither a stream of long messages nor one of small ones
// keeps the other back.
func TestLanesTakeTurns(t *testing.T) {
	l := idleLink(allAgreed, nil)
	for n := range uint64(5) {
		published(l, numbered(n, 3*fragmentSize)) // 4 fragments each
	}
	for l.bulk.queued > 0 {
		for held := l.data.held(); held < 2*batchSize; held = l.data.held() {
			if _, d := l.Publish(peerPid(8), numbered(0, 1000)); d != DropNone {
				t.Fatal(d)
			}
		}
		b, _ := writeByHand(l) // one of each
		c, _ := writeByHand(l)
		if b[5] == typeHeader {
			b, c = c, b
		}
		if b[5] == typeHeader || c[5] != typeHeader || len(b) > batchSize+200 || len(c) > batchSize+2000 {
			t.Fatalf("batches of type %d with %d bytes, and %d with %d", b[5], len(b), c[5], len(c))
		}
	}
}

// The way of a small message is free of allocations while a long one is under
// way, to others and to the same process.
func TestCostOfPublishBesideBulk(t *testing.T) {
	cfg := linkConfig(deadConn{}, allAgreed, nil)
	cfg.Limits.Messages, cfg.Limits.Bytes = 1<<20, 64<<20
	l := NewLink(cfg)
	published(l, payloadOf(9<<20))
	msg := payloadOf(128)
	for _, to := range []etf.Pid{peerPid(7), peerPid(8)} {
		publish := func() {
			if _, d := l.Publish(to, msg); d != DropNone {
				t.Fatal(d)
			}
		}
		for range 3000 {
			publish()
		}
		l.data.fill.b = slices.Grow(l.data.fill.b, 1<<20) // no peer reads here
		l.bulk.fill.b = slices.Grow(l.bulk.fill.b, 1<<20)
		perf.Most(t, "dist.publish_beside_bulk.allocs", testing.AllocsPerRun(2000, publish))
	}
	if l.bulk.queued < 5000 || l.data.queued < 5000 {
		t.Errorf("%d and %d messages", l.bulk.queued, l.data.queued)
	}
}

// Many processes with long messages are forgotten again, even if the lane is
// never empty.
func TestBehindIsBounded(t *testing.T) {
	l := idleLink(allAgreed, nil)
	msg := payloadOf(fragmentSize + 1)
	for id := range uint32(1000) {
		l.Publish(peerPid(id), msg)
		if id > 2 {
			writeByHand(l)
			writeByHand(l)
		}
		if l.bulk.queued == 0 {
			t.Fatal("the lane was empty, which shows nothing")
		}
	}
	if len(l.behind) > minBehind+2*10 {
		t.Errorf("%d processes for %d messages", len(l.behind), l.bulk.queued)
	}
	drain(l)
	if len(l.behind) > 0 {
		t.Errorf("%d processes for an empty lane", len(l.behind))
	}
}

// Long and small messages of many goroutines over a real connection.
func TestBulkOverTCP(t *testing.T) {
	const senders, each = 4, 300
	h := &perSender{done: make(chan struct{})}
	h.want.Store(senders * each)
	a, _ := linkPair(t, allAgreed, &recorder{}, h)
	for s := range senders {
		go func() {
			for i := range uint64(each) {
				size := []int{10, 100, 20_000, 70_000, 300_000}[int(i)%(s+2)]
				if _, d := a.PublishWait(context.Background(), peerPid(uint32(s)), numbered(i, size)); d != DropNone {
					t.Errorf("message %d of %d: %v", i, s, d)
				}
			}
		}()
	}
	<-h.done
	if h.bad > 0 {
		t.Errorf("%d out of order", h.bad)
	}
}

type perSender struct {
	counting
	next [8]uint64
	bad  int
	want atomic.Int64
	done chan struct{}
}

func (h *perSender) Send(_ *Link, to etf.PidView, msg []byte) {
	if number(msg) != h.next[to.ID] {
		h.bad++
	}
	h.next[to.ID]++
	if h.want.Add(-1) == 0 {
		close(h.done)
	}
}
