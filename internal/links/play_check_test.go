package links

import (
	"math/rand/v2"
	"testing"
)

// outcome says which handshake is the link of each node, -1 for none.
func (p *play) outcome() (of [2]int) {
	for k, e := range p.nodes {
		of[k] = -1
		row, ok := e.Lookup(p.nodes[1-k].name())
		if !ok || !row.Up {
			continue
		}
		of[k] = -2 // a link of no handshake here
		for n, s := range p.shakes {
			if s.i.link == row.Link || s.r.link == row.Link {
				of[k] = n
			}
		}
	}
	return of
}

// settled is what must hold at the end of every play: both have the same link
// or both none, and no handshake is left behind.
func (p *play) settled(t testing.TB) (linked bool) {
	t.Helper()
	of := p.outcome()
	if of[0] != of[1] || of[0] == -2 {
		p.fail(t, "a has link %d, b has link %d", of[0], of[1])
	}
	for _, e := range p.nodes {
		if len(e.in)+len(e.out)+len(e.dials) > 0 {
			p.fail(t, "%s has attempts left: in %d, out %d, dials %d", e.name(), len(e.in), len(e.out), len(e.dials))
		}
		e.log.checkOrder()
	}
	return of[0] >= 0
}

// flawless: one link, the first that either node ever had.
func (p *play) flawless(t testing.TB) {
	t.Helper()
	if !p.settled(t) {
		p.fail(t, "no link")
	}
	for _, e := range p.nodes {
		notes, _ := e.log.all()
		if len(notes) != 1 || !notes[0].up || notes[0].info.Generation != 1 || e.counts.replaced.Load() != 0 {
			p.fail(t, "%s had %v", e.name(), notes)
		}
	}
}

// everyOrder plays a script in every order, and says how many there were.
func everyOrder(t testing.TB, s script, check func(*play)) int {
	var taken, width []int
	for n := 1; ; n++ {
		p := newPlay(t, s)
		step := 0
		p.run(t, func(w int) int {
			if step == len(taken) {
				taken, width = append(taken, 0), append(width, 0)
			}
			width[step] = w
			step++
			return taken[step-1]
		})
		check(p)
		taken, width = taken[:step], width[:step]
		for len(taken) > 0 && taken[len(taken)-1]+1 == width[len(width)-1] {
			taken, width = taken[:len(taken)-1], width[:len(width)-1]
		}
		if len(taken) == 0 {
			return n
		}
		taken[len(taken)-1]++
	}
}

// random plays a script in n random orders, always the same ones.
func random(t testing.TB, n int, s script, check func(*play)) {
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		p := newPlay(t, s)
		p.run(t, r.IntN)
		check(p)
	}
}
