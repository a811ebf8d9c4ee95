package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/links"
)

// wordEnd ends what taken waits for.
const wordEnd = "end"

// taken reads a subscription until a message says that it is over, and gives
// what came before it.
func taken(t testing.TB, s *Subscription) <-chan []Message {
	all := make(chan []Message, 1)
	go func() {
		defer close(all)
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		var list []Message
		for {
			m, err := s.Next(ctx)
			if err != nil {
				t.Errorf("after %d messages: %v", len(list), err)
				return
			}
			if string(m.Payload) == wordEnd {
				all <- list
				return
			}
			list = append(list, m)
		}
	}()
	return all
}

// shot is one message and the publisher that knows what became of it.
type shot struct {
	p    *Publisher
	text string
}

func (s shot) outcome(t testing.TB) Outcome {
	t.Helper()
	r := s.p.Receipt()
	if r.Messages != 1 || r.Members != 1 || r.Nodes != 1 || len(r.Peers) != 1 {
		t.Fatalf("receipt %+v, want one message for one member", r)
	}
	if p := r.Peers[0]; p.Sent+p.Dropped != 1 || r.Dropped != p.Dropped {
		t.Fatalf("receipt %+v, want one copy", r)
	}
	return r.Peers[0].Outcome
}

// shoot publishes one message that waits for nobody.
func shoot(t testing.TB, n *Node, channel, text string) shot {
	t.Helper()
	p, err := n.Publisher(channel)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	payload := make([]byte, shotSize)
	copy(payload, text)
	if err := p.Publish(ended, payload); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return shot{p, text}
}

// shotSize is large enough to fill a link soon.
const shotSize = 15 << 10

// jam shuts the valve and publishes until 300 messages found no room.
func jam(t testing.TB, a *Node, v *valve, channel string) (all []shot) {
	t.Helper()
	v.shut()
	for full := 0; full < 300; {
		s := shoot(t, a, channel, fmt.Sprint("message ", len(all), "."))
		all = append(all, s)
		switch o := s.outcome(t); o {
		case OutcomeFull:
			full++
		case OutcomeQueued, OutcomeWritten:
		default:
			t.Fatalf("message %d: %s", len(all), o)
		}
		if len(all) > 10_000 {
			t.Fatal("a shut valve takes everything")
		}
	}
	return all
}

// sorted groups the texts of shots by what became of them.
func sorted(t testing.TB, shots []shot) map[Outcome][]string {
	t.Helper()
	by := map[Outcome][]string{}
	for _, s := range shots {
		o := s.outcome(t)
		by[o] = append(by[o], s.text)
	}
	return by
}

// texts are what was shot, of messages as they came.
func texts(list []Message) (all []string) {
	for _, m := range list {
		text, _, _ := bytesCut(m.Payload)
		all = append(all, text)
	}
	return all
}

func bytesCut(b []byte) (string, []byte, bool) {
	i := slices.Index(b, '.') + 1
	return string(b[:i]), b[i:], i > 0
}

// While a peer does not read, messages are queued and then dropped; once it
// reads, those that were queued are written and come, and no other.
func TestReceiptsOfAStalledPeer(t *testing.T) {
	a, b, v := behindValve(t)
	all := taken(t, subscribe(t, b, "x"))
	await(t, a, "x", 1)
	shots := jam(t, a, v, "x")
	during := sorted(t, shots)
	if len(during[OutcomeQueued]) < 300 {
		t.Errorf("%d were queued, want hundreds", len(during[OutcomeQueued]))
	}
	v.release()
	for _, s := range shots {
		if err := s.p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	after := sorted(t, shots)
	publish(t, a, "x", wordEnd)
	if got := texts(<-all); !slices.Equal(got, after[OutcomeWritten]) {
		t.Errorf("%d came, %d were written", len(got), len(after[OutcomeWritten]))
	}
	if !slices.Equal(after[OutcomeFull], during[OutcomeFull]) || len(after) != 2 {
		t.Errorf("%d were dropped, and then it was %d", len(during[OutcomeFull]), len(after[OutcomeFull]))
	}
	s := lawful(t, "the link", linkTo(t, a, b.name))
	if s.Dropped["full"] != uint64(len(after[OutcomeFull])) || s.Queued != 0 {
		t.Errorf("the link counts %v dropped and %d queued, receipts say %d dropped", s.Dropped, s.Queued, len(after[OutcomeFull]))
	}
}

// F1: what a link has not written when it ends is lost, and its receipt says so,
// also after the peer has come back.
func TestReceiptsOfALinkThatEnds(t *testing.T) {
	a, b, v := behindValve(t)
	all := taken(t, subscribe(t, b, "x"))
	await(t, a, "x", 1)
	shots := jam(t, a, v, "x")
	l := linkTo(t, a, b.name)
	v.part(a, b)
	by := sorted(t, shots)
	s := lawful(t, "the link that ended", l)
	lost := s.Dropped["link_down"] + s.Dropped["in_flight"]
	if uint64(len(by[OutcomeLinkDown])) != lost || lost < 300 || s.Written != uint64(len(by[OutcomeWritten])) {
		t.Errorf("receipts: %d link_down, %d written, %d full, %d queued; the link counts %d written and dropped %v",
			len(by[OutcomeLinkDown]), len(by[OutcomeWritten]), len(by[OutcomeFull]), len(by[OutcomeQueued]), s.Written, s.Dropped)
	}
	v.join(a)
	await(t, a, "x", 1)
	publish(t, a, "x", wordEnd)
	for _, text := range texts(<-all) {
		if !slices.Contains(by[OutcomeWritten], text) {
			t.Errorf("%q came although it was not written", text)
		}
	}
	if again := sorted(t, shots); len(again[OutcomeLinkDown]) != len(by[OutcomeLinkDown]) {
		t.Errorf("%d were lost, and then it was %d", len(by[OutcomeLinkDown]), len(again[OutcomeLinkDown]))
	}
}

// Each message that is said to be written after Flush has come, one by one.
func TestReceiptsOfWritten(t *testing.T) {
	nodes := cluster(t, "a", "b")
	a, b := nodes[0], nodes[1]
	s := subscribe(t, b, "x")
	await(t, a, "x", 1)
	for i := range 1000 {
		p := shoot(t, a, "x", fmt.Sprint("message ", i, "."))
		if err := p.p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if o := p.outcome(t); o != OutcomeWritten {
			t.Fatalf("message %d: %s after a flush", i, o)
		}
		if got := texts([]Message{arrived(t, s)})[0]; got != p.text {
			t.Fatalf("%q came, want %q", got, p.text)
		}
	}
}

// withoutFragments makes of a light peer an OTP node that takes whole messages
// only.
func withoutFragments(_ *light, c *links.Config) {
	c.Local.Flags = c.Local.Flags&^dist.FlagFragments | dist.FlagSpawn
}

// A message that a peer cannot take is refused for it alone.
func TestReceiptsOfTooLarge(t *testing.T) {
	large := func(c *Config) { c.MaxMessage = 20 << 20 }
	ca, cb := testConfig(t, "a"), testConfig(t, "b")
	large(&ca)
	large(&cb)
	a := start(t, ca)
	cb.Seeds = []string{a.testAddr()}
	b := start(t, cb)
	s := subscribe(t, b, "x")
	old := newLight(t, "old", withoutFragments)
	came := make(chan int, 100)
	old.handle = func(_ *dist.Link, msg []byte) {
		if in, err := a.unseal(a.name, msg); err == nil && in.ID != nil {
			came <- len(in.Payload)
		}
	}
	l := old.dial(a)
	old.tellScope(l, syncTerm(old.scopePid(), etf.List{etf.Tuple{etf.Binary("x"), etf.List{old.scopePid()}}}))
	await(t, a, "x", 2)
	payload := make([]byte, 17<<20)
	const rounds = 4
	for i := range rounds {
		for _, size := range []int{100 + i, len(payload)} {
			p, err := a.Publisher("x")
			if err != nil {
				t.Fatal(err)
			}
			err = p.Publish(t.Context(), payload[:size])
			if err := errors.Join(err, p.Flush(t.Context())); err != nil {
				t.Fatal(err)
			}
			r := p.Receipt()
			p.Close()
			for _, o := range r.Peers {
				want := OutcomeWritten
				if o.Node == old.name() && size == len(payload) {
					want = OutcomeTooLarge
				}
				if o.Outcome != want || o.Sent+o.Dropped != 1 || (o.Dropped == 1) != (want == OutcomeTooLarge) {
					t.Errorf("%d bytes: %+v, want %s", size, o, want)
				}
			}
			if r.Members != 2 || len(r.Peers) != 2 {
				t.Errorf("receipt %+v", r)
			}
			if m := arrived(t, s); len(m.Payload) != size {
				t.Errorf("%d bytes came as %d", size, len(m.Payload))
			}
		}
	}
	for i := range rounds {
		if size := <-came; size != 100+i {
			t.Errorf("the old peer got %d bytes, want %d", size, 100+i)
		}
	}
	if d := lawful(t, "the old peer's link", linkTo(t, a, old.name())).Dropped["too_large"]; d != rounds || len(came) > 0 {
		t.Errorf("%d were too large, and %d more came; want %d and none", d, len(came), rounds)
	}
}

// The holes in seq are what the publisher's link has dropped, message by message.
func TestSeqTellsLosses(t *testing.T) {
	a, b, v := behindValve(t)
	s := subscribe(t, b, "x")
	all := taken(t, s)
	await(t, a, "x", 1)
	p, err := a.Publisher("x")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	payload := make([]byte, shotSize)
	var seq uint64
	var want []uint64
	send := func(ctx context.Context) bool {
		before := p.Receipt().Dropped
		seq++
		if err := p.Publish(ctx, payload); err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		if p.Receipt().Dropped > before {
			return false
		}
		want = append(want, seq)
		return true
	}
	for round := range 3 {
		for range 100 {
			if !send(t.Context()) {
				t.Fatal("a message was dropped while the peer reads")
			}
		}
		v.shut()
		for lost := 0; lost < 50*(round+1); {
			if !send(ended) {
				lost++
			}
		}
		v.release()
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Publish(t.Context(), []byte(wordEnd)); err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, m := range <-all {
		got = append(got, m.Seq)
		if m.Lost != 0 {
			t.Errorf("message %d: %d lost at the subscriber", m.Seq, m.Lost)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d of %d messages came, want %d: %v", len(got), seq, len(want), diff(want, got))
	}
	link := lawful(t, "the link", linkTo(t, a, b.name))
	if lost := seq - uint64(len(want)); link.Dropped["full"] != lost || lost != 300 || p.Receipt().Dropped != lost {
		t.Errorf("%d holes; the link dropped %v, the receipt says %d", lost, link.Dropped, p.Receipt().Dropped)
	}
}

// diff is where two lists begin to differ.
func diff(a, b []uint64) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("%d in place of %d", b[i], a[i])
		}
	}
	return "one ends early"
}
