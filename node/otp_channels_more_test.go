package node

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/otptest"
)

// A link to OTP that falls and rises within one poll, twenty times: what both
// sides have joined meanwhile is known to the other, and what they have left is
// not.
func TestOTPFlapIsBackfilled(t *testing.T) {
	n, otp := joinedOTP(t, otptest.Options{Args: explicit}, func(c *Config) {
		c.NoNudge, c.Poll, c.Tick = true, 30*time.Second, 300*time.Second
	})
	n.PollOnce()
	ours := subscribe(t, n, "ours 0")
	otp.Eval(t, "register(holder, spawn(fun() -> receive stop -> ok end end)), pg:join({theirs, 0}, whereis(holder)).")
	addr := netip.MustParseAddrPort(otp.Addr(t))
	const flaps = 20
	for i := 1; i <= flaps; i++ {
		n.mu.Lock()
		n.plan.Clear() // nobody dials but this test
		n.mu.Unlock()
		linkTo(t, n, otp.Name).Close(dist.ReasonClosed, nil)
		otp.WaitEval(t, "{nodes(connected), ets:member(sys_dist, '"+n.name+"'), pg:which_groups()}.", fmt.Sprintf("{[],false,[{theirs,%d}]}", i-1), within)
		ours.Close()
		ours = subscribe(t, n, fmt.Sprint("ours ", i))
		otp.Eval(t, fmt.Sprintf("pg:leave({theirs, %d}, whereis(holder)), pg:join({theirs, %d}, whereis(holder)).", i-1, i))
		if i%2 == 0 {
			if got := otp.Eval(t, "net_kernel:connect_node('"+n.name+"')."); got != "true" {
				t.Fatalf("flap %d: connect_node: %s", i, got)
			}
		} else if _, err := n.table.Dial(t.Context(), within, addr, otp.Name); err != nil { // Join would poll
			t.Fatalf("flap %d: %v", i, err)
		}
		otp.WaitEval(t, "lists:sort(pg:which_groups()).", fmt.Sprintf(`[{theirs,%d},<<"ours %d">>]`, i, i), within)
		waitFor(t, n, "the group of OTP is known", func(n *Node) bool {
			return slices.Equal(n.Subscriptions(otp.Name), []string{fmt.Sprintf("{theirs,%d}", i)})
		})
		otp.Eval(t, fmt.Sprintf("[P ! <<\"flap %d\">> || P <- pg:get_members(<<\"ours %d\">>)].", i, i))
		if m := arrived(t, ours); string(m.Payload) != fmt.Sprint("flap ", i) {
			t.Errorf("message %q", m.Payload)
		}
	}
	if c := n.trackerCounts(otp.Name); c.Joined != 1 || c.Left != 0 {
		t.Errorf("a poll has come between: %+v", c)
	}
	n.PollOnce()
	if c := n.trackerCounts(otp.Name); c.Generation != flaps+1 || c.Joined != 2 || c.Coalesced != flaps-1 {
		t.Errorf("after the next poll: %+v, want %d links, one of them joined anew and the rest coalesced", c, flaps+1)
	}
}

// Ten thousand groups of OTP and ten thousand of ours, joined at once while the
// link is up, and left at once.
func TestOTPManyGroupsAtOnce(t *testing.T) {
	n, otp := joinedOTP(t, otptest.Options{})
	const groups = 10_000
	names := make([]string, groups)
	for i := range names {
		names[i] = fmt.Sprint("channel ", i)
	}
	otp.Eval(t, "register(holder, spawn(fun() -> receive stop -> ok end end)), ok.")
	joins := otp.Spawn(fmt.Sprintf("H = whereis(holder), [ok = pg:join(<<\"group \", (integer_to_binary(N))/binary>>, H) || N <- lists:seq(1, %d)], ok.", groups))
	s := subscribe(t, n, names...)
	if got := joins.Get(t); got != "ok" {
		t.Fatal(got)
	}
	otp.WaitEval(t, "length(pg:which_groups()).", strconv.Itoa(2*groups), within)
	waitFor(t, n, "all of OTP's groups are here", func(n *Node) bool { return len(n.Subscriptions(otp.Name)) == groups })
	sameViews(t, n, otp)
	leaves := otp.Spawn("exit(whereis(holder), kill), ok.")
	s.Close()
	leaves.Get(t)
	otp.WaitEval(t, "pg:which_groups().", "[]", within)
	waitFor(t, n, "none is left", func(n *Node) bool { return len(n.Subscriptions(otp.Name)) == 0 })
}

// viewOfOTP is what a scope knows, a line a group: its name, the members on the
// OTP node, the members elsewhere.
const viewOfOTP = `lists:sort([begin {Here, There} = lists:partition(fun(P) -> node(P) =:= node() end, pg:get_members(G)),
	{G, length(Here), length(There)} end || G <- pg:which_groups()]).`

// viewAs is the same as n knows it.
func (n *Node) viewAs(otp string) string {
	list, _, _ := n.Channels(n.ctx)
	var rows []string
	for _, c := range list {
		theirs, ours := 0, min(c.Local, 1)
		for _, m := range c.Members {
			if m.Node == otp {
				theirs = m.Subscribers
			}
		}
		if theirs+ours > 0 {
			rows = append(rows, fmt.Sprintf(`{<<"%s">>,%d,%d}`, c.Name, theirs, ours))
		}
	}
	slices.SortFunc(rows, func(a, b string) int { // as Erlang does: shorter is less only for a prefix
		return strings.Compare(a[:strings.Index(a, `">>`)], b[:strings.Index(b, `">>`)])
	})
	return "[" + strings.Join(rows, ",") + "]"
}

// sameViews waits until both know the same of all groups.
func sameViews(t testing.TB, n *Node, otp *otptest.Node) {
	t.Helper()
	var theirs, ours string
	defer func() {
		if t.Failed() {
			t.Logf("OTP:  %.1000s\nours: %.1000s", theirs, ours)
		}
	}()
	waitFor(t, n, "both views are equal", func(n *Node) bool {
		theirs, ours = otp.Eval(t, viewOfOTP), n.viewAs(otp.Name)
		return theirs == ours
	})
}

// storm is twenty processes that join and leave a hundred groups as fast as they
// can, a thousand times each. Half of them end with their memberships.
const storm = `Self = self(),
Ps = [spawn(fun() ->
	rand:seed(exsss, {%d, I, 1}),
	[begin
		G = <<"channel ", (integer_to_binary(rand:uniform(100)))/binary>>,
		case rand:uniform(2) of 1 -> pg:join(G, self()); 2 -> pg:leave(G, self()) end
	end || _ <- lists:seq(1, 1000)],
	Self ! {done, self()},
	receive go when I rem 2 =:= 0 -> ok; stop -> ok end
end) || I <- lists:seq(1, 20)],
[receive {done, P} -> P ! go end || P <- Ps],
length(Ps).`

// Both sides join and leave the same groups at full speed; at rest both know the
// same.
func TestOTPStorm(t *testing.T) {
	n, otp := joinedOTP(t, otptest.Options{})
	seed := rand.Uint32N(1 << 30)
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(uint64(seed), 1))
	call := otp.Spawn(fmt.Sprintf(storm, seed))
	over := make(chan string, 1)
	go func() {
		text, err := call.Result()
		over <- fmt.Sprint(text, err)
	}()
	held := make([]*Subscription, 200)
	changes := 0
	for result := ""; result == "" || changes < 2000; changes++ {
		i := rnd.IntN(len(held))
		if s := held[i]; s != nil {
			s.Close()
			held[i] = nil
		} else {
			held[i] = subscribe(t, n, fmt.Sprint("channel ", i))
		}
		select {
		case result = <-over:
			if result != "20<nil>" {
				t.Fatalf("the storm: %s", result)
			}
		default:
		}
	}
	t.Logf("%d joins and leaves of ours", changes)
	sameViews(t, n, otp)
	left := 0
	for _, s := range held {
		if s != nil {
			left++
		}
	}
	if got := otp.Eval(t, "length([G || G <- pg:which_groups(), lists:any(fun(P) -> node(P) =/= node() end, pg:get_members(G))])."); got != strconv.Itoa(left) {
		t.Errorf("OTP has %s groups of ours, want %d", got, left)
	}
	if p := peerState(t, n, otp.Name, StateUp); p.Generation != 1 {
		t.Errorf("the link has not lasted: %+v", p)
	}
	if c := n.Status().Counters; c["pg_bad"]+c["pg_unknown"]+c["pg_forged"] > 0 {
		t.Errorf("messages of OTP were not understood: %v", c)
	}
}
