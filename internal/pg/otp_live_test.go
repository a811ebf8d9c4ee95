package pg_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/otptest"
)

// The live test plays the same sequences of steps to a scope of a live OTP and
// to the model, and compares life and death after each step, and tables, state
// and messages at the end. Each sequence has a scope of its own, never pg.

// actors makes the processes of the test, of which each keeps what it is sent:
// four on the peer %[1]s, the first two to be scopes there, and two here.
const actors = `
Keep = fun Keep(Got) ->
           receive {give, To} -> To ! {self(), lists:reverse(Got)}, Keep([]);
                   M -> Keep([M | Got]) end
       end,
pong = net_adm:ping('%[1]s'),
ok = logger:set_primary_config(level, none),
There = [spawn('%[1]s', fun() -> Keep([]) end) || _ <- [1,2,3,4]],
Here = [spawn(fun() -> Keep([]) end) || _ <- [1,2]],
persistent_term:put(actors, There),
file:write_file(%[2]q, term_to_binary(There ++ Here)).`

// play runs the sequences of file %[1]q, each [Step], into file %[2]q: for each
// {I, Scope, Table, Remote, Why, Sent}, I being how many steps it survived and Why
// what it died of.
const play = `
Ref = fun(Map, Pid) -> case Map of #{Pid := {R, _}} -> R; _ -> make_ref() end end,
Down = fun(S, R, Pid) -> S ! {'DOWN', R, process, Pid, killed} end,
Step = fun(S, {info, M}) -> S ! M;
          (S, {join, G, Pid}) -> pg:join(S, G, Pid);
          (S, {leave, G, Pid}) -> pg:leave(S, G, Pid);
          (S, {down, Pid}) when node(Pid) =:= node() -> Down(S, Ref(element(3, sys:get_state(S)), Pid), Pid);
          (S, {down, Pid}) -> Down(S, Ref(element(4, sys:get_state(S)), Pid), Pid);
          (S, {wrong, Pid}) -> Down(S, make_ref(), Pid)
       end,
Run = fun Run(S, [Now | Steps], I) ->
              try Step(S, Now), sys:get_state(S) of _ -> Run(S, Steps, I + 1)
              catch exit:_ -> I end;
          Run(_, [], I) -> I
      end,
Given = fun() -> [begin P ! {give, self()}, receive {P, L} -> {P, L} end end || P <- persistent_term:get(actors)] end,
Remote = fun(S) -> [{P, maps:to_list(G)} || {P, {_, G}} <- maps:to_list(element(4, sys:get_state(S)))] end,
Sequence = fun({N, Steps}) ->
    S = list_to_atom("scope_" ++ integer_to_list(N)),
    {ok, Pid} = pg:start(S),
    Mon = erlang:monitor(process, Pid),
    case Run(S, Steps, 0) of
        I when I =:= length(Steps) ->
            Seen = {I, Pid, ets:tab2list(S), Remote(S)},
            exit(Pid, kill);
        I -> Seen = {I, Pid, [], []}
    end,
    Why = receive {'DOWN', Mon, _, _, W} ->
              case W of {{Name, _}, _} -> Name; {Name, _} -> Name; Name -> Name end
          end,
    erlang:append_element(erlang:append_element(Seen, Why), Given())
end,
{ok, In} = file:read_file(%[1]q),
Out = [Sequence(NS) || NS <- lists:enumerate(binary_to_term(In))],
file:write_file(%[2]q, term_to_binary(Out)).`

const sequences = 600 // of up to 60 steps

func TestModelAsLiveOTP(t *testing.T) {
	epmd := otptest.NewEPMD(t)
	opts := func(name string) otptest.Options {
		return otptest.Options{Name: name, EPMD: epmd, EvalTimeout: time.Minute}
	}
	here, there := otptest.Start(t, opts("here")), otptest.Start(t, opts("there"))
	if here.Release != 25 {
		t.Skipf("SKIP: the model is of OTP 25, this is OTP %d", here.Release)
	}
	pids := actorsOf(t, here, there)
	rng := rand.New(rand.NewPCG(otpSeed(t), 0))
	var games []*game
	var all etf.List
	for range sequences {
		g := newGame(rng, pids)
		games, all = append(games, g), append(all, g.steps)
	}
	in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
	b, err := etf.AppendVersioned(nil, all)
	if err == nil {
		err = os.WriteFile(in, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := here.Eval(t, fmt.Sprintf(play, in, out)); got != "ok" {
		t.Fatalf("the play ends with %s", got)
	}
	answers := termOf(t, out).(etf.List)
	if len(answers) != len(games) {
		t.Fatalf("%d answers to %d sequences", len(answers), len(games))
	}
	deaths := map[crash]int{}
	for i, g := range games {
		g.compare(t, answers[i].(etf.Tuple))
		deaths[g.model.crashed]++
	}
	t.Logf("ends of the sequences: %v", deaths)
	for _, c := range []crash{"", badarg, badkey, funClause, badGenerator, caseClause, badmatch} {
		if deaths[c] < 1 {
			t.Errorf("%d of %d sequences end with %q", deaths[c], len(games), c)
		}
	}
}

func otpSeed(tb testing.TB) uint64 {
	tb.Helper()
	n, err := strconv.ParseUint(os.Getenv("LIMINAL_TEST_SEED"), 10, 64)
	if err != nil {
		n = uint64(time.Now().UnixNano())
	}
	tb.Logf("LIMINAL_TEST_SEED=%d", n)
	return n
}

func actorsOf(t *testing.T, here, there *otptest.Node) (pids []etf.Pid) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "actors")
	if got := here.Eval(t, fmt.Sprintf(actors, there.Name, file)); got != "ok" {
		t.Fatalf("the actors: %s", got)
	}
	for _, p := range termOf(t, file).(etf.List) {
		pids = append(pids, p.(etf.Pid))
	}
	return pids
}

func termOf(t *testing.T, file string) etf.Term {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	term, _, err := etf.DecodeVersioned(b, etf.FileLimits())
	if err != nil {
		t.Fatal(err)
	}
	return term
}

// compare holds what the live scope did to what the model did.
func (g *game) compare(t *testing.T, answer etf.Tuple) {
	t.Helper()
	survived, scope := int(answer[0].(int64)), answer[1].(etf.Pid)
	want := len(g.steps)
	if g.model.crashed != "" {
		want--
	}
	if survived != want {
		t.Errorf("%s\nlive survives %d steps, the model %d (%s)", g, survived, want, g.model.crashed)
		return
	}
	if g.model.crashed == "" {
		equalLines(t, g, "table", linesOf(answer[2]), g.tableLines())
		equalLines(t, g, "remote", remoteLines(answer[3]), g.remoteLines())
	}
	if why := text(answer[4]); g.model.crashed != "" && why != string(g.model.crashed) {
		t.Errorf("%s\nlive dies of %s, the model of %s", g, why, g.model.crashed)
	}
	equalLines(t, g, "sent", givenLines(answer[5], scope), g.sentLines())
}

func equalLines(t *testing.T, g *game, what string, live, model []string) {
	t.Helper()
	if !slices.Equal(live, model) {
		t.Errorf("%s\n%s: live\n\t%s\nmodel\n\t%s", g, what, strings.Join(live, "\n\t"), strings.Join(model, "\n\t"))
	}
}

func text(t etf.Term) string { return string(etf.AppendText(nil, t)) }

func linesOf(l etf.Term) (lines []string) {
	for _, e := range l.(etf.List) {
		lines = append(lines, text(e))
	}
	slices.Sort(lines)
	return lines
}

func remoteLines(l etf.Term) (lines []string) {
	for _, e := range l.(etf.List) {
		p := e.(etf.Tuple)
		lines = append(lines, fmt.Sprint(text(p[0]), " ", linesOf(p[1])))
	}
	slices.Sort(lines)
	return lines
}

// givenLines are the messages of each actor in their order, with the scope's pid
// by another name and the groups of a sync sorted.
func givenLines(l etf.Term, scope etf.Pid) (lines []string) {
	for _, e := range l.(etf.List) {
		p := e.(etf.Tuple)
		for _, msg := range p[1].(etf.List) {
			lines = append(lines, messageLine(p[0], msg, scope))
		}
	}
	return lines
}

func messageLine(to, msg etf.Term, scope etf.Pid) string {
	if c, ok := msg.(etf.Tuple); ok && len(c) == 2 && c[0] == etf.Term(etf.Atom("$gen_cast")) {
		if s := c[1].(etf.Tuple); len(s) == 3 {
			groups := linesOf(sortedPids(s[2].(etf.List)))
			msg = etf.Tuple{s[0], s[1], etf.Binary(strings.Join(groups, " "))}
		}
	}
	return strings.ReplaceAll(text(to)+" "+text(msg), text(scope), "<scope>")
}

// sortedPids: the order inside a group of a sync is that of a map.
func sortedPids(groups etf.List) etf.List {
	out := etf.List{}
	for _, e := range groups {
		g := e.(etf.Tuple)
		pids := concat(g[1].(etf.List), nil)
		slices.SortFunc(pids, func(a, b etf.Term) int { return strings.Compare(text(a), text(b)) })
		out = append(out, etf.Tuple{g[0], pids})
	}
	return out
}

func (g *game) tableLines() []string {
	rows := etf.List{}
	for _, r := range g.model.table {
		rows = append(rows, etf.Tuple{r.group, r.all, r.local})
	}
	return linesOf(rows)
}

func (g *game) remoteLines() []string {
	peers := etf.List{}
	for _, k := range g.model.remote {
		groups := etf.List{}
		for _, h := range k.groups {
			groups = append(groups, etf.Tuple{h.group, h.pids})
		}
		peers = append(peers, etf.Tuple{k.scope, groups})
	}
	return remoteLines(peers)
}

// sentLines has the messages to the actors there, in their order.
func (g *game) sentLines() (lines []string) {
	for _, actor := range g.there {
		for _, s := range g.model.out {
			if !s.monitor && !s.named && same(s.to, actor) {
				lines = append(lines, messageLine(s.to, s.msg, g.model.self))
			}
		}
	}
	return lines
}
