package node

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

// entries is an answer to peers with names made of a prefix and numbers.
func entries(prefix string, count int) []byte {
	b := etf.AppendListHeader(nil, count)
	for i := range count {
		b = append(b, entry(fmt.Sprintf("%s%d@127.0.0.1", prefix, i), "127.0.0.1", int64(1+i%65535))...)
	}
	return etf.AppendNil(b)
}

func entry(name, host string, port int64) []byte {
	b := append(etf.AppendTuple(nil, 4), binaryTerm(name)...)
	b = append(append(b, binaryTerm(host)...), integer(port)...)
	return append(b, atom("liminal")...)
}

// answerTo is a peer's answer to our question of that number.
func answerTo(n *Node, id uint64, result []byte) []byte {
	return append(etf.AppendRef(etf.AppendTuple(nil, 2), n.ref(id)), result...)
}

// toPid hands a message to the node as one for the pid of liminal.
func toPid(n *Node, l *dist.Link, msg []byte) { handler{n}.Send(l, etf.PidView{ID: selfID}, msg) }

func TestAnswersToPeers(t *testing.T) {
	list := func(es ...[]byte) []byte {
		b := etf.AppendListHeader(nil, len(es))
		for _, e := range es {
			b = append(b, e...)
		}
		return etf.AppendNil(b)
	}
	good := entry("c@127.0.0.1", "127.0.0.1", 4370)
	newer := append(etf.AppendTuple(nil, 6), append(good[2:len(good):len(good)], append(atom("more"), mapping()...)...)...)
	for _, c := range []struct {
		name     string
		result   []byte
		peers    int // b and what was told
		bad      bool
		refused  uint64
		tellsOne bool
	}{
		{"one", list(good), 2, false, 0, true},
		{"of a newer version", list(newer), 2, false, 0, true},
		{"none", etf.AppendNil(nil), 1, false, 0, false},
		{"ourselves", list(entry("a@127.0.0.1", "127.0.0.1", 1)), 1, false, 0, false},
		{"the peer itself", list(entry("b@127.0.0.1", "127.0.0.1", 1)), 1, false, 0, false},
		{"by name alone", list(entry("c@127.0.0.1", "", 0)), 2, false, 0, false},
		{"of the other name form", list(entry("c@short", "127.0.0.1", 1)), 1, false, 1, false},
		{"not a name", list(entry("\x1b[2J@127.0.0.1", "127.0.0.1", 1)), 1, false, 1, false},
		{"host that is none", list(entry("c@127.0.0.1", "a b", 1)), 2, false, 1, false},
		{"port too high", list(entry("c@127.0.0.1", "127.0.0.1", 65536)), 1, true, 0, false},
		{"entry too short", list(append(etf.AppendTuple(nil, 1), binaryTerm("c@127.0.0.1")...)), 1, true, 0, false},
		{"no list", atom("ok"), 1, true, 0, false},
		{"good, then bad", list(good, atom("x")), 2, true, 0, true},
	} {
		n, l := linkedNode(t) // has asked question 1
		toPid(n, l, answerTo(n, 1, c.result))
		if got := len(n.peers); got != c.peers {
			t.Errorf("%s: %d peers, want %d", c.name, got, c.peers)
		}
		if got := n.counts.badMessage.Load() == 1; got != c.bad {
			t.Errorf("%s: bad is %t", c.name, got)
		}
		if got := n.counts.toldRefused.Load(); got != c.refused {
			t.Errorf("%s: %d told refused, want %d", c.name, got, c.refused)
		}
		if got := n.resolver.Stats().Told == 1; got != c.tellsOne {
			t.Errorf("%s: told is %t", c.name, got)
		}
		if len(n.calls) != 0 {
			t.Errorf("%s: the question is still out", c.name)
		}
	}
}

// Answers that nobody asked for, asked of somebody else, or given twice.
func TestAnswersUnasked(t *testing.T) {
	n, l := linkedNode(t)
	other := idleLink(t, n, "c@127.0.0.1")
	known := len(n.peers)
	toPid(n, l, answerTo(n, 2, entries("x", 3))) // question 2 went to c
	toPid(n, l, answerTo(n, 99, entries("x", 3)))
	if len(n.peers) != known || n.counts.lateAnswers.Load() != 2 {
		t.Errorf("%d peers, %d late answers", len(n.peers)-known, n.counts.lateAnswers.Load())
	}
	toPid(n, other, answerTo(n, 2, entries("x", 3)))
	toPid(n, other, answerTo(n, 2, entries("y", 3)))
	if len(n.peers) != known+3 || n.counts.lateAnswers.Load() != 3 {
		t.Errorf("%d peers, %d late answers", len(n.peers)-known, n.counts.lateAnswers.Load())
	}
}

// A cookie holder who lies as much as it can: the tables stay bounded.
func TestHostilePeerIsBounded(t *testing.T) {
	n, l := linkedNode(t)
	for round := range 12 {
		n.mu.Lock()
		id := n.lastRef
		n.mu.Unlock()
		toPid(n, l, answerTo(n, id, entries(fmt.Sprintf("r%d-", round), maxTold+100)))
		n.ask(l, "b@127.0.0.1", callPeers)
		for _, msg := range [][]byte{
			encodeHello(fmt.Sprintf("h%d", round), 1),
			tuple("peers", integer(1), entries(fmt.Sprintf("p%d-", round), maxTold)),
		} {
			if err := n.deliver(l, msg); err != nil {
				t.Fatal(err)
			}
		}
	}
	stats := n.resolver.Stats()
	if stats.Told > 1024 || stats.ToldDropped == 0 {
		t.Errorf("told addresses: %+v", stats)
	}
	if len(n.peers) > 1025 || n.plan.Stats().Targets > 1024 || n.Status().Counters["told_refused"] == 0 {
		t.Errorf("%d peers, plan %+v", len(n.peers), n.plan.Stats())
	}
}

func TestCallsAreBounded(t *testing.T) {
	n, l := linkedNode(t)
	const more = 10
	n.mu.Lock()
	for i := range maxCalls - len(n.calls) {
		n.calls[uint64(1000+i)] = &call{link: l, until: time.Now().Add(callTime)}
	}
	n.mu.Unlock()
	for range more {
		n.ask(l, "b@127.0.0.1", callPeers)
	}
	if len(n.calls) != maxCalls || n.counts.callsRefused.Load() != more {
		t.Errorf("%d calls out, %d refused", len(n.calls), n.counts.callsRefused.Load())
	}
	n.expireCalls(time.Now())
	if len(n.calls) != maxCalls {
		t.Error("calls expired early")
	}
	n.expireCalls(time.Now().Add(callTime + time.Second))
	if len(n.calls) != 0 || n.counts.callsExpired.Load() != maxCalls {
		t.Errorf("%d calls out, %d expired", len(n.calls), n.counts.callsExpired.Load())
	}
	n.ask(l, "b@127.0.0.1", callPeers)
	l.Close(dist.ReasonEOF, nil)
	if len(n.calls) != 0 {
		t.Error("calls outlive their link")
	}
}

// More names than the table keeps rows for come and go: what the node remembers
// of them goes with the rows.
func TestNamesOfDroppedRowsAreForgotten(t *testing.T) {
	n, _ := linkedNode(t)
	for i := range 50 {
		l := idleLink(t, n, fmt.Sprintf("n%d@127.0.0.1", i)) // never in the table, as if dropped from it
		l.Close(dist.ReasonEOF, nil)
		n.record(l.Remote().Name).setState(StateDown, time.Now())
	}
	n.forgetOld(time.Now())
	if len(n.peers) != 1 {
		t.Errorf("%d peers are remembered", len(n.peers))
	}
}

// FuzzDeliver is an authenticated peer that says anything at all.
func FuzzDeliver(f *testing.F) {
	n, _ := linkedNode(f)
	for _, msg := range ourMessages() {
		f.Add(msg)
	}
	f.Add(answerTo(n, 1, entries("x", 3)))
	f.Add(answerTo(n, 2, append(etf.AppendListHeader(nil, 1), append(atom("c@127.0.0.1"), etf.AppendNil(nil)...)...)))
	f.Add(answerTo(n, 3, atom("yes")))
	f.Fuzz(func(t *testing.T, msg []byte) {
		l := idleLink(t, n, "b@127.0.0.1")
		n.mu.Lock()
		clear(n.calls)
		for kind := range callKind(len(questions)) {
			n.calls[uint64(kind)+1] = &call{kind: kind, link: l, peer: "b@127.0.0.1", until: time.Now()}
		}
		n.mu.Unlock()
		toPid(n, l, msg)
		handler{n}.SendName(l, etf.PidView{}, []byte(selfName), msg)
		if told := n.resolver.Stats().Told; told > 1024 || len(n.peers) > 2048 || len(n.calls) > maxCalls {
			t.Errorf("%d told, %d peers, %d calls", told, len(n.peers), len(n.calls))
		}
		for _, p := range n.Peers() {
			if len(p.Version) > maxVersionText || len(p.Name) > 255 || strings.ContainsFunc(p.Version+p.Name, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("shown to people: %q, %q", p.Name, p.Version)
			}
		}
		l.Close(dist.ReasonStopped, nil)
	})
}
