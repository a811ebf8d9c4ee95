package bus

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// model is the bus told plainly, for one goroutine: per subscriber a log of all
// that was ever offered, and what became of each.
type model struct {
	bus    *Bus
	subs   []*modelSub
	open   map[string]number
	used   map[number]bool
	seq    uint64
	closed bool
}

type modelSub struct {
	real     *Subscriber
	options  SubscriberOptions
	names    []string
	log      []modelEntry
	err      error
	detached bool
}

type modelEntry struct {
	name  string
	seq   uint64
	size  int
	state string // queued, taken, dropped
}

func (s *modelSub) queued() (at []int, bytes int) {
	for i, e := range s.log {
		if e.state == "queued" {
			at = append(at, i)
			bytes += e.size
		}
	}
	return at, bytes
}

func (s *modelSub) count(state string) (n uint64) {
	for _, e := range s.log {
		if e.state == state {
			n++
		}
	}
	return n
}

func (s *modelSub) drop(all []int) (n int) {
	for _, i := range all {
		s.log[i].state = "dropped"
	}
	return len(all)
}

// end throws away what is queued.
func (s *modelSub) end(err error) int {
	if s.err == nil {
		s.err = err
	}
	at, _ := s.queued()
	return s.drop(at)
}

// offer says what Took must add for this subscriber.
func (s *modelSub) offer(e modelEntry) (took Took) {
	if s.err != nil {
		return took
	}
	fits := func() bool {
		at, bytes := s.queued()
		return len(at) == 0 || len(at) < s.options.Queue && bytes+e.size <= s.options.QueueBytes
	}
	took.Subscribers = 1
	if !fits() && s.options.Policy == Disconnect {
		e.state = "dropped"
		s.log = append(s.log, e)
		took.Dropped = 1 + s.end(ErrSlow)
		return took
	}
	for !fits() {
		at, _ := s.queued()
		took.Dropped += s.drop(at[:1])
	}
	s.log = append(s.log, e)
	took.Enqueued = 1
	return took
}

// take says what the reader must get: the seqs with what was dropped between
// the one taken before and this one.
func (s *modelSub) take(n int) (want []string) {
	at, _ := s.queued()
	for _, i := range at[:min(n, len(at))] {
		lost := 0
		for j := i - 1; j >= 0 && s.log[j].state == "dropped"; j-- {
			lost++
		}
		s.log[i].state = "taken"
		mark := fmt.Sprint(s.log[i].seq)
		if lost > 0 {
			mark += fmt.Sprintf("+%d", lost)
		}
		want = append(want, mark)
	}
	return want
}

var modelNames = []string{"a", "b", "c", "d"}

func (m *model) pick(t *rapid.T) *modelSub {
	if len(m.subs) == 0 {
		t.Skip("no subscriber yet")
	}
	return rapid.SampledFrom(m.subs).Draw(t, "subscriber")
}

func (m *model) listeners(name string) (n int) {
	for _, s := range m.subs {
		if slices.Contains(s.names, name) {
			n++
		}
	}
	return n
}

func (m *model) NewSubscriber(t *rapid.T) {
	o := SubscriberOptions{
		Policy:     Policy(rapid.IntRange(0, 2).Draw(t, "policy")),
		Queue:      rapid.IntRange(1, 40).Draw(t, "queue"),
		QueueBytes: rapid.IntRange(1, 400).Draw(t, "bytes"),
	}
	s := &modelSub{real: m.bus.NewSubscriber(o), options: o}
	if m.closed {
		s.err = ErrClosed
	}
	m.subs = append(m.subs, s)
}

func (m *model) Attach(t *rapid.T) {
	s, name := m.pick(t), rapid.SampledFrom(modelNames).Draw(t, "name")
	adds := !s.detached && !slices.Contains(s.names, name)
	wantFirst := adds && m.listeners(name) == 0
	c, first := m.bus.Attach(s.real, name)
	if first != wantFirst || c.Name() != name {
		t.Fatalf("attached to %q, first %t, want %q, %t", c.Name(), first, name, wantFirst)
	}
	if adds {
		s.names = append(s.names, name)
	}
	if first {
		id, serial := c.Number()
		n := number{id, serial}
		if id < firstID || id > lastID || m.used[n] {
			t.Fatalf("number %v of %q is not fresh", n, name)
		}
		m.open[name], m.used[n] = n, true
	}
}

func (m *model) Detach(t *rapid.T) {
	s := m.pick(t)
	var want, got []string
	for _, name := range s.names {
		if m.listeners(name) == 1 {
			want = append(want, fmt.Sprint(name, m.open[name]))
			delete(m.open, name)
		}
	}
	if s.end(ErrClosed); !s.detached {
		s.detached, s.names = true, nil
	}
	for _, c := range m.bus.Detach(s.real) {
		got = append(got, fmt.Sprint(c.Channel.Name(), number{c.ID, c.Serial}))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("emptied %q, want %q", got, want)
	}
}

func (m *model) Deliver(t *rapid.T) {
	name := rapid.SampledFrom(modelNames).Draw(t, "name")
	for range rapid.IntRange(1, 30).Draw(t, "burst") {
		m.seq++
		in := say(m.seq)
		in.Payload = append(in.Payload, make([]byte, m.seq%30)...)
		e := modelEntry{name: name, seq: m.seq, size: len(in.ID) + len(in.Payload), state: "queued"}
		var want Took
		for _, s := range m.subs {
			if slices.Contains(s.names, name) {
				took := s.offer(e)
				want.Subscribers += took.Subscribers
				want.Enqueued += took.Enqueued
				want.Dropped += took.Dropped
			}
		}
		if got := m.bus.Channel(name).Deliver(in); got != want {
			t.Fatalf("took %+v, want %+v", got, want)
		}
	}
}

func (m *model) Read(t *rapid.T) {
	s := m.pick(t)
	dst := make([]Message, rapid.IntRange(1, 50).Draw(t, "batch"))
	want := s.take(len(dst))
	n, err := s.real.Batch(over, dst)
	for _, got := range dst[:n] {
		if len(got.Payload) != 8+int(got.Seq%30) || got.ID != fmt.Sprint("id-", got.Seq) {
			t.Fatalf("message %d came as %+v", got.Seq, got)
		}
	}
	if got := marks(dst[:n]); !slices.Equal(got, want) {
		t.Fatalf("read %q, want %q", got, want)
	}
	if s.err != nil && n == 0 && err != s.err {
		t.Fatalf("got %v, want %v", err, s.err)
	}
}

func (m *model) Close(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
		t.Skip("not now")
	}
	m.closed = true
	for _, s := range m.subs {
		if s.err == nil {
			s.err = ErrClosed
		}
	}
	m.bus.Close()
}

// Check compares all that can be asked.
func (m *model) Check(t *rapid.T) {
	queued := map[string]int{}
	for i, s := range m.subs {
		offered, taken, dropped, left := checkLaw(t, s.real)
		at, _ := s.queued()
		if offered != uint64(len(s.log)) || taken != s.count("taken") || dropped != s.count("dropped") || left != len(at) {
			t.Fatalf("subscriber %d: offered %d, taken %d, dropped %d, queued %d; the log has %d, %d, %d, %d", i,
				offered, taken, dropped, left, len(s.log), s.count("taken"), s.count("dropped"), len(at))
		}
		for _, j := range at {
			queued[s.log[j].name]++
		}
	}
	checkCounters(t, m.bus, nil)
	for _, name := range modelNames {
		i, _ := m.bus.Info(name)
		if i.Queued != queued[name] || i.Subscribers != m.listeners(name) {
			t.Fatalf("%s is %+v, want %d queued for %d", name, i, queued[name], m.listeners(name))
		}
		if n, ok := m.open[name]; ok && m.bus.Lookup(n.id, n.serial) != m.bus.Channel(name) {
			t.Fatalf("number %v does not lead to %q", n, name)
		}
	}
	if open := len(m.bus.numbers.open); open != len(m.open) {
		t.Fatalf("%d numbers are open, want %d", open, len(m.open))
	}
}

// TestModel compares the bus with the model after each of many random steps.
// More with -rapid.checks and -rapid.steps.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{bus: New(Options{}), open: map[string]number{}, used: map[number]bool{}}
		for range 4 { // so that there is something to do from the start
			m.NewSubscriber(t)
			m.Attach(t)
		}
		t.Repeat(map[string]func(*rapid.T){
			"new":     m.NewSubscriber,
			"attach":  m.Attach,
			"attach2": m.Attach, // twice as likely
			"detach":  m.Detach,
			"deliver": m.Deliver,
			"more":    m.Deliver,
			"read":    m.Read,
			"close":   m.Close,
			"":        m.Check,
		})
	})
}

// TestRing holds the ring against a slice, with shrinking at any time.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r ring
		var want []uint64
		next := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				for range rapid.IntRange(1, 40).Draw(t, "n") {
					next++
					r.push(&entry{seq: next, data: "abc"}, 0)
					want = append(want, next)
				}
			},
			"pop": func(t *rapid.T) {
				for range min(len(want), rapid.IntRange(1, 60).Draw(t, "n")) {
					if got := r.front().seq; got != want[0] {
						t.Fatalf("front is %d, want %d", got, want[0])
					}
					r.pop()
					want = want[1:]
				}
			},
			"shrink": func(t *rapid.T) {
				if long := r.shrink(); long != (len(r.slots) > minRing) {
					t.Fatalf("%d slots are long: %t", len(r.slots), long)
				}
			},
			"": func(t *rapid.T) {
				if r.n != len(want) || r.bytes != 3*len(want) || r.n > len(r.slots) {
					t.Fatalf("%d entries with %d bytes in %d slots, want %d", r.n, r.bytes, len(r.slots), len(want))
				}
				for i, seq := range want {
					if got := r.at(i).seq; got != seq {
						t.Fatalf("entry %d is %d, want %d", i, got, seq)
					}
				}
				for i := r.n; i < len(r.slots); i++ {
					if r.slots[(r.head+i)&(len(r.slots)-1)] != (entry{}) {
						t.Fatal("a free slot holds on to its message")
					}
				}
			},
		})
	})
}
