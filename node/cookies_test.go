package node

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/otptest"
)

const (
	oldSecret = "OLDCANARY-0123456789-abcdef"
	newSecret = "NEWCANARY-0123456789-abcdef"
)

var oldCookie, newCookie = NewCookie(oldSecret), NewCookie(newSecret)

// lockedBuffer takes the log of several nodes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// holds are a node's cookies, its own first.
func holds(c Config, set ...Cookie) Config {
	c.Cookie, c.Accept = set[0], set[1:]
	return c
}

func setCookies(t *testing.T, n *Node, set ...Cookie) {
	t.Helper()
	if err := n.SetCookies(set[0], set[1:]...); err != nil {
		t.Fatal(err)
	}
}

// on waits until exactly these peers are not known to hold n's own cookie.
func on(t *testing.T, n *Node, names ...string) {
	t.Helper()
	slices.Sort(names)
	waitFor(t, n, fmt.Sprintf("%v use another cookie", names), func(n *Node) bool {
		s := n.Status()
		var peers []string
		for _, p := range n.Peers() {
			if p.OtherCookie {
				peers = append(peers, p.Name)
			}
		}
		return slices.Equal(s.Others, names) && slices.Equal(peers, names) || len(names) == 0 && len(s.Others)+len(peers) == 0
	})
}

// S9, S10: three nodes go from one cookie to another, one after the other, in the
// three steps that the README tells: each link stays, each node knows at each step
// who would be shut out, and no log line, status or event shows a cookie.
func TestRotation(t *testing.T) {
	var log lockedBuffer
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var all []*Node
	var names []string
	run := func(i int, set ...Cookie) *Node {
		c := holds(testConfig(t, string(rune('a'+i))), set...)
		c.Logger = logger
		if i > 0 || len(all) > i {
			c.Seeds = []string{all[(i+2)%len(all)].testAddr()}
		}
		return start(t, c)
	}
	for i := range 3 {
		n := run(i, oldCookie)
		all, names = append(all, n), append(names, n.name)
	}
	without := func(i int) []string { return slices.Delete(slices.Clone(names), i, i+1) }
	var watchers []*Watcher
	var generations []uint64
	for i, n := range all {
		waitFor(t, n, "all are up", hasPeers(without(i)...))
		for _, name := range without(i) {
			peerState(t, n, name, StateUp)
		}
		w := n.Watch(0)
		defer w.Close()
		watchers = append(watchers, w)
	}
	for _, n := range all {
		generations = append(generations, generationsOf(n))
	}
	for _, set := range [][]Cookie{{oldCookie, newCookie}, {newCookie, oldCookie}} {
		for _, n := range all {
			setCookies(t, n, set...)
		}
		for i, n := range all {
			on(t, n)
			if s := n.Status(); s.Accepted != 1 || len(s.Warnings) != 0 {
				t.Errorf("%s: %d accepted, %v", names[i], s.Accepted, s.Warnings)
			}
		}
	}
	setCookies(t, all[0], newCookie)
	for i := 1; i < 3; i++ {
		on(t, all[i]) // the first one holds the new cookie, which is theirs too
		setCookies(t, all[i], newCookie)
	}
	for i, n := range all {
		on(t, n)
		if got := generationsOf(n); got != generations[i] {
			t.Errorf("%s has had %d links, and %d before", names[i], got, generations[i])
		}
		if s := n.Status(); s.Accepted != 0 || s.Counters["dials_other_cookie"] != 0 || s.Counters["peers_left"] != 0 {
			t.Errorf("%s: %d accepted, %v", names[i], s.Accepted, s.Counters)
		}
		checkCalm(t, n, watchers[i])
	}
	for i := range all {
		all[i].Close()
		waitFor(t, all[(i+1)%3], "it left", func(n *Node) bool { return !slices.Contains(n.PeerNames(), names[i]) })
		all[i] = run(i, newCookie)
		for k, n := range all {
			waitFor(t, n, "all are up again", hasPeers(without(k)...))
			on(t, n)
		}
	}
	stranger := start(t, holds(testConfig(t, "stranger"), oldCookie))
	for _, n := range all {
		if j := stranger.Join(t.Context(), n.testAddr()); !errors.Is(j.Err, ErrCookie) {
			t.Errorf("%s takes the old cookie: %v", n.name, j.Err)
		}
	}
	text := log.String() + fmt.Sprintf("%+v", stranger.Status())
	for _, n := range all {
		text += fmt.Sprintf("%+v %+v", n.Status(), n.Peers())
	}
	if strings.Contains(text, "CANARY") {
		t.Error("a cookie shows")
	}
	if !strings.Contains(text, `"msg":"cookies changed","own":true,"accepted":1`) {
		t.Error("the log does not tell of the change")
	}
}

// generationsOf counts the links that a node has had with its peers.
func generationsOf(n *Node) (sum uint64) {
	for _, p := range n.Peers() {
		sum += p.Generation
	}
	return sum
}

// checkCalm reads what has happened so far: nobody went.
func checkCalm(t *testing.T, n *Node, w *Watcher) {
	t.Helper()
	last := n.Status().EventSeq
	for {
		switch ev := take(t, w); {
		case ev.Type == EventLeave || ev.Type == EventDown || ev.Type == EventRejoin:
			t.Errorf("%s: %+v", n.name, ev)
		case ev.Type == EventSnapshotEnd && ev.Seq >= last, ev.Seq >= last && ev.Type != EventSnapshotPeer:
			return
		}
	}
}

// Who would be shut out is known of liminal peers at once, and of others when their
// link is renewed.
func TestWhoIsOnAnotherCookie(t *testing.T) {
	a := start(t, holds(testConfig(t, "a"), oldCookie))
	b := start(t, holds(testConfig(t, "b"), oldCookie))
	if j := a.Join(t.Context(), b.testAddr()); j.Err != nil {
		t.Fatal(j.Err)
	}
	waitFor(t, b, "a is up", hasPeers(a.name))
	waitFor(t, a, "b said hello", saidHello)
	for _, step := range []struct {
		n          *Node
		set        []Cookie
		onA, onB   []string
		why        string
		accepted   int
		warnsShort bool
	}{
		{n: a, set: []Cookie{newCookie, oldCookie}, onA: []string{b.name}, why: "b has not heard of the new one", accepted: 1},
		{n: b, set: []Cookie{oldCookie, newCookie}, why: "b takes both, a as well", accepted: 1},
		{n: a, set: []Cookie{newCookie}, onB: []string{a.name}, why: "a has dropped the one that is b's own"},
		{n: b, set: []Cookie{newCookie}, why: "both have the new one"},
		{n: b, set: []Cookie{newCookie, NewCookie("short")}, why: "one more", accepted: 1, warnsShort: true},
		{n: a, set: []Cookie{oldCookie}, onA: []string{b.name}, onB: []string{a.name}, why: "they have none in common, and a link"},
	} {
		setCookies(t, step.n, step.set...)
		t.Log(step.why)
		on(t, a, step.onA...)
		on(t, b, step.onB...)
		s := step.n.Status()
		if s.Accepted != step.accepted || slices.ContainsFunc(s.Warnings, func(w string) bool { return strings.Contains(w, "short") }) != step.warnsShort {
			t.Errorf("%s: %d accepted, %v", step.why, s.Accepted, s.Warnings)
		}
	}
}

// What a peer has shown counts when our own cookie changes after it, and what a
// newcomer holds is shown with its link.
func TestShownBeforeItMatters(t *testing.T) {
	a := start(t, holds(testConfig(t, "a"), oldCookie))
	b := start(t, holds(testConfig(t, "b"), oldCookie, newCookie))
	c := start(t, holds(testConfig(t, "c"), newCookie, oldCookie))
	shown := func(by *Node, to *Node) {
		t.Helper()
		waitFor(t, to, by.name+" has shown two cookies", func(n *Node) bool {
			n.mu.Lock()
			defer n.mu.Unlock()
			p := n.peers[by.name]
			return p != nil && len(p.proofs) == 2
		})
	}
	for _, n := range []*Node{b, c} {
		if j := a.Join(t.Context(), n.testAddr()); j.Err != nil {
			t.Fatal(j.Err)
		}
		shown(n, a)
	}
	shown(b, c)
	shown(c, b)
	on(t, a)
	on(t, b)
	on(t, c, a.name)
	setCookies(t, a, newCookie)
	on(t, a)
}

// A node without the new cookie that joins later is let in, and named.
func TestNewcomerOnTheOldCookie(t *testing.T) {
	a := start(t, holds(testConfig(t, "a"), newCookie, oldCookie))
	for _, inbound := range []bool{false, true} {
		b := start(t, holds(testConfig(t, "b"), oldCookie))
		from, to := a, b
		if inbound {
			from, to = b, a
		}
		if j := from.Join(t.Context(), to.testAddr()); j.Err != nil {
			t.Fatalf("inbound %t: %v", inbound, j.Err)
		}
		waitFor(t, a, "b is up", hasPeers(b.name))
		on(t, a, b.name)
		on(t, b) // a has shown that it holds the old one as well
		b.Close()
		waitFor(t, a, "b is gone", hasPeers())
		on(t, a)
	}
}

// A seed that refused our cookie is left alone for half a minute; with another
// cookie it is dialled at once, and with the same ones it is not.
func TestSetCookiesDialsWhoRefused(t *testing.T) {
	a := start(t, holds(testConfig(t, "a"), newCookie))
	b := start(t, holds(testConfig(t, "b"), oldCookie))
	if j := b.Join(t.Context(), a.testAddr()); !errors.Is(j.Err, ErrCookie) {
		t.Fatal(j.Err)
	}
	seed := func() SeedStatus { return b.Status().Seeds[0] }
	if s := seed(); s.State != "refused" || s.Tries != 1 {
		t.Fatalf("%+v", s)
	}
	setCookies(t, b, oldCookie, oldCookie)
	if s := seed(); s.State != "refused" || s.Tries != 1 {
		t.Errorf("nothing has changed, and it is dialled: %+v", s)
	}
	setCookies(t, b, oldCookie, newCookie)
	waitFor(t, b, "a is up", hasPeers(a.name))
}

func TestSetCookiesRefuses(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	five := []Cookie{NewCookie("1"), NewCookie("2"), NewCookie("3"), NewCookie("4"), NewCookie("5")}
	for _, set := range [][]Cookie{{{}}, {oldCookie, {}}, five} {
		if err := n.SetCookies(set[0], set[1:]...); err == nil {
			t.Errorf("%d cookies are taken", len(set))
		}
		c := holds(testConfig(t, "b"), set...)
		if bad, err := Start(t.Context(), c); err == nil {
			bad.Close()
			t.Errorf("started with %d cookies", len(set))
		}
	}
	if got := n.table.Cookies(); len(got) != 1 || !got[0].Same(NewCookie("a cookie for these tests")) {
		t.Error("a bad set has changed something")
	}
	setCookies(t, n, append(five[:4], five[:4]...)...) // each counts once
}

// S19: what a peer says of its cookies is bounded, and a lie gains it nothing but
// to be named.
func TestProofsOfStrangers(t *testing.T) {
	a := start(t, holds(testConfig(t, "a"), newCookie, oldCookie))
	b := start(t, holds(testConfig(t, "b"), newCookie))
	if j := b.Join(t.Context(), a.testAddr()); j.Err != nil {
		t.Fatal(j.Err)
	}
	waitFor(t, a, "b is up", hasPeers(b.name))
	info, _ := a.table.Lookup(b.name)
	head := func(elements int) []byte {
		m := etf.AppendAtom(etf.AppendTuple(nil, 3), "cookies")
		return etf.AppendListHeader(etf.AppendInt(m, wireVersion), elements)
	}
	lie := func(n int) []byte {
		m := head(n)
		for range n {
			m = etf.AppendBinary(m, make([]byte, len(dist.Proof{})))
		}
		return etf.AppendNil(m)
	}
	good := encodeProofs([]Cookie{newCookie}, b.life(), a.life())
	for _, c := range []struct {
		what   string
		msg    []byte
		good   bool
		others int
	}{
		{"none", lie(0), true, 0},
		{"lies", lie(3), true, 1},
		{"the truth", good, true, 0},
		{"a proof of another node", encodeProofs([]Cookie{newCookie}, a.life(), a.life()), true, 1},
		{"the old one", encodeProofs([]Cookie{oldCookie}, b.life(), a.life()), true, 1},
		{"too many lies", lie(1000), true, 1},
		{"cut short", good[:len(good)-20], false, 1},
		{"too long a proof", etf.AppendNil(etf.AppendBinary(head(1), make([]byte, 33))), false, 1},
		{"an atom", etf.AppendNil(etf.AppendAtom(head(1), "x")), false, 1},
		{"no list", etf.AppendInt(etf.AppendInt(etf.AppendAtom(etf.AppendTuple(nil, 3), "cookies"), 1), 7), false, 1},
		{"a list of far more than it has", head(1 << 30), false, 1},
		{"the truth again", good, true, 0},
	} {
		if err := a.deliver(info.Link, c.msg); (err == nil) != c.good {
			t.Errorf("%s: %v", c.what, err)
		}
		if got := a.Status().Others; len(got) != c.others {
			t.Errorf("%s: %v use another", c.what, got)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.plan.AddTold("x@127.0.0.1"); err != nil { // the lock is free of the above
		t.Error(err)
	}
}

// A check tries the cookies as a dial does, and says which was proved.
func TestCheckTriesCookies(t *testing.T) {
	b := start(t, holds(testConfig(t, "b"), oldCookie))
	check := func(set ...Cookie) CheckReport {
		t.Helper()
		r, err := Check(t.Context(), CheckConfig{Address: b.testAddr(), Cookie: set[0], Accept: set[1:], EPMD: EPMDOff})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	stages := func(r CheckReport) (text string) {
		for _, s := range r.Steps {
			text += string(s.Stage) + " " + string(s.Result) + ", "
		}
		return text
	}
	const way = "resolve skip, epmd skip, connect ok, tls skip, name ok, flags ok, "
	for _, c := range []struct {
		set    []Cookie
		failed CheckStage
		cookie int
		steps  string
	}{
		{[]Cookie{oldCookie}, "", 0, way + "cookie ok, "},
		{[]Cookie{oldCookie, newCookie}, "", 0, way + "cookie ok, "},
		{[]Cookie{newCookie, oldCookie}, "", 1, way + "cookie fail, cookie ok, "},
		{[]Cookie{newCookie, NewCookie("third"), oldCookie}, "", 2, way + "cookie fail, cookie fail, cookie ok, "},
		{[]Cookie{newCookie, NewCookie("third")}, CheckCookie, 0, way + "cookie fail, cookie fail, "},
	} {
		r := check(c.set...)
		if r.Failed != c.failed || r.Peer.Cookie != c.cookie || stages(r) != c.steps || (c.failed != "") != errors.Is(r.Err, ErrCookie) {
			t.Errorf("%d cookies: failed %q, cookie %d, %v, %s", len(c.set), r.Failed, r.Peer.Cookie, r.Err, stages(r))
		}
		if strings.Contains(fmt.Sprintf("%+v", r), "CANARY") {
			t.Error("a cookie shows")
		}
	}
}

// A look tries them as well.
func TestLookTriesCookies(t *testing.T) {
	b := start(t, holds(testConfig(t, "b"), oldCookie))
	n, err := Look(t.Context(), LookConfig{Addresses: []string{b.testAddr()}, Cookie: newCookie, Accept: []Cookie{oldCookie}, EPMD: EPMDOff})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	peerState(t, n, b.name, StateUp)
	if got := b.Status().Others; len(got) != 0 {
		t.Errorf("a look is no peer: %v", got)
	}
}

// An OTP node moves in one step, at any time between the first step and the last.
// Its link stays; whether it has moved shows when that is renewed, or by a check.
func TestOTPRotation(t *testing.T) {
	otptest.Need(t)
	otp := otptest.Start(t, otptest.Options{Cookie: oldSecret, Args: explicit})
	c := holds(otpConfig(t, "a", otp), newCookie, oldCookie)
	a := start(t, c)
	checkOf := func() CheckReport {
		t.Helper()
		r, err := Check(t.Context(), CheckConfig{Address: otp.Name, Cookie: newCookie, Accept: []Cookie{oldCookie}, EPMDPort: c.EPMDPort})
		if err != nil || r.Failed != "" {
			t.Fatalf("%v, %+v", err, r)
		}
		return r
	}
	join := func() {
		t.Helper()
		if j := a.Join(t.Context(), otp.Name); j.Err != nil {
			t.Fatal(j.Err)
		}
		checkOTP(t, otp, a)
	}
	refusedThere := func() int { return strings.Count(otp.Log(), "Invalid challenge reply") }
	join()
	on(t, a, otp.Name)
	if n := refusedThere(); n != 1 {
		t.Errorf("the log over there has %d refusals, want the one of the new cookie", n)
	}
	part(t, otp, a)
	join()
	if n := refusedThere(); n != 1 {
		t.Errorf("it is not remembered that the old one fits: %d refusals", n)
	}
	if r := checkOf(); r.Peer.Cookie != 1 {
		t.Errorf("a check before: cookie %d", r.Peer.Cookie)
	}
	moved := otp.Eval(t, "erpc:multicall([node() | nodes()], erlang, set_cookie, ['"+newSecret+"']).")
	if moved != "[{ok,true},{error,{erpc,notsup}}]" {
		t.Errorf("all in one call: %s", moved)
	}
	checkOTP(t, otp, a)
	on(t, a, otp.Name)
	if r := checkOf(); r.Peer.Cookie != 0 {
		t.Errorf("a check after: cookie %d", r.Peer.Cookie)
	}
	part(t, otp, a)
	if got := otp.Eval(t, "net_kernel:connect_node('"+a.name+"')."); got != "true" {
		t.Fatalf("connect_node: %s", got)
	}
	waitFor(t, a, "it has dialled us", hasPeers(otp.Name))
	on(t, a)
	setCookies(t, a, newCookie)
	checkOTP(t, otp, a)
	otp.Eval(t, "erlang:set_cookie(node(), '"+oldSecret+"').")
	part(t, otp, a)
	if got := otp.Eval(t, "net_kernel:connect_node('"+a.name+"')."); got != "false" {
		t.Errorf("the old cookie is taken: %s", got)
	}
	if j := a.Join(t.Context(), otp.Name); !errors.Is(j.Err, ErrCookie) {
		t.Errorf("joined: %v", j.Err)
	}
}
