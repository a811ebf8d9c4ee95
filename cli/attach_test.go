package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
	"github.com/liminal-bus/liminal/tui"
)

// allLookTold are errors as one meets them who looks from outside.
func allLookTold() []told {
	l := &looker{me: meShort, command: "peers --attach"}
	look := func(address string, e node.DialError) *control.Error {
		e.Address = address
		return l.advise(explainDial(address, &e, meShort), &e, address)
	}
	p := &looker{me: meShort, command: "probe"}
	probe := func(address string, stage node.CheckStage, err error) *control.Error {
		return p.verdict(node.CheckReport{Address: address, As: "liminal-look-0@dev", Failed: stage, Err: err})
	}
	return []told{
		{look("app", node.DialError{Peer: "app@dev", Err: node.ErrCookie}), "cookie", 77,
			"app@dev refused us: the cookies differ\nit hung up on our cookie (\"Invalid challenge reply\" in its log); ours: 6 characters from LIMINAL_COOKIE\nthere: erlang:get_cookie(); here: liminal peers --attach app --cookie-file PATH"},
		{look("app@dev", node.DialError{Err: node.ErrDuplicate}), "name_duplicate", 73,
			"app@dev has no name left for a look\nit has connections under all 16 names that this machine looks under\nend one of the looks, then: liminal peers --attach app@dev"},
		{look("app@dev", node.DialError{Peer: "app@dev", Err: node.ErrRefused}), "refused", 77,
			"app@dev refused us: it does not allow this node\nit answered \"not_allowed\": it left the cluster, has all the peers it takes, was told to forget this node, has our name or another node of it, or a list there (net_kernel:allow) lacks us\nthere: liminal join ADDR, or net_kernel:allow"},
		{look("10.0.0.7:9100", node.DialError{Err: node.ErrSeen}), "looks", 73,
			"10.0.0.7:9100 is probably a target that is looked at already\nit has a connection under the name that we look under, as another address has given us\nleave it out"},
		{look("app@db1", node.DialError{Known: []string{"web"}, Err: node.ErrNoSuchName}), "no_such_name", 69,
			"host db1 has no node called \"app\"\nits epmd knows: web\nliminal probe web@db1 (says how it can be joined)"},
		{look("a@dv", node.DialError{Err: node.ErrNoHost}), "no_host", 69,
			"no address for host \"dv\"\nDNS and /etc/hosts do not know it\nliminal peers --attach a@10.0.0.5 (its IP address), or fix the name"},
		{look("b@dev", node.DialError{Err: errors.New("odd")}), "unreachable", 69, "cannot join b@dev\nodd\nliminal probe b@dev"},
		{tooManyLooks("peers --attach", "app"), "looks", 73,
			"16 looks are under way on this machine\nthere are 16 names to look under: a node keeps each name that it has met\nend one of them, then: liminal peers --attach app"},
		{probe("app", node.CheckCookie, dialError("app", "", "app@dev", node.ErrCookie)), "probe_cookie", 26,
			"app@dev refused us: the cookies differ\nit hung up on our cookie (\"Invalid challenge reply\" in its log); ours: 6 characters from LIMINAL_COOKIE\nthere: erlang:get_cookie(); here: liminal probe app --cookie-file PATH"},
		{probe("app@dev:9100", node.CheckName, dialError("app@dev:9100", "10.0.0.7:9100", "web@dev", node.ErrWrongName)), "probe_name", 24,
			"web@dev answers at app@dev:9100\nthe address leads to another node than the one it names\nliminal probe 10.0.0.7:9100 (takes whatever name answers)"},
		{probe("dev:80", node.CheckTLS, dialError("dev:80", "10.0.0.7:80", "", errors.New("connection closed"))), "probe_tls", 23,
			"dev:80 at 10.0.0.7:80 hung up without a word\nit speaks TLS or another protocol, or lets nobody in: connection closed\na distribution port: epmd -names, over there"},
	}
}

func TestLookNotes(t *testing.T) {
	up := control.Peer{State: "up"}
	down := control.Peer{State: "down", Note: ptr("connection refused, 3 tries")}
	for _, test := range []struct {
		row    control.Peer
		peer   node.Peer
		target bool
		want   string
	}{
		{up, node.Peer{State: node.StateUp}, true, "attached here"},
		{up, node.Peer{State: node.StateUp, ToldBy: "app@dev"}, false, ""},
		{down, node.Peer{State: node.StateDown}, true, "connection refused, 3 tries"},
		{control.Peer{State: "dialling"}, node.Peer{State: node.StateDialling, ToldBy: "app@dev", LastError: "connection refused"}, false,
			"seen by app@dev; cannot be reached from here: connection refused"},
		{control.Peer{State: "dialling"}, node.Peer{State: node.StateDialling, ToldBy: "app@dev"}, false, "seen by app@dev; not reached yet"},
		{control.Peer{State: "dialling"}, node.Peer{State: node.StateDialling, LastError: "timed out"}, false, "cannot be reached from here: timed out"},
	} {
		if got := text(lookNote(test.row, test.peer, test.target)); got != test.want {
			t.Errorf("%s: %q, want %q", test.peer.State, got, test.want)
		}
	}
}

// A claim is held against other claims of the name, and does not look like a node.
func TestClaim(t *testing.T) {
	l := &looker{dir: t.TempDir()}
	release, err := l.claim("liminal-look-0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.claim("liminal-look-0"); !errors.Is(err, node.ErrLooks) {
		t.Errorf("a second claim: %v", err)
	}
	other, err := l.claim("liminal-look-1")
	if err != nil {
		t.Fatal(err)
	}
	other()
	if found, err := control.Inspect(l.dir); err != nil || len(found) > 0 {
		t.Errorf("nodes that run here: %+v, %v", found, err)
	}
	release()
	again, err := l.claim("liminal-look-0")
	if err != nil {
		t.Fatal(err)
	}
	again()
	l.dir += "/missing"
	if _, err := l.claim("liminal-look-0"); err == nil || errors.Is(err, node.ErrLooks) {
		t.Errorf("a claim without a directory: %v", err)
	}
}

// What commands and the screen see through a look: the cluster of its target.
func TestLookSource(t *testing.T) {
	const secret = "a cookie for these tests"
	a, err := node.Start(t.Context(), node.Config{
		Name: "a@127.0.0.1", Listen: "127.0.0.1:0", EPMD: node.EPMDOff, Cookie: node.NewCookie(secret),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	l := &looker{
		call:   &call{env: Env{Getenv: func(string) string { return "" }, Now: time.Now}},
		config: node.Config{EPMD: node.EPMDOff}, cookie: config.Cookie{Value: node.NewCookie(secret)},
		dir: t.TempDir(), command: "peers --attach",
	}
	n, err := node.Look(t.Context(), l.lookConfig([]string{a.ListenAddr()[0].String()}))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.Looked(t.Context()); err != nil {
		t.Fatal(err)
	}
	var src tui.Source = l.source(n)
	if s, err := src.Status(t.Context()); err != nil || s.Node != a.Name() || s.State != "up" || s.Peers.Up != 1 || len(s.Listen) != 0 {
		t.Errorf("status %+v, %v", s, err)
	}
	if p, err := src.Peers(t.Context(), control.Filter{}); err != nil || p.Node != a.Name() || len(p.Peers) != 1 || text(p.Peers[0].Note) != "attached here" {
		t.Errorf("peers %+v, %v", p, err)
	}
	var told *control.Error
	if _, err := src.Channels(t.Context(), nil); !errors.As(err, &told) || told.Code != "no_channels" {
		t.Errorf("channels: %v", err)
	}
	done, names := errors.New("seen enough"), []string(nil)
	err = src.Watch(t.Context(), control.WatchRequest{}, func(e control.Event) error {
		names = append(names, e.Type+" "+e.Name)
		if e.Type == control.EventSnapshotEnd {
			return done
		}
		return nil
	})
	if got, want := strings.Join(names, ", "), "snapshot.peer a@127.0.0.1, snapshot.end "; !errors.Is(err, done) || got != want {
		t.Errorf("events %q, want %q: %v", got, want, err)
	}
}

func probeReport() node.CheckReport {
	return node.CheckReport{
		Address: "app", As: "liminal-look-0@dev", Took: 3 * time.Millisecond,
		Steps: []node.CheckStep{
			{Stage: node.CheckResolve, Result: node.CheckOK, Took: 200 * time.Microsecond, Detail: "dev is 127.0.1.1"},
			{Stage: node.CheckEPMD, Result: node.CheckSkipped, Detail: "the address has a port"},
			{Stage: node.CheckCookie, Result: node.CheckFailed, Took: 1200 * time.Microsecond, Detail: "evil \x1b[2J"},
		},
	}
}

func TestProbeForms(t *testing.T) {
	for _, test := range []struct {
		name string
		form form
		want string
	}{
		{"terminal", formTerminal, `
STAGE    RESULT    TIME  DETAIL
resolve  ok      0.2 ms  dev is 127.0.1.1
epmd     -            -  the address has a port
cookie   FAIL    1.2 ms  evil \x1b[2J
`},
		{"plain", formPlain, `
resolve	ok	200	dev is 127.0.1.1
epmd	skip	0	the address has a port
cookie	fail	1200	evil \x1b[2J
`},
		{"JSON", formJSON, `
{"schema":"liminal.probe/1","address":"app","time":"2026-01-15T12:04:31.12Z","ok":false,"failed":"cookie","took_us":3000,"as":"liminal-look-0@dev","steps":[{"stage":"resolve","result":"ok","took_us":200,"detail":"dev is 127.0.1.1"},{"stage":"epmd","result":"skip","took_us":0,"detail":"the address has a port"},{"stage":"cookie","result":"fail","took_us":1200,"detail":"evil \u001b[2J"}],"peer":null,"error":{"code":"probe_cookie","message":"no","why":"for a reason","try":"again","exit":26}}
`},
	} {
		var b bytes.Buffer
		o := &output{stdout: &b, stderr: &b, form: test.form, header: test.form == formTerminal}
		c := &call{env: Env{Now: func() time.Time { return noon }}, out: o}
		r := probeReport()
		r.Failed = node.CheckCookie
		if err := c.showProbe(r, fail("probe_cookie", "no", "for a reason", "again")); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); got != test.want[1:] {
			t.Errorf("%s:\n%swant\n%s", test.name, got, test.want[1:])
		}
	}
}

func TestProbeSummary(t *testing.T) {
	for published, want := range map[bool]string{
		true:  "app@dev can be joined: liminal join app; its nodes() would list a visible node",
		false: "app@dev can be joined: liminal join app; it is hidden itself, and lists nobody",
	} {
		r := probeReport()
		r.Peer = node.CheckPeer{Name: "app@dev", Published: published}
		if got := probeSummary(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Every stage has a status of its own, and a line in the help.
func TestProbeExits(t *testing.T) {
	for i, stage := range node.CheckStages {
		if got := exits["probe_"+string(stage)]; got != exitProbeResolve+i {
			t.Errorf("%s exits %d, want %d", stage, got, exitProbeResolve+i)
		}
		if !strings.Contains(exitCodesPage, fmt.Sprintf("\n   %d  ", exitProbeResolve+i)) {
			t.Errorf("help exit-codes has no line for %s", stage)
		}
	}
}
