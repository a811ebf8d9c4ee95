package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/otptest"
)

func lookAtOTP(otp *otptest.Node, addresses ...string) LookConfig {
	return LookConfig{Addresses: addresses, Cookie: NewCookie(otp.Cookie), EPMDPort: otp.EPMD.Port}
}

// look looks until the test ends, and has seen all when it returns.
func look(t testing.TB, c LookConfig) *Node {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	n, err := Look(ctx, c)
	if err != nil {
		t.Fatalf("look at %v: %v", c.Addresses, err)
	}
	t.Cleanup(func() { n.Close() })
	if err := n.Looked(ctx); err != nil {
		t.Fatal(err)
	}
	return n
}

// seen is the list of peers as one text: "a@h up otp, b@h dialling other".
func seen(n *Node) string {
	var all []string
	for _, p := range n.Peers() {
		all = append(all, fmt.Sprint(p.Name, " ", p.State, " ", p.Kind))
	}
	return strings.Join(all, ", ")
}

// traces is what a look must not change on an OTP node.
const traces = `{nodes(), nodes(hidden), pg:which_groups(), length(code:all_loaded()), lists:sort(registered()), length(processes()),
	element(2, erlang:process_info(whereis(pg), monitors))}.`

// An OTP cluster as it is seen from outside: the target, a visible node, a hidden
// one, and one whose name leads nowhere any more.
func TestLookAtOTP(t *testing.T) {
	otptest.Need(t)
	epmd := otptest.NewEPMD(t)
	app := otptest.Start(t, otptest.Options{Name: "app", EPMD: epmd})
	web := otptest.Start(t, otptest.Options{Name: "web", EPMD: epmd})
	obs := otptest.Start(t, otptest.Options{Name: "obs", EPMD: epmd, Hidden: true})
	for _, n := range []*otptest.Node{web, obs} {
		if got := app.Eval(t, "net_kernel:connect_node('"+n.Name+"')."); got != "true" {
			t.Fatal(got)
		}
	}
	web.WaitEval(t, "lists:member('"+app.Name+"', nodes()).", "true", within)
	for _, o := range []*otptest.Node{app, web} {
		o.Eval(t, "pg:join(orders, self()).")
	}
	for _, o := range []*otptest.Node{app, web} {
		o.WaitEval(t, "length(pg:get_members(orders)).", "2", within)
	}
	before := map[string]string{app.Name: app.Eval(t, traces), web.Name: web.Eval(t, traces)}

	n := look(t, lookAtOTP(app, app.Name))
	if got, want := seen(n), "app@127.0.0.1 up otp, obs@127.0.0.1 up otp, web@127.0.0.1 up otp"; got != want {
		t.Errorf("seen %s, want %s", got, want)
	}
	for _, p := range n.Peers() {
		if p.RTT <= 0 || p.Hidden != (p.Name == obs.Name) {
			t.Errorf("%s has rtt %v, hidden %t", p.Name, p.RTT, p.Hidden)
		}
		if told := p.ToldBy; p.Name != app.Name && told != app.Name {
			t.Errorf("%s was told by %q, want %s", p.Name, told, app.Name)
		}
	}
	if n.name != "liminal-look-0@127.0.0.1" || len(n.ListenAddr()) != 0 {
		t.Errorf("the look is %s and listens on %v", n.name, n.ListenAddr())
	}
	if got := app.Eval(t, "nodes()."); got != "['web@127.0.0.1']" {
		t.Errorf("nodes() of the target during the look: %s", got)
	}
	if names := strings.Join(epmd.Names(), ","); strings.Contains(names, "look") {
		t.Errorf("epmd knows %s", names)
	}
	n.Close()
	for _, o := range []*otptest.Node{app, web} {
		o.WaitEval(t, traces, before[o.Name], within)
		if log := o.Log(); strings.Contains(log, "ERROR") || strings.Contains(log, "look") {
			t.Errorf("%s has logged:\n%s", o.Name, log)
		}
	}
}

// What the target sees and we cannot reach stays listed, and says why.
func TestLookAtWhatCannotBeReached(t *testing.T) {
	otptest.Need(t)
	epmd := otptest.NewEPMD(t)
	app := otptest.Start(t, otptest.Options{Name: "app", EPMD: epmd})
	c := testConfig(t, "b") // in no epmd, so that nobody finds it
	c.Cookie = NewCookie(app.Cookie)
	b := start(t, c)
	if j := b.Join(t.Context(), app.Addr(t)); j.Err != nil {
		t.Fatal(j.Err)
	}
	n := look(t, lookAtOTP(app, app.Name))
	for _, p := range n.Peers() {
		if p.Name != b.name {
			continue
		}
		if p.State != StateDialling || p.ToldBy != app.Name || !strings.Contains(p.LastError, "does not know that name") {
			t.Errorf("b is %+v", p)
		}
		return
	}
	t.Errorf("b is not listed: %s", seen(n))
}

// A name is kept by the target for ever, so there are few of them.
func TestLookLeavesNoAtoms(t *testing.T) {
	otptest.Need(t)
	app := otptest.Start(t, otptest.Options{Name: "app"})
	visit := func(times int) string {
		for range times {
			n := look(t, lookAtOTP(app, app.Name))
			n.Close()
		}
		app.WaitEval(t, "nodes(hidden).", "[]", within)
		return app.Eval(t, "erlang:system_info(atom_count).")
	}
	// All names once, since which one is taken depends on how fast the target
	// clears up behind the one before.
	var open []*Node
	for range LookSlots {
		open = append(open, look(t, lookAtOTP(app, app.Name)))
	}
	if _, err := Look(t.Context(), lookAtOTP(app, app.Name)); !errors.Is(err, ErrDuplicate) {
		t.Errorf("a look too many: %v", err)
	}
	if got, want := seen(open[LookSlots-1]), "app@127.0.0.1 up otp"; got != want || open[LookSlots-1].knows(open[0].name) {
		t.Errorf("looks see %s, want %s and no other look", got, want)
	}
	names := map[string]bool{}
	for _, n := range open {
		names[n.name] = true
		n.Close()
	}
	if len(names) != LookSlots {
		t.Errorf("%d names of %d looks", len(names), LookSlots)
	}
	before := visit(1)
	if after := visit(84); after != before {
		t.Errorf("%s atoms before, %s after", before, after)
	}
	if log := app.Log(); strings.Contains(log, "ERROR") {
		t.Errorf("the target has logged:\n%s", log)
	}
}

// A label says nothing about the form of the name; the second try has it right.
func TestLookFindsTheForm(t *testing.T) {
	otptest.Need(t)
	for _, short := range []bool{true, false} {
		otp := otptest.Start(t, otptest.Options{Short: short, EPMD: otptest.NewEPMD(t)})
		n := look(t, lookAtOTP(otp, otp.Addr(t)))
		if got, want := seen(n), otp.Name+" up otp"; got != want {
			t.Errorf("seen %s, want %s", got, want)
		}
		if host := strings.TrimPrefix(n.name, "liminal-look-0@"); strings.Contains(host, ".") == short {
			t.Errorf("%s looks at %s", n.name, otp.Name)
		}
		n.Close()
	}
}

// An address that gives a short name a long host is told under which name the node
// can be looked at.
func TestLookSaysTheRightName(t *testing.T) {
	otptest.Need(t)
	otp := otptest.Start(t, otptest.Options{Short: true})
	for _, address := range []string{otp.Alive + "@127.0.0.1", otp.Alive + "@" + otp.Addr(t)} {
		var dial *DialError
		_, err := Look(t.Context(), lookAtOTP(otp, address))
		if !errors.Is(err, ErrNameMode) || !errors.As(err, &dial) || dial.Peer != otp.Name {
			t.Errorf("look at %s: %v, of %+v", address, err, dial)
		}
	}
}

func TestLookFails(t *testing.T) {
	otptest.Need(t)
	otp := otptest.Start(t, otptest.Options{})
	wrong := lookAtOTP(otp, otp.Name)
	wrong.Cookie = NewCookie("not the same cookie")
	none := lookAtOTP(otp, "nobody@127.0.0.1")
	both := lookAtOTP(otp, "nobody@127.0.0.1", "none@127.0.0.1")
	for _, c := range []struct {
		name string
		look LookConfig
		want error
	}{{"cookie", wrong, ErrCookie}, {"name", none, ErrNoSuchName}, {"all of several", both, ErrClusterJoin}} {
		start := time.Now()
		_, err := Look(t.Context(), c.look)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: it took %v", c.name, took)
		}
	}
	var dial *DialError
	_, err := Look(t.Context(), none)
	if !errors.As(err, &dial) || strings.Join(dial.Known, ",") != otp.Alive {
		t.Errorf("epmd knows %+v", err)
	}
	n := look(t, lookAtOTP(otp, "nobody@127.0.0.1", otp.Name)) // one is enough
	if got, want := seen(n), "nobody@127.0.0.1 dialling other, "+otp.Name+" up otp"; got != want {
		t.Errorf("seen %s, want %s", got, want)
	}
}

// A node that refuses us is listed with the reason and left alone, however often
// the target speaks of it.
func TestLookIsRefusedByOne(t *testing.T) {
	otptest.Need(t)
	epmd := otptest.NewEPMD(t)
	app := otptest.Start(t, otptest.Options{Name: "app", EPMD: epmd, Cookie: "one"})
	web := otptest.Start(t, otptest.Options{Name: "web", EPMD: epmd, Cookie: "two"})
	app.Eval(t, "erlang:set_cookie('"+web.Name+"', two).")
	if got := app.Eval(t, "net_kernel:connect_node('"+web.Name+"')."); got != "true" {
		t.Fatal(got)
	}
	n := look(t, lookAtOTP(app, app.Name))
	for i := range 3 {
		n.askMesh(time.Now().Add(time.Duration(i+1) * time.Minute))
		if err := n.Looked(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.forgetOld(time.Now())
	}
	if got, want := seen(n), "app@127.0.0.1 up otp, web@127.0.0.1 dialling other"; got != want {
		t.Fatalf("seen %s, want %s", got, want)
	}
	if p := n.Peers()[1]; p.LastError != ErrCookie.Error() || p.ToldBy != app.Name {
		t.Errorf("web is %+v", p)
	}
	if got := strings.Count(web.Log(), "Invalid challenge reply"); got > 1 {
		t.Errorf("%d errors in its log:\n%s", got, web.Log())
	}
}
