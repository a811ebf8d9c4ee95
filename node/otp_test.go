package node

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/otptest"
)

// otpConfig is a node that shares cookie and epmd with an Erlang node.
func otpConfig(t testing.TB, name string, otp *otptest.Node) Config {
	c := testConfig(t, name)
	c.Cookie, c.EPMD, c.EPMDPort = NewCookie(otp.Cookie), EPMDRequire, otp.EPMD.Port
	if strings.HasSuffix(otp.Name, "@localhost") {
		c.Name = name + "@localhost"
	}
	return c
}

// The ways in which a node of ours and an OTP node can meet.
func TestOTPMeets(t *testing.T) {
	otptest.Need(t)
	for _, short := range []bool{false, true} {
		for _, otpHidden := range []bool{false, true} {
			for _, hidden := range []bool{false, true} {
				t.Run(fmt.Sprintf("short=%t,otp hidden=%t,hidden=%t", short, otpHidden, hidden), func(t *testing.T) {
					t.Parallel()
					otp := otptest.Start(t, otptest.Options{Short: short, Hidden: otpHidden})
					c := otpConfig(t, "a", otp)
					c.Hidden = hidden
					meets(t, otp, start(t, c))
				})
			}
		}
	}
}

// meets tries each way of connecting in turn: by name, by port, being dialled.
func meets(t *testing.T, otp *otptest.Node, n *Node) {
	for _, address := range []string{otp.Name, otp.Addr(t)} {
		j := n.Join(t.Context(), address)
		if j.Err != nil || j.Name != otp.Name {
			t.Fatalf("join %s: %+v", address, j)
		}
		checkOTP(t, otp, n)
		part(t, otp, n)
	}
	if got := otp.Eval(t, fmt.Sprintf("net_kernel:connect_node('%s').", n.name)); got != "true" {
		t.Fatalf("connect_node: %s", got)
	}
	waitFor(t, n, "the peer that dialled us is up", hasPeers(otp.Name))
	checkOTP(t, otp, n)
}

// checkOTP compares what both sides see.
func checkOTP(t *testing.T, otp *otptest.Node, n *Node) {
	t.Helper()
	p := peerState(t, n, otp.Name, StateUp)
	if p.Kind != KindOTP {
		t.Errorf("kind %q, want otp", p.Kind)
	}
	visible := !n.cfg.Hidden && !p.Hidden
	otp.WaitEval(t, "nodes(connected) =:= ['"+n.name+"'].", "true", within)
	otp.WaitEval(t, fmt.Sprintf("(nodes() =:= ['%s']) =:= %t.", n.name, visible), "true", within)
	if got := otp.Eval(t, "net_adm:ping('"+n.name+"')."); got != "pong" {
		t.Errorf("ping: %s", got)
	}
}

// part ends the link from our side for good, and waits until OTP has seen it.
func part(t testing.TB, otp *otptest.Node, n *Node) {
	t.Helper()
	n.mu.Lock()
	n.plan.Clear()
	n.mu.Unlock()
	if info, ok := n.table.Lookup(otp.Name); ok && info.Up {
		info.Link.Close(dist.ReasonClosed, nil)
	}
	otp.WaitEval(t, "nodes(connected).", "[]", within)
	// Its net_kernel is later than its nodes(): what it connects before that can
	// be taken down with the old link.
	otp.WaitEval(t, "ets:member(sys_dist, '"+n.name+"').", "false", within)
	waitFor(t, n, "nobody is left", hasPeers())
}

func TestOTPWrongCookie(t *testing.T) {
	otptest.Need(t)
	otp := otptest.Start(t, otptest.Options{})
	c := otpConfig(t, "a", otp)
	c.Cookie = NewCookie("not the same cookie")
	n := start(t, c)
	j := n.Join(t.Context(), otp.Name)
	var dial *DialError
	if !errors.Is(j.Err, ErrCookie) || !errors.As(j.Err, &dial) || dial.Peer != otp.Name {
		t.Errorf("join with a wrong cookie: %v", j.Err)
	}
	if strings.Contains(fmt.Sprint(j.Err), "not the same") {
		t.Error("the cookie is in the error")
	}
	if got := otp.Eval(t, "net_kernel:connect_node('"+n.name+"')."); got != "false" {
		t.Errorf("OTP connected with a wrong cookie: %s", got)
	}
	if len(n.PeerNames()) != 0 {
		t.Errorf("peers %v", n.PeerNames())
	}
}

func TestOTPCallsDoNotHang(t *testing.T) {
	otptest.Need(t)
	otp := otptest.Start(t, otptest.Options{PG: true})
	global := otp.Eval(t, "whereis(global_name_server).")
	n := start(t, otpConfig(t, "a", otp))
	if j := n.Join(t.Context(), otp.Name); j.Err != nil {
		t.Fatal(j.Err)
	}
	us := "'" + n.name + "'"
	for _, c := range []struct{ call, want string }{
		{"net_adm:ping(" + us + ").", "pong"},
		{"rpc:call(" + us + ", erlang, node, []).", "{badrpc,notsup}"},
		{"global:sync().", "ok"},
		{"global:set_lock({x, self()}, [node(), " + us + "], 0).", ""},
		{"global:trans({x, self()}, fun() -> done end).", ""},
		{"catch gen_server:call({nosuch, " + us + "}, hello).", "{'EXIT',{noproc,{gen_server,call,[{nosuch," + us + "},hello]}}}"},
		{"is_list(gen_server:call({liminal, " + us + "}, peers)).", "true"},
		{"gen_server:call({liminal, " + us + "}, nonsense).", "{error,notsup}"},
		{"catch gen_event:which_handlers({liminal, " + us + "}).", "{error,notsup}"},
		{"catch sys:get_state({liminal, " + us + "}).", ""},
		{"rpc:multi_server_call([" + us + "], liminal, x).", "{[{error,notsup}],[]}"},
		{"element(1, catch io:format(" + erlangPid(n) + ", \"x\", [])).", "'EXIT'"},
		{"file:read(" + erlangPid(n) + ", 3).", "{error,request}"},
		{"file:position(" + erlangPid(n) + ", 3).", "{error,enotsup}"},
		{"catch rpc:block_call(" + us + ", erlang, node, []).", ""},
		{"catch erpc:call(" + us + ", erlang, node, []).", ""},
		{"is_pid(spawn(" + us + ", erlang, node, [])).", "true"},
		{"net_kernel:connect_node(" + us + ").", "true"},
	} {
		begin := time.Now()
		got := otp.Eval(t, c.call)
		if c.want != "" && got != c.want {
			t.Errorf("%s gave %s, want %s", c.call, got, c.want)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s took %v", c.call, took)
		}
	}
	if now := otp.Eval(t, "whereis(global_name_server)."); now != global {
		t.Errorf("global_name_server was %s and is %s", global, now)
	}
	if len(n.PeerNames()) != 1 {
		t.Error("the link did not survive")
	}
}

// erlangPid is an Erlang expression for the pid of a node's process liminal.
func erlangPid(n *Node) string {
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(etf.AppendPid([]byte{etf.Version}, n.self)), " ", ","), "[]")
	return "binary_to_term(<<" + text + ">>)"
}

func TestErlCallGetsAnAnswer(t *testing.T) {
	tool := otptest.ErlCall(t)
	otp := otptest.Start(t, otptest.Options{})
	n := start(t, otpConfig(t, "a", otp))
	cmd := exec.CommandContext(t.Context(), tool, "-name", n.name, "-c", otp.Cookie, "-a", "erlang node []")
	cmd.Env = append(cmd.Environ(), otp.EPMD.Env()...)
	out, err := cmd.CombinedOutput()
	if !strings.Contains(string(out), "badrpc") {
		t.Errorf("erl_call: %v: %s", err, out)
	}
}

func TestOTPKilledAndRestarted(t *testing.T) {
	otptest.Need(t)
	epmd := otptest.NewEPMD(t)
	otp := otptest.Start(t, otptest.Options{EPMD: epmd})
	c := otpConfig(t, "a", otp)
	c.Seeds = []string{otp.Name}
	n := start(t, c)
	first := peerState(t, n, otp.Name, StateUp)
	w := n.Watch(n.feed.seq())
	defer w.Close()
	otp.Kill()
	down := peerState(t, n, otp.Name, StateDown)
	if down.Reason != string(dist.ReasonEOF) && down.Reason != string(dist.ReasonReset) {
		t.Errorf("killed with -9, and the reason is %q", down.Reason)
	}
	otp.Wait()
	again := otptest.Start(t, otptest.Options{EPMD: epmd, Cookie: otp.Cookie})
	up := peerState(t, n, again.Name, StateUp)
	if up.Creation == first.Creation || up.Generation != first.Generation+1 || up.Flaps != 1 {
		t.Errorf("before %+v\nafter %+v", first, up)
	}
	for _, want := range []EventType{EventDown, EventRejoin} {
		if ev, err := w.Next(t.Context()); err != nil || ev.Type != want {
			t.Fatalf("event %v, %v, want %s", ev, err, want)
		}
	}
}

// A restart between two polls is one delta: left with the old creation, joined
// with the new one.
func TestOTPRestartIsOneDelta(t *testing.T) {
	otptest.Need(t)
	epmd := otptest.NewEPMD(t)
	otp := otptest.Start(t, otptest.Options{EPMD: epmd})
	c := otpConfig(t, "a", otp)
	c.NoNudge, c.Poll, c.Tick = true, 30*time.Second, 300*time.Second
	n := start(t, c)
	connect := "net_kernel:connect_node('" + n.name + "')."
	if got := otp.Eval(t, connect); got != "true" {
		t.Fatal(got)
	}
	n.PollOnce()
	w := n.Watch(n.feed.seq())
	defer w.Close()
	otp.Kill()
	otp.Wait()
	again := otptest.Start(t, otptest.Options{EPMD: epmd, Cookie: otp.Cookie})
	if got := again.Eval(t, connect); got != "true" {
		t.Fatal(got)
	}
	n.PollOnce()
	down, _ := w.Next(t.Context())
	up, _ := w.Next(t.Context())
	if down.Type != EventDown || up.Type != EventRejoin || down.Time != up.Time {
		t.Errorf("one poll gave %v then %v", down, up)
	}
}

func TestOTPStoppedWithShortTick(t *testing.T) {
	otptest.Need(t)
	otp := otptest.Start(t, otptest.Options{TickTime: 4})
	c := otpConfig(t, "a", otp)
	c.Tick = 4 * time.Second
	n := start(t, c)
	if j := n.Join(t.Context(), otp.Name); j.Err != nil {
		t.Fatal(j.Err)
	}
	waitFor(t, n, "a probe is answered", func(n *Node) bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.peers[otp.Name].answered
	})
	begin := time.Now()
	otp.Stop()
	peerState(t, n, otp.Name, StateSuspect)
	p := peerState(t, n, otp.Name, StateDown)
	took := time.Since(begin)
	if p.Reason != string(dist.ReasonTickTimeout) {
		t.Errorf("reason %q, want tick_timeout", p.Reason)
	}
	if took < 3*time.Second || took > 8*time.Second {
		t.Errorf("down after %v, want 0.75 to 1.25 of 4 s and a poll", took)
	}
	otp.Cont()
	peerState(t, n, otp.Name, StateUp)
}

func TestOTPDisconnectsFromEitherSide(t *testing.T) {
	otptest.Need(t)
	otp := otptest.Start(t, otptest.Options{})
	n := start(t, otpConfig(t, "a", otp))
	if j := n.Join(t.Context(), otp.Name); j.Err != nil {
		t.Fatal(j.Err)
	}
	before := peerState(t, n, otp.Name, StateUp)
	otp.WaitEval(t, "nodes() =:= ['"+n.name+"'].", "true", within) // its side takes a moment longer
	if got := otp.Eval(t, "erlang:disconnect_node('"+n.name+"')."); got != "true" {
		t.Fatal(got)
	}
	waitFor(t, n, "dialled back after OTP's disconnect", func(n *Node) bool {
		p := n.Peers()[0]
		return p.State == StateUp && p.Generation > before.Generation
	})
	part(t, otp, n)
}

// Both sides dial at the same moment, over and over: one link each, and nobody
// loses it again.
func TestOTPSimultaneousConnect(t *testing.T) {
	otptest.Need(t)
	for _, name := range []string{"a", "z"} { // once the lesser name, once the greater
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Explicit connects only: what OTP still had to send to the link
			// of the last round would make it connect on its own.
			otp := otptest.Start(t, otptest.Options{Args: []string{"-kernel", "dist_auto_connect", "never"}})
			n := start(t, otpConfig(t, name, otp))
			rounds := 250
			if testing.Short() {
				rounds = 25
			}
			for range rounds {
				connectBoth(t, otp, n)
			}
		})
	}
}

func connectBoth(t *testing.T, otp *otptest.Node, n *Node) {
	t.Helper()
	before, _ := n.table.Lookup(otp.Name)
	call := otp.Spawn("net_kernel:connect_node('" + n.name + "').")
	j := n.Join(t.Context(), otp.Name)
	if got := call.Get(t); got != "true" || j.Err != nil {
		t.Fatalf("OTP said %s, we %+v", got, j)
	}
	n.PollOnce()
	after, _ := n.table.Lookup(otp.Name)
	if !after.Up || after.Generation != before.Generation+1 {
		t.Fatalf("before %+v\nafter %+v", before, after)
	}
	if got := otp.Eval(t, "nodes()."); got != "['"+n.name+"']" {
		t.Fatalf("OTP sees %s", got)
	}
	part(t, otp, n)
}

// Three of each kind, started in any order through one seed.
func TestOTPAndLiminalFullMesh(t *testing.T) {
	otptest.Need(t)
	epmd := otptest.NewEPMD(t)
	var otps []*otptest.Node
	var globals []string
	for i := range 3 {
		otp := otptest.Start(t, otptest.Options{Name: fmt.Sprintf("otp%d", i), EPMD: epmd, Cookie: "mesh-of-six"})
		otps, globals = append(otps, otp), append(globals, otp.Eval(t, "whereis(global_name_server)."))
	}
	for _, otp := range otps[1:] {
		if got := otp.Eval(t, "net_adm:ping('"+otps[0].Name+"')."); got != "pong" {
			t.Fatal(got)
		}
	}
	all := []string{otps[0].Name, otps[1].Name, otps[2].Name}
	var nodes []*Node
	for i := range 3 {
		c := otpConfig(t, fmt.Sprintf("lim%d", i), otps[0])
		c.Seeds = []string{otps[0].Name}
		n := start(t, c)
		nodes, all = append(nodes, n), append(all, n.name)
	}
	begin := time.Now()
	for _, n := range nodes {
		waitFor(t, n, "all see all", hasPeers(except(all, n.name)...))
	}
	for _, otp := range otps {
		want := "['" + strings.Join(except(all, otp.Name), "','") + "']"
		otp.WaitEval(t, "lists:sort(nodes()) =:= "+want+".", "true", within)
	}
	t.Logf("all see all %v after the last start", time.Since(begin))
	for i, otp := range otps {
		if got := otp.Eval(t, "global:sync()."); got != "ok" {
			t.Errorf("global:sync on %s: %s", otp.Name, got)
		}
		if now := otp.Eval(t, "whereis(global_name_server)."); now != globals[i] {
			t.Errorf("global_name_server of %s was %s and is %s", otp.Name, globals[i], now)
		}
	}
}

func except(all []string, name string) []string {
	rest := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == name })
	slices.Sort(rest)
	return rest
}
