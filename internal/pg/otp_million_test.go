package pg_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/pg"
)

func sortedRefs[V any](m map[uint64]V) []uint64 { return slices.Sorted(maps.Keys(m)) }

// S18: A million random steps, each a signal sent or taken, a link or a scope that
// comes or goes: nothing we send ends a scope of OTP 25, whatever links and scopes
// do meanwhile, and whenever all is quiet both sides hold of each other just what
// there is.
func TestMillionSteps(t *testing.T) {
	steps := 1_000_000
	switch {
	case testing.Short():
		steps = 60_000
	case underRace:
		steps = 100_000
	}
	seed := otpSeed(t)
	for i, visible := range []bool{true, false} {
		name := map[bool]string{true: "visible", false: "hidden"}[visible]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w *world
			fatal := func(format string, args ...any) {
				t.Helper()
				t.Fatalf(format+"\n%s", append(args, w.history())...)
			}
			w = newWorld(fatal, rand.New(rand.NewPCG(seed, uint64(i))), 4, visible)
			rests := 0
			for w.events < steps/2 {
				for i := range w.slow {
					w.slow[i] = pick(w.rng, []int{1, 1, 4, 20})
				}
				for until := w.events + w.rng.IntN(2000); w.events < until; {
					w.step()
				}
				w.rest()
				rests++
			}
			sum := w.totals()
			t.Logf("%d steps, %d times at rest: %v", w.events, rests, sum)
			w.checkTotals(sum, steps/2)
		})
	}
}

// checkTotals holds the run to having met what it is for, and our scope to
// refusing nothing of it.
func (w *world) checkTotals(sum map[string]uint64, steps int) {
	for _, name := range []string{"pg_syncs", "pg_syncs_sent", "pg_joins", "pg_joins_sent", "pg_leaves", "pg_leaves_sent", "pg_downs", "pg_stale"} {
		if sum[name] < uint64(steps/1000) {
			w.fatal("%s is only %d after %d steps", name, sum[name], steps)
		}
	}
	for _, name := range []string{"pg_unknown", "pg_bad", "pg_forged", "pg_quota", "pg_refused"} {
		if n, ok := sum[name]; n > 0 || !ok {
			w.fatal("%s is %d, counted %t", name, n, ok)
		}
	}
}

// share is a kind of step and how often it comes.
type share struct {
	weight int
	do     func(*world, *node)
}

var shares = []share{ // the first three are traffic
	{220, (*world).arrive},
	{220, (*world).work},
	{220, (*world).hear},
	{60, func(w *world, _ *node) { w.ourChange() }},
	{60, (*world).theirChange},
	{30, func(w *world, _ *node) { w.tick() }},
	{20, (*world).greet},
	{8, (*world).flip},
	{4, (*world).flap},
	{4, (*world).kill},
	{8, (*world).revive},
	{1, (*world).reboot},
	{1, func(w *world, _ *node) { w.restart() }},
	{5, func(w *world, _ *node) { w.hearLate() }},
}

func (w *world) step() {
	total := 0
	for i := range shares {
		total += w.weight(i)
	}
	roll := w.rng.IntN(total)
	for i, s := range shares {
		if roll -= w.weight(i); roll < 0 {
			s.do(w, pick(w.rng, w.nodes))
			return
		}
	}
}

// weight makes queues and mailboxes long where traffic is slow.
func (w *world) weight(i int) int {
	if i < len(w.slow) {
		return shares[i].weight / w.slow[i]
	}
	return shares[i].weight
}

// restart ends our own node and begins its next life.
func (w *world) restart() {
	if w.rng.IntN(4) > 0 {
		return
	}
	for _, n := range w.nodes {
		if n.link != 0 {
			w.linkDown(n)
		}
	}
	w.counts = w.totals()
	w.begin()
	w.note(nil, "we begin as", w.me)
}

func (w *world) flip(n *node) {
	if n.link == 0 {
		w.linkUp(n)
	} else {
		w.linkDown(n)
	}
}

// flap is over before the scope there has looked into its mailbox.
func (w *world) flap(n *node) {
	if n.link != 0 {
		w.linkDown(n)
		w.linkUp(n)
	}
}

func (w *world) reboot(n *node) {
	if n.link != 0 {
		w.linkDown(n)
	}
	w.note(n, "boots", etf.Atom(""))
	w.boot(n)
}

var worldGroups = []etf.Term{
	etf.Binary("a"), etf.Binary("b"), etf.Binary("c"), etf.Atom("a"), etf.Atom("b"),
	etf.Tuple{etf.Atom("a"), int64(1)}, int64(1), etf.List{}, etf.Binary("d"),
}

// ourChange: we join and leave what channels can name, and leave what we are not in.
func (w *world) ourChange() {
	name := pick(w.rng, []string{"a", "b", "c", "d", ":a", ":b", ":c"})
	k, err := pg.ChannelKey(name)
	if err != nil {
		w.fatal("%s: %v", name, err)
	}
	if w.rng.IntN(2) == 0 {
		delete(w.local, k)
		w.route(w.us.Leave(k))
		return
	}
	w.pids++
	pid := etf.Pid{Node: w.me.Node, ID: 1000 + w.pids, Creation: w.me.Creation}
	w.route(w.us.Join(k, pid))
	w.local[k] = pid
}

// theirChange is pg:join, pg:leave, of one process or a list, or the end of one.
func (w *world) theirChange(n *node) {
	if n.scope == nil {
		return
	}
	var who etf.Term = pick(w.rng, n.procs)
	if w.rng.IntN(4) == 0 {
		l := etf.List{}
		for range w.rng.IntN(4) {
			l = append(l, pick(w.rng, n.procs))
		}
		who = l
	}
	switch group := pick(w.rng, worldGroups); w.rng.IntN(9) {
	case 0:
		w.exit(n, w.rng.IntN(len(n.procs)))
	case 1, 2, 3, 4:
		n.scope.join(group, who)
	default:
		n.scope.leave(group, who)
	}
	w.drain(n)
}

func (w *world) exit(n *node, i int) {
	if l := n.scope.local[keyOf(n.procs[i])]; l != nil {
		n.scope.down(l.ref, n.procs[i])
	}
	n.procs[i] = n.pid()
}

// rest brings all up, lets everything arrive, and compares.
func (w *world) rest() {
	w.hearLate()
	for _, n := range w.nodes {
		w.revive(n)
		if n.link == 0 {
			w.linkUp(n)
		}
		w.greet(n)
	}
	w.settle()
	for range 30 { // past the longest pause between two questions
		w.now += 250
		w.route(w.us.Tick(w.now))
		w.settle()
	}
	for _, n := range w.nodes {
		w.theirView(n)
		w.ourView(n)
	}
	w.noOthers()
}

func (w *world) settle() {
	for busy := true; busy; {
		busy = false
		for _, n := range w.nodes {
			for len(n.toThem)+len(n.toUs)+len(n.inbox) > 0 {
				busy = true
				w.arrive(n)
				w.work(n)
				w.hear(n)
			}
		}
	}
}

// theirView: our members as the node holds them, by scope and in the table.
func (w *world) theirView(n *node) {
	k := n.scope.remote[keyOf(w.me)]
	switch {
	case k == nil:
		w.fatal("%s does not know us", n.origin.Node)
	case len(n.scope.remote) != 1 || len(k.groups) != len(w.local):
		w.fatal("%s knows %d scopes, and %d groups of ours of %d", n.origin.Node, len(n.scope.remote), len(k.groups), len(w.local))
	}
	for key, pid := range w.local {
		if h := k.groups[string(key)]; h == nil || !isOne(h.pids, pid) {
			w.fatal("%s holds %+v of us in %x, not %v", n.origin.Node, h, key, pid)
		}
	}
	for key, r := range n.scope.table {
		var ours, want etf.List
		for _, p := range r.all.(etf.List) {
			if p.(etf.Pid).Node == w.me.Node {
				ours = append(ours, p)
			}
		}
		if pid, in := w.local[pg.Key(key)]; in {
			want = etf.List{pid}
		}
		if !same(ours, want) {
			w.fatal("the table of %s has %s of us in %x, not %s", n.origin.Node, text(ours), key, text(want))
		}
	}
}

// ourView: the node's members as we hold them.
func (w *world) ourView(n *node) {
	want := map[pg.Key]etf.List{}
	for _, l := range n.scope.local {
		for _, g := range l.groups {
			k := pg.Key(keyOf(g))
			want[k] = append(want[k], l.pid)
		}
	}
	if !w.us.Known(n.link) {
		w.fatal("we do not know %s", n.origin.Node)
	}
	for ref, who := range n.watched {
		if len(n.watched) != 1 || who != n.scope.self {
			w.fatal("our monitor %d at %s is of %v, one of %d", ref, n.origin.Node, who, len(n.watched))
		}
	}
	if got := w.us.PeerGroups(n.link); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		w.fatal("%s is in %q, not in %q", n.origin.Node, got, slices.Sorted(maps.Keys(want)))
	}
	for k, pids := range want {
		got := etf.List{}
		for _, target := range w.us.Remote(k, nil) {
			if target.Link == n.link {
				got = append(got, target.Pid)
			}
		}
		if len(got) != len(pids) || len(subtracted(got, pids).(etf.List)) > 0 {
			w.fatal("%s has %s in %x, not %s", n.origin.Node, text(got), k, text(pids))
		}
	}
}

// noOthers: what we hold is of links that are up, and our own is as we left it.
func (w *world) noOthers() {
	if w.us.Local() != len(w.local) {
		w.fatal("%d members of ours, not %d", w.us.Local(), len(w.local))
	}
	for _, g := range w.us.Groups() {
		if _, in := w.local[g.Key]; in != g.Local {
			w.fatal("%x is ours: %t", g.Key, g.Local)
		}
		for _, m := range g.Members {
			if w.linked(m.Link) == nil || m.Count < 1 {
				w.fatal("%x has %d members on link %d", g.Key, m.Count, m.Link)
			}
		}
	}
}
