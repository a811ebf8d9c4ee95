package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/liminal-bus/liminal/internal/control"
)

// truth is a node so simple that it cannot be wrong: who is listed, in which
// state. Its clock moves on with each thing that happens.
type truth struct {
	now    time.Time
	seq    uint64
	boot   int
	states map[string]string
}

func (w *truth) step() time.Time { w.now = w.now.Add(300 * time.Millisecond); return w.now }

func (w *truth) event(typ, name, state string) control.Event {
	w.seq++
	return control.Event{Type: typ, Seq: w.seq, Boot: fmt.Sprint(w.boot), Time: w.step(), Name: name, State: state}
}

// list is the node's answer at this moment. It may arrive later.
func (w *truth) list() control.Peers {
	doc := control.Peers{Node: "a@dev", Time: w.step()}
	for name, state := range w.states {
		doc.Peers = append(doc.Peers, control.Peer{Name: name, State: state, Kind: "liminal"})
	}
	return doc
}

func (w *truth) snapshot() []control.Event {
	at := w.step()
	var list []control.Event
	for name, state := range w.states {
		list = append(list, control.Event{Type: control.EventSnapshotPeer, Seq: w.seq, Boot: fmt.Sprint(w.boot), Time: at, Name: name, State: state})
	}
	return append(list, control.Event{Type: control.EventSnapshotEnd, Seq: w.seq, Boot: fmt.Sprint(w.boot), Time: at})
}

// law is the screen beside the truth.
type law struct {
	truth
	m     model
	lists []control.Peers // under way
}

func (l *law) send(msg tea.Msg) {
	next, _ := l.m.Update(msg)
	l.m = next.(model)
}

func (l *law) events(list ...control.Event) { l.send(eventsMsg{at: l.now, events: list}) }

// TestRowsAreTheTruth: whatever happens, and however late lists arrive, the rows
// are the peers of the node and their states, sorted, each once.
func TestRowsAreTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &law{truth: truth{now: noon, boot: 1, states: map[string]string{}}}
		l.m = newModel(Options{Node: "a@dev"}, newWire(context.Background(), nil, func() time.Time { return noon }))
		l.send(tea.WindowSizeMsg{Width: 80, Height: 24})
		l.events(l.snapshot()...)
		names := []string{"a@x", "b@x", "c@x", "d@x", "e@x", "f@x"}
		name := rapid.SampledFrom(names)
		change := func(t *rapid.T, typ, state string) {
			n := name.Draw(t, "name")
			l.states[n] = state
			l.events(l.event(typ, n, state))
		}
		t.Repeat(map[string]func(*rapid.T){
			"join":    func(t *rapid.T) { change(t, control.EventJoin, stateUp) },
			"rejoin":  func(t *rapid.T) { change(t, control.EventRejoin, stateUp) },
			"down":    func(t *rapid.T) { change(t, control.EventDown, stateDown) },
			"leave":   func(t *rapid.T) { change(t, control.EventLeave, stateLeft) },
			"suspect": func(t *rapid.T) { change(t, control.EventState, stateSuspect) },
			"dial":    func(t *rapid.T) { change(t, control.EventState, stateDialling) },
			"forget": func(t *rapid.T) {
				n := name.Draw(t, "name")
				delete(l.states, n)
				l.events(l.event(control.EventForget, n, ""))
			},
			"sub":  func(t *rapid.T) { l.events(l.event(control.EventSubAdd, name.Draw(t, "name"), "")) },
			"ask":  func(*rapid.T) { l.lists = append(l.lists, l.list()) },
			"list": func(t *rapid.T) { l.answer(t) },
			"gap": func(t *rapid.T) { // this reader missed what happened
				l.states[name.Draw(t, "name")] = stateDown
				delete(l.states, name.Draw(t, "gone"))
				l.seq += 2
				l.events(append([]control.Event{l.event(control.EventGap, "", "")}, l.snapshot()...)...)
			},
			"restart": func(t *rapid.T) {
				l.send(eventsMsg{at: l.now, end: control.ErrStreamEnd})
				l.boot++
				l.seq, l.lists = 0, nil
				clear(l.states)
				l.states[name.Draw(t, "name")] = stateUp
				l.events(append([]control.Event{l.event(control.EventGap, "", "")}, l.snapshot()...)...)
			},
			"sort":    func(*rapid.T) { l.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("s")}) },
			"reverse": func(*rapid.T) { l.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("S")}) },
			"down j":  func(*rapid.T) { l.send(tea.KeyMsg{Type: tea.KeyDown}) },
			"":        func(t *rapid.T) { l.check(t) },
		})
	})
}

// answer brings one of the lists under way, not always the oldest.
func (l *law) answer(t *rapid.T) {
	if len(l.lists) == 0 {
		return
	}
	i := rapid.IntRange(0, len(l.lists)-1).Draw(t, "which")
	doc := l.lists[i]
	l.lists = slices.Delete(l.lists, i, i+1)
	l.step()
	l.send(peersMsg{answer[control.Peers]{at: l.now, doc: doc}, false})
}

func (l *law) check(t *rapid.T) {
	selected := ""
	if r := l.m.selected(); r != nil {
		selected = r.p.Name
	}
	l.step()
	l.send(frameMsg{l.now.Add(frameEvery)})
	got, want := map[string]string{}, l.states
	for i, r := range l.m.lists.peers {
		got[r.p.Name] = r.p.State
		if i > 0 && l.order(l.m.lists.peers[i-1], r) >= 0 {
			t.Fatalf("%s stands before %s", l.m.lists.peers[i-1].p.Name, r.p.Name)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || len(got) != len(l.m.lists.peers) {
		t.Fatalf("%d rows %v, want %v", len(l.m.lists.peers), got, want)
	}
	for name := range want {
		if frame := l.m.View(); !strings.Contains(frame, name) {
			t.Fatalf("%s is not in the frame:\n%s", name, frame)
		}
	}
	if _, there := want[selected]; there && l.m.selected().p.Name != selected {
		t.Fatalf("%s was selected and is there, now it is %s", selected, l.m.selected().p.Name)
	}
}

// order compares as the screen was told to sort.
func (l *law) order(a, b *row) int {
	c := peerOrders[l.m.choice.sort[viewPeers]].cmp(a, b)
	if l.m.choice.back[viewPeers] {
		c = -c
	}
	if c == 0 {
		c = strings.Compare(a.p.Name, b.p.Name)
	}
	return c
}
