package links

import (
	"context"
	"fmt"
	"testing"

	"github.com/liminal-bus/liminal/internal/dist"
)

func kinds() map[string][]bool {
	return map[string][]bool{
		"name, name": {true, true}, "label, label": {false, false},
		"name, label": {true, false}, "label, name": {false, true},
	}
}

// F17: two nodes dial each other at the same moment: whatever the order, there is
// one link, the first that either ever has.
func TestSimultaneousEveryOrder(t *testing.T) {
	for name, byName := range kinds() {
		t.Run(name, func(t *testing.T) {
			n := everyOrder(t, script{from: []int{0, 1}, byName: byName}, func(p *play) {
				p.flawless(t)
				if p.hungUp > 0 {
					p.fail(t, "a dial was hung up on as if the cookies differed")
				}
			})
			t.Logf("%d orders", n)
			if n < 100 {
				t.Errorf("only %d orders", n)
			}
		})
	}
}

// F17: the dialler of one handshake gives up at any moment: still both nodes end up
// with the same link or both with none, and then the next dial gets through.
func TestSimultaneousAndOneGivesUp(t *testing.T) {
	for name, byName := range kinds() {
		t.Run(name, func(t *testing.T) {
			linked, none := 0, 0
			random(t, 4000, script{from: []int{0, 1}, byName: byName, faulty: true}, func(p *play) {
				if p.settled(t) {
					linked++
					return
				}
				none++
				p.recovers(t)
			})
			if linked == 0 || none == 0 {
				t.Errorf("%d plays ended with a link, %d without: one of them was never tried", linked, none)
			}
		})
	}
}

// recovers dials once more, all by itself.
func (p *play) recovers(t testing.TB) {
	t.Helper()
	again := newPlay(t, script{from: []int{1}, byName: []bool{true}})
	s := again.shakes[0]
	s.p, s.i.p, s.r.p = p, p, p
	s.i.on, s.i.peer, s.r.on, s.r.peer = p.nodes[1], p.nodes[0], p.nodes[0], p.nodes[1]
	p.shakes = append(p.shakes, s)
	p.run(t, func(int) int { return 0 })
	if !p.settled(t) {
		p.fail(t, "the next dial failed")
	}
}

// F17: a dialler that has stood back too long goes on, and still nothing is made
// twice.
func TestSimultaneousWithoutPatience(t *testing.T) {
	for name, byName := range kinds() {
		t.Run(name, func(t *testing.T) {
			everyOrder(t, script{from: []int{0, 1}, byName: byName, hasty: true}, func(p *play) { p.flawless(t) })
		})
	}
}

// Each node dials the other under several addresses at once.
func TestManyDialsOfOnePeer(t *testing.T) {
	s := script{from: []int{0, 1, 0, 1, 0}, byName: []bool{false, false, true, true, false}}
	random(t, 4000, s, func(p *play) { p.flawless(t) })
}

// One node still holds a link that the other has lost: it is replaced by the
// dial of the one that knows, whatever the holder dials meanwhile.
func TestStaleLinkIsReplaced(t *testing.T) {
	for name, byName := range kinds() {
		for _, old := range []stale{{0, false}, {0, true}, {1, false}, {1, true}} {
			t.Run(fmt.Sprintf("%s, %+v", name, old), func(t *testing.T) {
				everyOrder(t, script{from: []int{0, 1}, byName: byName, stale: &old}, func(p *play) {
					if !p.settled(t) {
						p.fail(t, "no link")
					}
					holder, other := p.nodes[old.holder], p.nodes[1-old.holder]
					row, _ := holder.Lookup(other.name())
					if row.Generation != 2 || other.log.ups() != 1 {
						p.fail(t, "generation %d", row.Generation)
					}
				})
			})
		}
	}
}

// A dial by name whose own name is not out yet is unknown to the peer: the
// peer's handshake is taken, whoever is greater, and the dial stands back.
func TestDialStandsBackForInbound(t *testing.T) {
	for _, peer := range []string{"a@h", "z@h"} {
		e := bare(t, "m@h", 1, nil)
		out := e.newAttempt(context.Background(), testAddr)
		out.outgoing, out.want, out.name = true, peer, peer
		if err := e.reserve(out); err != nil {
			t.Fatal(err)
		}
		in := e.newAttempt(context.Background(), testAddr)
		in.conn = handConn{h: &half{}}
		h := dist.Hello{Name: peer, Creation: 9}
		if s := in.admit(h); s != dist.StatusOK {
			t.Errorf("%s is answered %v while our dial connects", peer, s)
		}
		wait, err := out.mayName(true)
		if wait == nil || err != nil {
			t.Errorf("our name goes out to %s while its own handshake is under way", peer)
		}
		if _, err := in.install(greetings(h).remote()); err != nil {
			t.Fatal(err)
		}
		if context.Cause(out.ctx) != ErrUp || e.out[peer] != nil {
			t.Errorf("the dial goes on although %s is up: %v", peer, context.Cause(out.ctx))
		}
		out.leave()
		e.wg.Done()
		e.Close(dist.ReasonStopped)
	}
}

// S7: once our digest is out, a hello of the same name cannot end our dial; nor
// can any before that, whatever creation it claims.
func TestHelloCannotEndDial(t *testing.T) {
	e := bare(t, "a@h", 1, nil)
	out := e.newAttempt(context.Background(), testAddr)
	out.outgoing, out.want, out.name = true, "z@h", "z@h"
	if err := e.reserve(out); err != nil {
		t.Fatal(err)
	}
	if wait, err := out.mayName(true); wait != nil || err != nil {
		t.Fatal(wait, err)
	}
	for _, tt := range []struct {
		creation uint32
		want     dist.Status
		proving  bool
	}{
		{9, dist.StatusOKSimultaneous, false},
		{8, dist.StatusOKSimultaneous, false},
		{9, dist.StatusNOK, true},
		{8, dist.StatusOK, true}, // another life: no crossing
	} {
		if tt.proving && !out.proving {
			out.creation = 9
			if wait, _ := out.mayProve(dist.Hello{Name: "z@h", Creation: 9}, true); wait == nil {
				t.Error("our digest goes out while the greater name is at it")
			}
			if wait, err := out.mayProve(dist.Hello{Name: "z@h", Creation: 9}, false); wait != nil || err != nil {
				t.Fatal(wait, err)
			}
		}
		in := e.newAttempt(context.Background(), testAddr)
		if s := in.admit(dist.Hello{Name: "z@h", Creation: tt.creation}); s != tt.want {
			t.Errorf("%+v: answered %v", tt, s)
		}
		defer in.leave()
	}
	if err := context.Cause(out.ctx); err != nil {
		t.Errorf("the dial was ended by claims: %v", err)
	}
	out.leave()
	e.wg.Done()
}
