package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

var noon = time.Date(2026, 1, 15, 12, 4, 31, 120e6, time.UTC)

func ptr[T any](v T) *T { return &v }

// threePeers are those of every example.
func threePeers() []control.Peer {
	return []control.Peer{
		{Name: "app@dev", State: "up", Kind: "otp", Address: ptr("10.0.0.9:40022"), Since: ptr(noon.Add(-2*time.Hour - 13*time.Minute)), RTTMicros: ptr(int64(900))},
		{Name: "b@dev", State: "up", Kind: "liminal", Address: ptr("127.0.0.1:40122"), Since: ptr(noon.Add(-2*time.Hour - 14*time.Minute)), RTTMicros: ptr(int64(310))},
		{Name: "c@dev", State: "down", Kind: "liminal", Address: ptr("10.0.0.7:9100"), Flaps: 3, Reason: ptr("no tick for 60 s"),
			Changed: ptr(noon.Add(-41 * time.Second)), Note: ptr("connection refused, 3 tries")},
	}
}

func peersOutput(t *testing.T, change func(*output, *peersView)) string {
	t.Helper()
	var b bytes.Buffer
	o := &output{stdout: &b, stderr: &b}
	v := peersView{listView: wholeView(peerColumns)}
	change(o, &v)
	c := &call{env: Env{Now: func() time.Time { return noon }}, out: o}
	doc := control.Peers{Schema: control.SchemaPeers, Node: "a@dev", Time: noon, Peers: threePeers()}
	if err := c.showPeers(doc, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPeersForms(t *testing.T) {
	columns := func(names ...string) (cols []listColumn[control.Peer]) {
		for _, n := range names {
			col, err := findColumn(n, peerColumns, nil)
			if err != nil {
				t.Fatal(err)
			}
			cols = append(cols, col)
		}
		return cols
	}
	for _, test := range []struct {
		name   string
		change func(*output, *peersView)
		want   string
	}{
		{"terminal", func(o *output, _ *peersView) { o.form, o.header = formTerminal, true }, `
NAME     STATE  KIND     ADDRESS          UP     RTT     FLAPS  SUBS  REASON
app@dev  up     otp      10.0.0.9:40022   2h13m  0.9 ms      0  -
b@dev    up     liminal  127.0.0.1:40122  2h14m  0.3 ms      0  -
c@dev    down   liminal  10.0.0.7:9100    -      -           3  -     no tick for 60 s, 41 s ago
`},
		{"terminal of 80 columns", func(o *output, _ *peersView) { o.form, o.header, o.width = formTerminal, true, 80 }, `
NAME     STATE  KIND     ADDRESS          UP     RTT     FLAPS  SUBS  REASON
app@dev  up     otp      10.0.0.9:40022   2h13m  0.9 ms      0  -
b@dev    up     liminal  127.0.0.1:40122  2h14m  0.3 ms      0  -
c@dev    down   liminal  10.0.0.7:9100    -      -           3  -     no tick f…
`},
		{"terminal of 30 columns, ASCII", func(o *output, _ *peersView) {
			o.form, o.header, o.width, o.ascii = formTerminal, true, 30, true
		}, `
NAME     STATE  KIND     ADDR~
app@dev  up     otp      10.0~
b@dev    up     liminal  127.~
c@dev    down   liminal  10.0~
`},
		{"colour", func(o *output, v *peersView) {
			o.form, o.paint, v.columns = formTerminal, true, columns("name", "state", "flaps")
		}, `
app@dev  up    0
b@dev    up    0
c@dev    [1;31mdown[0m  3
`},
		{"plain", func(o *output, _ *peersView) { o.form = formPlain }, `
app@dev	up	otp	10.0.0.9:40022	2026-01-15T09:51:31Z	900	0	-	-
b@dev	up	liminal	127.0.0.1:40122	2026-01-15T09:50:31Z	310	0	-	-
c@dev	down	liminal	10.0.0.7:9100	-	-	3	-	no tick for 60 s
`},
		{"plain with a header, columns and order", func(o *output, v *peersView) {
			o.form, o.header = formPlain, true
			v.columns, v.sort, v.down = columns("flaps", "name"), columns("flaps")[0], true
		}, `
flaps	name
3	c@dev
0	app@dev
0	b@dev
`},
		{"by round trip time, unknown last", func(o *output, v *peersView) {
			o.form, v.columns, v.sort = formPlain, columns("name"), columns("rtt_us")[0]
		}, `
b@dev
app@dev
c@dev
`},
		{"by time of connection", func(o *output, v *peersView) {
			o.form, v.columns, v.sort = formPlain, columns("name"), columns("since")[0]
		}, `
b@dev
app@dev
c@dev
`},
	} {
		got := strings.ReplaceAll(peersOutput(t, test.change), "\x1b", "")
		if want := test.want[1:]; got != want {
			t.Errorf("%s:\n%swant\n%s", test.name, got, want)
		}
	}
}

func TestPeersJSON(t *testing.T) {
	got := peersOutput(t, func(o *output, _ *peersView) { o.form = formJSON })
	for _, part := range []string{
		`{"schema":"liminal.peers/1","node":"a@dev","time":"2026-01-15T12:04:31.12Z","peers":[{"name":"app@dev",`,
		`"rtt_us":310,"flaps":0,"subscriptions":`, `"reason":"no tick for 60 s"`, `"since":null`,
	} {
		if !strings.Contains(got, part) {
			t.Errorf("no %s in %s", part, got)
		}
	}
	if strings.Count(got, "\n") != 1 {
		t.Errorf("not one line: %q", got)
	}
}

func TestPeersLate(t *testing.T) {
	c := &call{env: testEnv(t)}
	late := &lateError{limit: 2 * time.Second}
	err := asError(c.peersLate(late, 3, threePeers(), nil))
	want := `liminal: timed out after 2s: 2 of 3 peers are up
  why: c@dev is down (10.0.0.7:9100: connection refused, 3 tries)
  try: start c, or raise --timeout
`
	if got := errorText(err, false); got != want || err.Exit != 124 {
		t.Errorf("exit %d\n%swant\n%s", err.Exit, got, want)
	}
	err = asError(c.peersLate(late, 1, nil, nil))
	if got := err.Message + "; " + err.Why; got != "timed out after 2s: 0 of 1 peer is up; the node knows of no other peer" {
		t.Error(got)
	}
}

func TestStatusText(t *testing.T) {
	var b bytes.Buffer
	o := &output{stdout: &b, form: formTerminal}
	o.statusText(control.Status{
		Node: "a@dev", State: "up", Health: "healthy", Version: "0.1.0", PID: 4121, Names: "short", Started: noon.Add(-134 * time.Minute),
		Listen: []string{"127.0.0.1:40121"}, Loopback: true, Peers: control.PeerCounts{Up: 2, Down: 1}, Down: []string{"c@dev"},
		Channels: control.ChannelCounts{Channels: 2, Subscriptions: 4, InRate: 31.2, OutRate: 44},
	}, noon)
	want := `a@dev     up 2h14m, healthy (liminal 0.1.0, pid 4121, short names)
listen    127.0.0.1:40121 (this machine only; --listen :9100 opens it)
peers     2 up, 1 down: c@dev
channels  2, 4 subscriptions, 31 msg/s in, 44 msg/s out, 0 drops
`
	if b.String() != want {
		t.Errorf("%swant\n%s", b.String(), want)
	}
}

func TestJoinAndLeaveText(t *testing.T) {
	r := control.JoinResult{Address: "otp@127.0.0.1", Name: ptr("otp@127.0.0.1"), Endpoint: ptr("127.0.0.1:40022"), RTTMicros: ptr(int64(900))}
	if got, want := joinedText(r), "joined otp@127.0.0.1 (127.0.0.1:40022, 0.9 ms)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r.Already = true
	if got, want := joinedText(r), "already up: otp@127.0.0.1 (127.0.0.1:40022, 0.9 ms)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	l := control.Leave{Node: "a@dev", Told: 3, Flushed: 12}
	if got, want := leftText(l), "left: told 3 peers, flushed 12 messages; a@dev runs on alone (liminal join ADDR to return)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := leftText(control.Leave{Node: "a@dev", Told: 1, Stopped: true}), "left: told 1 peer; a@dev stopped"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestEventLines(t *testing.T) {
	var b bytes.Buffer
	o := &output{stdout: &b, form: formPlain}
	for _, e := range []control.Event{
		{Type: "snapshot.peer", State: "up", Name: "a@dev", Kind: "liminal", RTTMicros: ptr(int64(300))},
		{Type: "snapshot.peer", State: "down", Name: "x@dev"},
		{Type: "snapshot.end", Peers: ptr(1)},
		{Type: "peer.join", Name: "b@dev", Kind: "liminal", RTTMicros: ptr(int64(310)), ToldBy: "a@dev"},
		{Type: "peer.rejoin", Name: "b@dev", Kind: "otp", AwayMillis: ptr(int64(72656))},
		{Type: "peer.leave", Name: "b@dev", Reason: "goodbye", Detail: "said goodbye"},
		{Type: "peer.down", Name: "b@dev", Reason: "eof"},
		{Type: "gap", Missed: 12},
		{Type: "bookmark"},
		{Type: "node.stopping"},
	} {
		e.Time = noon
		if err := o.event(e, ""); err != nil {
			t.Fatal(err)
		}
	}
	want := `join a@dev (liminal, 0.3 ms)
join b@dev (liminal, 0.3 ms, told by a@dev)
rejoin b@dev (otp, after 1m12s away)
leave b@dev (said goodbye)
down b@dev (eof)
gap 12 events missed
`
	if got := strings.ReplaceAll(b.String(), "2026-01-15T12:04:31Z ", ""); got != want {
		t.Errorf("%swant\n%s", got, want)
	}
}
