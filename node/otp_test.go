package node

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
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

// explicit keeps OTP from connecting on its own, as it would for what it still
// had to send to a link that a test has ended.
var explicit = []string{"-kernel", "dist_auto_connect", "never"}

// The ways in which a node of ours and an OTP node can meet.
func TestOTPMeets(t *testing.T) {
	otptest.Need(t)
	for _, short := range []bool{false, true} {
		for _, otpHidden := range []bool{false, true} {
			for _, hidden := range []bool{false, true} {
				t.Run(fmt.Sprintf("short=%t,otp hidden=%t,hidden=%t", short, otpHidden, hidden), func(t *testing.T) {
					t.Parallel()
					otp := otptest.Start(t, otptest.Options{Short: short, Hidden: otpHidden, Args: explicit})
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

// S1, S18: whatever an Erlang node calls here, it gets an answer.
func TestOTPCallsDoNotHang(t *testing.T) {
	otptest.Need(t)
	otp := otptest.Start(t, otptest.Options{})
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

// F1: an Erlang node is killed and comes back: down by the end of its socket, then
// the next generation.
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

// F8: a restart between two polls is one delta: left with the old creation, joined
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

// F2: a stopped Erlang node is suspect, and down by the tick rule.
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
	otp := otptest.Start(t, otptest.Options{Args: explicit})
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

// F17: both sides dial at the same moment, over and over: one link each, and nobody
// loses it again.
func TestOTPSimultaneousConnect(t *testing.T) {
	otptest.Need(t)
	for _, name := range []string{"a", "z"} { // once the lesser name, once the greater
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			otp := otptest.Start(t, otptest.Options{Args: explicit})
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
	defer time.AfterFunc(3*time.Second, func() { // what hangs?
		stacks := make([]byte, 1<<20)
		t.Logf("%d inbound handshakes are pending\n%s", n.table.Pending(), stacks[:runtime.Stack(stacks, true)])
	}).Stop()
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

// Three of each kind, started in any order through one seed: all see all within
// two seconds of the last start, and no OTP node has lost its global server.
func TestOTPAndLiminalFullMesh(t *testing.T) {
	otptest.Need(t)
	for name, order := range map[string][]string{
		"otp first":     {"otp0", "otp1", "otp2", "lim0", "lim1", "lim2"},
		"liminal first": {"lim0", "lim1", "otp0", "otp1", "lim2", "otp2"},
		"in turns":      {"otp0", "lim0", "otp1", "lim1", "otp2", "lim2"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &mesh{t: t, epmd: otptest.NewEPMD(t), seed: "otp0@127.0.0.1", globals: map[string]string{}}
			for _, n := range order {
				m.start(n)
			}
			m.allSeeAll()
		})
	}
}

// mesh is a cluster of both kinds. OTP nodes reach the seed by a ping, and are
// told of the rest by OTP's own global; liminal nodes find all by themselves.
type mesh struct {
	t       *testing.T
	epmd    *otptest.EPMD
	seed    string
	names   []string
	otps    []*otptest.Node
	globals map[string]string // pid of global_name_server
	nodes   []*Node
	starts  sync.WaitGroup // of liminal nodes whose seed is not there yet
	mu      sync.Mutex
	last    time.Time
}

func (m *mesh) start(name string) {
	m.names, m.last = append(m.names, name+"@127.0.0.1"), time.Now()
	if strings.HasPrefix(name, "lim") {
		m.startLiminal(name)
		return
	}
	otp := otptest.Start(m.t, otptest.Options{Name: name, EPMD: m.epmd, Cookie: "mesh-of-six"})
	m.otps, m.last = append(m.otps, otp), time.Now()
	m.globals[otp.Name] = otp.Eval(m.t, "whereis(global_name_server).")
	if otp.Name != m.seed && slices.Contains(m.names, m.seed) {
		if got := otp.Eval(m.t, "net_adm:ping('"+m.seed+"')."); got != "pong" {
			m.t.Errorf("%s: ping: %s", name, got)
		}
	}
}

func (m *mesh) startLiminal(name string) {
	c := testConfig(m.t, name)
	c.Cookie, c.EPMD, c.EPMDPort = NewCookie("mesh-of-six"), EPMDRequire, m.epmd.Port
	c.Seeds, c.RetryJoin, c.RetryMax = []string{m.seed}, true, time.Second
	listening := make(chan struct{})
	c.Listening = func(*Node) { close(listening) }
	m.starts.Go(func() {
		n, err := Start(m.t.Context(), c)
		if err != nil {
			m.t.Errorf("start %s: %v", name, err)
			return
		}
		m.t.Cleanup(func() { n.Close() })
		m.mu.Lock()
		defer m.mu.Unlock()
		m.nodes = append(m.nodes, n)
	})
	select {
	case <-listening:
	case <-time.After(within):
		m.t.Fatalf("%s does not listen", name)
	}
}

func (m *mesh) allSeeAll() {
	m.starts.Wait()
	for _, n := range m.nodes {
		waitFor(m.t, n, "all see all", hasPeers(except(m.names, n.name)...))
	}
	for _, otp := range m.otps {
		want := "['" + strings.Join(except(m.names, otp.Name), "','") + "']"
		otp.WaitEval(m.t, "lists:sort(nodes()) =:= "+want+".", "true", within)
	}
	took := time.Since(m.last)
	m.t.Logf("all see all %v after the last start", took)
	if took > 2*time.Second {
		m.t.Errorf("all see all only %v after the last start", took)
	}
	for _, otp := range m.otps {
		if got := otp.Eval(m.t, "global:sync()."); got != "ok" {
			m.t.Errorf("global:sync on %s: %s", otp.Name, got)
		}
		if now := otp.Eval(m.t, "whereis(global_name_server)."); now != m.globals[otp.Name] {
			m.t.Errorf("global_name_server of %s was %s and is %s", otp.Name, m.globals[otp.Name], now)
		}
	}
}

func except(all []string, name string) []string {
	rest := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == name })
	slices.Sort(rest)
	return rest
}
