package pg_test

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/liminal-bus/liminal/internal/etf"
)

// game is one random sequence of steps, made along the model: mostly what an
// honest peer would send, sometimes what no peer should. It ends when the model
// dies.
type game struct {
	rng         *rand.Rand
	there, here []etf.Pid
	model       *otp25
	steps       etf.List
}

func newGame(rng *rand.Rand, pids []etf.Pid) *game {
	g := &game{rng: rng, there: pids[:4], here: pids[4:]}
	g.model = newOTP25(etf.Pid{Node: pids[4].Node, ID: 1 << 20, Creation: pids[4].Creation})
	bad := []int{0, 6, 12, 25}[rng.IntN(4)] // of a hundred steps
	if rng.IntN(20) == 0 {
		g.confuse()
	}
	for n := rng.IntN(60); len(g.steps) < n && g.model.crashed == ""; {
		switch roll := rng.IntN(100); {
		case roll < bad:
			g.info(g.badMessage())
		case roll < bad+bad/6:
			g.wrong()
		default:
			g.goodStep()
		}
	}
	return g
}

func (g *game) String() string {
	lines := make([]string, len(g.steps))
	for i, s := range g.steps {
		lines[i] = text(s)
	}
	return strings.Join(lines, "\n")
}

func (g *game) info(msg etf.Term) {
	g.steps = append(g.steps, etf.Tuple{etf.Atom("info"), msg})
	g.model.receive(msg)
}

var gameGroups = []etf.Term{etf.Atom("g"), etf.Binary("g"), int64(1), etf.Tuple{etf.Atom("a"), etf.List{int64(98)}}, etf.List{}, etf.Atom("h")}

func pick[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }

func (g *game) group() etf.Term { return pick(g.rng, gameGroups) }
func (g *game) scope() etf.Pid  { return pick(g.rng, g.there[:2]) }
func (g *game) member() etf.Pid { return pick(g.rng, g.there) }
func (g *game) members() etf.Term {
	l := etf.List{}
	for range 1 + g.rng.IntN(3) {
		l = append(l, g.member())
	}
	return l
}

func (g *game) pidOrPids() etf.Term {
	if g.rng.IntN(2) == 0 {
		return g.member()
	}
	return g.members()
}

func (g *game) goodStep() {
	switch g.rng.IntN(12) {
	case 0, 1:
		g.info(etf.Tuple{etf.Atom("discover"), g.scope()})
	case 2:
		g.info(syncOf(g.scope(), g.syncGroups()))
	case 3, 4, 5:
		g.info(etf.Tuple{etf.Atom("join"), g.scope(), g.group(), g.pidOrPids()})
	case 6, 7:
		g.goodLeave()
	case 8:
		g.local("join")
	case 9:
		g.local("leave")
	case 10:
		g.down()
	default:
		g.info(pick(g.rng, []etf.Term{
			etf.Tuple{etf.Atom("nodeup"), g.there[0].Node}, etf.Tuple{etf.Atom("nodeup"), g.here[0].Node},
			etf.Tuple{etf.Atom("nodedown"), g.there[0].Node},
		}))
	}
}

func syncOf(scope, groups etf.Term) etf.Term {
	return etf.Tuple{etf.Atom("$gen_cast"), etf.Tuple{etf.Atom("sync"), scope, groups}}
}

func (g *game) syncGroups() etf.List {
	l := etf.List{}
	for _, i := range g.rng.Perm(len(gameGroups))[:g.rng.IntN(len(gameGroups))] {
		l = append(l, etf.Tuple{gameGroups[i], g.members()})
	}
	return l
}

// goodLeave takes members the peer has; it may be unknown or have none.
func (g *game) goodLeave() {
	scope := g.scope()
	k := g.model.remote[keyOf(scope)]
	if k == nil {
		g.info(etf.Tuple{etf.Atom("leave"), scope, g.pidOrPids(), etf.List{g.group()}})
		return
	}
	for _, key := range sortedKeys(k.groups) {
		pids, ok := k.groups[key].pids.(etf.List)
		if !ok || len(pids) == 0 || g.rng.IntN(2) == 0 {
			continue
		}
		var who etf.Term = pick(g.rng, pids)
		if g.rng.IntN(2) == 0 {
			who = concat(pids[:1+g.rng.IntN(len(pids))], nil)
		}
		g.info(etf.Tuple{etf.Atom("leave"), scope, who, etf.List{k.groups[key].group}})
		return
	}
}

func sortedKeys[V any](m map[string]V) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (g *game) local(what string) {
	var who etf.Term = pick(g.rng, g.here)
	if g.rng.IntN(3) == 0 {
		l := etf.List{}
		for range g.rng.IntN(4) {
			l = append(l, pick(g.rng, g.here))
		}
		who = l
	}
	group := g.group()
	g.steps = append(g.steps, etf.Tuple{etf.Atom(what), group, who})
	if what == "join" {
		g.model.join(group, who)
	} else {
		g.model.leave(group, who)
	}
}

// down is the end of a monitor, of one that is or of one that is not.
func (g *game) down() {
	pid := pick(g.rng, append(slices.Clone(g.there), g.here...))
	ref := uint64(0)
	if k := g.model.remote[keyOf(pid)]; k != nil {
		ref = k.ref
	} else if l := g.model.local[keyOf(pid)]; l != nil {
		ref = l.ref
	}
	g.steps = append(g.steps, etf.Tuple{etf.Atom("down"), pid})
	g.model.down(ref, pid)
}

// wrong is the end of a monitor that is not the one of its process.
func (g *game) wrong() {
	pid := pick(g.rng, append(slices.Clone(g.there[:2]), g.here...))
	g.steps = append(g.steps, etf.Tuple{etf.Atom("wrong"), pid})
	g.model.down(1<<32, pid)
}

// confuse lets one peer take the member of another out of the table.
func (g *game) confuse() {
	a, b, group := g.there[0], g.there[1], g.group()
	x, y := etf.List{g.there[2]}, etf.List{g.there[3]}
	g.info(syncOf(a, etf.List{etf.Tuple{group, x}}))
	g.info(syncOf(b, etf.List{etf.Tuple{group, x}}))
	g.info(etf.Tuple{etf.Atom("leave"), b, concat(x, x), etf.List{group}})
	if g.rng.IntN(2) == 0 {
		g.info(syncOf(a, etf.List{etf.Tuple{group, y}}))
	}
}

// badMessage is what must not be sent; some of it is borne all the same.
func (g *game) badMessage() etf.Term {
	return pick(g.rng, badMessages)(g)
}

// odd is no pid and no proper list of pids.
func (g *game) odd() etf.Term {
	return pick(g.rng, []etf.Term{
		etf.Atom("no_such_name"), int64(7), etf.Binary("pid"), etf.List{}, etf.Tuple{},
		etf.ImproperList{Head: []etf.Term{g.member()}, Tail: etf.Atom("x")},
		etf.ImproperList{Head: []etf.Term{g.member(), g.member()}, Tail: g.member()},
		etf.List{etf.Atom("x")}, etf.List{etf.List{g.member()}},
	})
}

// leaveOfNoList has odd groups, of a scope that is known if there is one.
func (g *game) leaveOfNoList() etf.Term {
	var scope etf.Term = g.scope()
	for _, key := range sortedKeys(g.model.remote) {
		scope = g.model.remote[key].scope
	}
	return etf.Tuple{etf.Atom("leave"), scope, g.pidOrPids(), g.odd()}
}

var badMessages = []func(*game) etf.Term{
	func(g *game) etf.Term { return g.odd() },
	func(g *game) etf.Term { return etf.Tuple{etf.Atom("discover"), g.scope(), int64(1)} },
	func(g *game) etf.Term { return etf.Tuple{etf.Atom("discover"), g.odd()} },
	func(g *game) etf.Term { return etf.Tuple{etf.Atom("update"), g.scope(), etf.List{}} },
	func(g *game) etf.Term { return etf.Tuple{etf.Atom("$gen_cast"), g.odd()} },
	func(g *game) etf.Term { return etf.Tuple{etf.Atom("sync"), g.scope(), etf.List{}} },
	func(g *game) etf.Term { return syncOf(g.odd(), g.syncGroups()) },
	func(g *game) etf.Term { return syncOf(g.scope(), g.odd()) },
	func(g *game) etf.Term { return syncOf(g.scope(), etf.List{etf.Tuple{g.group(), g.odd()}}) },
	func(g *game) etf.Term { return syncOf(g.scope(), etf.List{etf.Tuple{g.group(), g.member()}}) },
	func(g *game) etf.Term { return syncOf(g.scope(), etf.List{etf.Tuple{g.group()}}) },
	func(g *game) etf.Term { return syncOf(g.scope(), concat(g.syncGroups(), g.syncGroups())) }, // twice
	func(g *game) etf.Term { return etf.Tuple{etf.Atom("join"), g.odd(), g.group(), g.member()} },
	func(g *game) etf.Term { return etf.Tuple{etf.Atom("join"), g.scope(), g.group(), g.odd()} },
	func(g *game) etf.Term { return etf.Tuple{etf.Atom("join"), g.scope(), g.group()} },
	func(g *game) etf.Term {
		return etf.Tuple{etf.Atom("leave"), g.scope(), g.pidOrPids(), etf.List{g.group()}}
	},
	func(g *game) etf.Term { return etf.Tuple{etf.Atom("leave"), g.scope(), g.odd(), etf.List{g.group()}} },
	(*game).leaveOfNoList,
	func(g *game) etf.Term {
		return etf.Tuple{etf.Atom("leave"), g.scope(), g.members(), etf.List{g.group(), g.group()}}
	},
	(*game).leaveOfNoList, (*game).leaveOfNoList,
	func(g *game) etf.Term { return etf.Tuple{etf.Atom("nodeup"), int64(1)} },
	func(g *game) etf.Term { return etf.Tuple{etf.Atom("DOWN"), g.scope()} },
}
