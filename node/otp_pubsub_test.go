package node

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/otptest"
)

// joined is a node of ours and an OTP node that are linked.
func joinedOTP(t *testing.T, o otptest.Options, change ...func(*Config)) (*Node, *otptest.Node) {
	t.Helper()
	otptest.Need(t)
	otp := otptest.Start(t, o)
	c := otpConfig(t, "a", otp)
	for _, f := range change {
		f(&c)
	}
	n := start(t, c)
	if j := n.Join(t.Context(), otp.Name); j.Err != nil {
		t.Fatal(j.Err)
	}
	return n, otp
}

// members is an Erlang expression for how many members a channel has there.
func members(channel string) string {
	if name, ok := strings.CutPrefix(channel, ":"); ok {
		return "length(pg:get_members('" + name + "'))."
	}
	return "length(pg:get_members(<<\"" + channel + "\">>))."
}

// collector starts a process that joins a group and keeps what it gets until it
// is asked for it with {collected, From}.
const collector = `Self = self(),
P = spawn(fun() -> pg:join(%s, self()), Self ! joined, Loop = fun(L, Acc) ->
	receive {collected, From} -> From ! {all, lists:reverse(Acc)}, L(L, Acc); M -> L(L, [M | Acc]) end end, Loop(Loop, []) end),
register(collector, P), receive joined -> ok end.`

func TestOTPSubscribesAndPublishes(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		t.Run(fmt.Sprintf("hidden=%t", hidden), func(t *testing.T) {
			t.Parallel()
			n, otp := joinedOTP(t, otptest.Options{}, func(c *Config) { c.Hidden = hidden })
			s := subscribe(t, n, "orders", ":atomic")
			otp.WaitEval(t, members("orders"), "1", within)
			otp.WaitEval(t, members(":atomic"), "1", within)
			otp.Eval(t, "[P ! <<\"from erlang\">> || P <- pg:get_members(<<\"orders\">>)].")
			if m := arrived(t, s); string(m.Payload) != "from erlang" || m.From != otp.Name || m.Channel != "orders" || m.Seq != 0 || m.ID != "" {
				t.Errorf("a bare binary came as %+v", m)
			}
			otp.Eval(t, "[P ! {order, 1, \"x\"} || P <- pg:get_members(atomic)].")
			if m := arrived(t, s); string(m.Payload) != `{order,1,"x"}` || m.Encoding != EncodingErlang || m.Channel != ":atomic" {
				t.Errorf("a term came as %+v", m)
			}
			otp.Eval(t, "[P ! {liminal, <<\"orders\">>, <<\"ours\">>, #{id => <<\"i\">>, from => <<\"somebody\">>, at => 1000000, seq => 7, x => y}} || P <- pg:get_members(<<\"orders\">>)].")
			if m := arrived(t, s); string(m.Payload) != "ours" || m.ID != "i" || m.Seq != 7 || m.At.UnixMicro() != 1e6 || m.From != otp.Name {
				t.Errorf("a message of our form came as %+v", m)
			}
			publishesToOTP(t, n, otp)
		})
	}
}

// publishesToOTP has a process of OTP join, and shows it what we publish.
func publishesToOTP(t *testing.T, n *Node, otp *otptest.Node) {
	otp.Eval(t, fmt.Sprintf(collector, `<<"to otp">>`))
	await(t, n, "to otp", 1)
	r := publish(t, n, "to otp", `{"id":1}`)
	if r.Members != 1 || r.Nodes != 1 || r.Peers[0].Node != otp.Name {
		t.Errorf("receipt %+v", r)
	}
	want := fmt.Sprintf(`[{liminal,<<"to otp">>,<<"{\"id\":1}">>,#{from := <<"%s">>, id := <<"%s">>, at := At, seq := 1} = M}] when is_integer(At), map_size(M) =:= 4`, n.name, r.ID)
	ask := "collector ! {collected, self()}, receive {all, L} -> case L of " + want + " -> match; _ -> L end after 5000 -> none end."
	otp.WaitEval(t, ask, "match", within)
	list, incomplete, err := n.Channels(t.Context(), "to otp")
	if err != nil || len(incomplete) > 0 || len(list) != 1 || list[0].Subscribers != 1 || list[0].Members[0].Kind != KindOTP {
		t.Errorf("channels %+v, %v, %v", list, incomplete, err)
	}
	otp.Eval(t, "exit(whereis(collector), kill).")
	gone(t, n, "to otp", 0)
}

// A subscription that is closed leaves; one that stays behind a node's end does
// too; a node that joins later is backfilled.
func TestOTPSeesJoinsAndLeaves(t *testing.T) {
	n, otp := joinedOTP(t, otptest.Options{Args: explicit})
	s := subscribe(t, n, "x")
	second := subscribe(t, n, "x")
	otp.WaitEval(t, members("x"), "1", within)
	s.Close()
	keep := subscribe(t, n, "y")
	otp.WaitEval(t, members("y"), "1", within)
	if got := otp.Eval(t, members("x")); got != "1" {
		t.Errorf("%s members of x, want the one that is still there", got)
	}
	second.Close()
	otp.WaitEval(t, "pg:which_groups().", `[<<"y">>]`, within)
	part(t, otp, n)
	otp.WaitEval(t, "pg:which_groups().", "[]", within)
	keep.Close()
	subscribe(t, n, "z")
	if j := n.Join(t.Context(), otp.Name); j.Err != nil {
		t.Fatal(j.Err)
	}
	otp.WaitEval(t, "pg:which_groups().", `[<<"z">>]`, within)
}

// F21: the scope of the peer dies and starts anew: it finds us again, and we it,
// also where it does not look for us.
func TestOTPScopeRestarts(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		t.Run(fmt.Sprintf("hidden=%t", hidden), func(t *testing.T) {
			t.Parallel()
			n, otp := joinedOTP(t, otptest.Options{PGDies: true}, func(c *Config) { c.Hidden = hidden })
			subscribe(t, n, "ours")
			otp.Eval(t, fmt.Sprintf(collector, `<<"theirs">>`))
			await(t, n, "theirs", 1)
			otp.WaitEval(t, members("ours"), "1", within)
			for range 3 {
				otp.Eval(t, "exit(whereis(pg), kill).")
				gone(t, n, "theirs", 0)
				otp.WaitEval(t, members("ours"), "1", within)
				otp.WaitEval(t, "is_pid(whereis(pg)) andalso pg:join(<<\"theirs\">>, whereis(collector)).", "ok", within)
				await(t, n, "theirs", 1)
			}
			// A new scope may introduce itself before the end of the old one is told.
			if c := n.Status().Counters; c["pg_downs"]+c["pg_replaced"] < 3 {
				t.Errorf("%d ends and %d replacements of the scope were counted, want 3", c["pg_downs"], c["pg_replaced"])
			}
		})
	}
}

// A node may have no scope at first, and none at all.
func TestOTPScopeStartsLate(t *testing.T) {
	n, otp := joinedOTP(t, otptest.Options{NoPG: true, PGDies: true}, func(c *Config) { c.Hidden = true })
	subscribe(t, n, "ours")
	otp.Eval(t, "unlink(element(2, pg:start_link())), ok.")
	otp.WaitEval(t, members("ours"), "1", within)
}

func TestOTPOtherScope(t *testing.T) {
	n, otp := joinedOTP(t, otptest.Options{}, func(c *Config) { c.Scope = "shop" })
	subscribe(t, n, "x")
	otp.Eval(t, "unlink(element(2, pg:start_link(shop))), ok.")
	otp.WaitEval(t, "length(pg:get_members(shop, <<\"x\">>)).", "1", within)
	if got := otp.Eval(t, members("x")); got != "0" {
		t.Errorf("%s members in the scope pg, want none", got)
	}
}

// Groups of any term are listed, as text.
func TestOTPGroupsOfTerms(t *testing.T) {
	n, otp := joinedOTP(t, otptest.Options{})
	otp.Eval(t, "[pg:join(G, self()) || G <- [{room, 1}, <<0, 255>>, \"list\", 'Odd atom', <<\"plain\">>, #{b => 1, a => 2}]].")
	want := map[string]string{
		"{room,1}": "term", "<<0,255>>": "term", `"list"`: "term", ":Odd atom": "atom", "plain": "binary", "#{a => 2,b => 1}": "term",
	}
	waitFor(t, n, "all groups are listed", func(n *Node) bool {
		list, _, _ := n.Channels(t.Context())
		return len(list) == len(want)
	})
	list, _, _ := n.Channels(t.Context())
	for _, c := range list {
		if want[c.Name] != c.Spelling || c.Subscribers != 1 {
			t.Errorf("listed as %+v", c)
		}
	}
	if subs := n.Subscriptions(otp.Name); len(subs) != len(want) {
		t.Errorf("subscriptions %q", subs)
	}
}

// Ten thousand channels go to a newcomer in one sync, which comes in fragments.
func TestOTPBackfill(t *testing.T) {
	otptest.Need(t)
	otp := otptest.Start(t, otptest.Options{})
	n := start(t, otpConfig(t, "a", otp))
	const groups = 10_000
	names := make([]string, groups)
	for i := range names {
		names[i] = "channel number " + strconv.Itoa(i)
	}
	s := subscribe(t, n, names...)
	otp.Eval(t, fmt.Sprintf("[pg:join({group, N}, self()) || N <- lists:seq(1, %d)].", groups))
	if j := n.Join(t.Context(), otp.Name); j.Err != nil {
		t.Fatal(j.Err)
	}
	otp.WaitEval(t, "length(pg:which_groups()).", strconv.Itoa(2*groups), within)
	waitFor(t, n, "all of OTP's groups are here", func(n *Node) bool { return len(n.Subscriptions(otp.Name)) == groups })
	s.Close()
	otp.WaitEval(t, "length(pg:which_groups()).", strconv.Itoa(groups), within)
}

// The channel in a message is the name by which liminal knows it.
func TestOTPAtomGroup(t *testing.T) {
	n, otp := joinedOTP(t, otptest.Options{})
	otp.Eval(t, fmt.Sprintf(collector, "orders"))
	await(t, n, ":orders", 1)
	publish(t, n, ":orders", "x")
	otp.WaitEval(t, "collector ! {collected, self()}, receive {all, L} -> [C || {liminal, C, <<\"x\">>, _} <- L] end.", `[<<":orders">>]`, within)
}

// Whoever sends {pub, Channel, Payload} to liminal publishes there.
func TestOTPPublishesThroughLiminal(t *testing.T) {
	n, otp := joinedOTP(t, otptest.Options{})
	s := subscribe(t, n, "chat", ":atomic")
	to := "{liminal, '" + n.name + "'}"
	for _, c := range []struct{ send, channel, payload string }{
		{"{pub, <<\"chat\">>, <<\"hello\">>}", "chat", "hello"},
		{"{pub, atomic, <<\"hello\">>}", ":atomic", "hello"},
		{"{pub, <<\"chat\">>, {a, term}}", "chat", "{a,term}"},
	} {
		otp.Eval(t, to+" ! "+c.send+".")
		encoding := EncodingBytes
		if c.payload == "{a,term}" {
			encoding = EncodingErlang
		}
		if m := arrived(t, s); string(m.Payload) != c.payload || m.Channel != c.channel || m.From != otp.Name || m.Encoding != encoding || m.Seq != 0 {
			t.Errorf("%s came as %+v", c.send, m)
		}
	}
	before := n.Status().Counters["dropped_bad_message"]
	otp.Eval(t, to+" ! {pub, <<>>, <<\"x\">>}, "+to+" ! {pub, {no, channel}, <<\"x\">>}.")
	waitFor(t, n, "what names no channel is counted", func(n *Node) bool { return n.Status().Counters["dropped_bad_message"] == before+2 })
}

// What OTP's libraries ask of any process is answered by a channel too, and its
// end is told to who watches it.
func TestOTPCallsAChannel(t *testing.T) {
	n, otp := joinedOTP(t, otptest.Options{})
	s := subscribe(t, n, "x")
	otp.WaitEval(t, members("x"), "1", within)
	pid := "hd(pg:get_members(<<\"x\">>))"
	for _, c := range []struct{ call, want string }{
		{"gen_server:call(" + pid + ", hello).", "{error,notsup}"},
		{"element(1, catch io:format(" + pid + ", \"x\", [])).", "'EXIT'"},
		{"file:read(" + pid + ", 3).", "{error,request}"},
		{"put(p, " + pid + "), put(r, monitor(process, get(p))), ok.", "ok"},
		{"spawn(fun() -> process_flag(trap_exit, true), register(linker, self()), link(" + pid + "), receive M -> receive {tell, To} -> To ! M end end end), ok.", "ok"},
	} {
		if got := otp.Eval(t, c.call); got != c.want {
			t.Errorf("%s gave %s, want %s", c.call, got, c.want)
		}
	}
	// Signals of one sender arrive in order: an answer means that the link is made.
	otp.Eval(t, "P = get(p), catch gen_server:call(P, sync), ok.")
	otp.WaitEval(t, "lists:member(get(p), element(2, process_info(whereis(linker), links))).", "true", within)
	waitFor(t, n, "monitor and link are known", func(n *Node) bool {
		n.ends.mu.Lock()
		defer n.ends.mu.Unlock()
		for _, w := range n.ends.watched {
			return len(w) == 2
		}
		return false
	})
	s.Close()
	if got := otp.Eval(t, "receive {'DOWN', R, process, _, Why} -> {R =:= get(r), Why} after 5000 -> none end."); got != "{true,normal}" {
		t.Errorf("the monitor said %s", got)
	}
	if got := otp.Eval(t, "linker ! {tell, self()}, receive {'EXIT', P, Why} -> {P =:= get(p), Why} after 5000 -> none end."); got != "{true,normal}" {
		t.Errorf("the link said %s", got)
	}
	if got := otp.Eval(t, "M = monitor(process, get(p)), receive {'DOWN', M, process, _, Why} -> Why after 5000 -> none end."); got != "noproc" {
		t.Errorf("a monitor after the end said %s", got)
	}
}

// Three OTP and two liminal nodes in one cluster: a member anywhere is a member
// everywhere, and a publish reaches each once.
func TestOTPMixedCluster(t *testing.T) {
	otptest.Need(t)
	epmd := otptest.NewEPMD(t)
	var otps []*otptest.Node
	for i := range 2 {
		otps = append(otps, otptest.Start(t, otptest.Options{EPMD: epmd, Name: "otp" + strconv.Itoa(i)}))
	}
	otps[1].Eval(t, "net_kernel:connect_node('"+otps[0].Name+"').")
	var nodes []*Node
	for _, name := range []string{"a", "b"} {
		c := otpConfig(t, name, otps[0])
		c.Seeds = []string{otps[0].Name}
		nodes = append(nodes, start(t, c))
	}
	var subs []*Subscription
	for _, n := range nodes {
		subs = append(subs, subscribe(t, n, "all"))
	}
	for _, o := range otps {
		o.Eval(t, fmt.Sprintf(collector, `<<"all">>`))
	}
	for _, n := range nodes {
		await(t, n, "all", 4)
	}
	for _, o := range otps {
		o.WaitEval(t, members("all"), "4", within)
	}
	r := publish(t, nodes[0], "all", "hello")
	if r.Subscribers != 1 || r.Members != 3 || r.Nodes != 3 {
		t.Errorf("receipt %+v", r)
	}
	otps[0].Eval(t, "[P ! <<\"from otp\">> || P <- pg:get_members(<<\"all\">>)].")
	for _, s := range subs {
		got := []string{string(arrived(t, s).Payload), string(arrived(t, s).Payload)}
		if slices.Sort(got); !slices.Equal(got, []string{"from otp", "hello"}) {
			t.Errorf("a subscriber got %q", got)
		}
	}
	for _, o := range otps {
		o.WaitEval(t, "collector ! {collected, self()}, receive {all, L} -> length(L) end.", "2", within)
	}
}
