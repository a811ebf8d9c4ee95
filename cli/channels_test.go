package cli

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

func someChannels() control.Channels {
	return control.Channels{Incomplete: []string{}, Channels: []control.Channel{
		{Name: "orders", Subscribers: 3, Nodes: 2, InRate: 18, OutRate: 54321.4, Drops: 1200, Last: ptr(noon.Add(-100 * time.Millisecond)), Members: []control.ChannelMember{}},
		{Name: "chat", Spelling: "binary", Subscribers: 2, Local: 1, Nodes: 2, InRate: 12.04, OutRate: 0.26, Last: ptr(noon.Add(-2400 * time.Millisecond)),
			Members: []control.ChannelMember{{Node: "a@dev", Subscribers: 1, Kind: "liminal"}, {Node: "b@dev", Subscribers: 1, Kind: "otp"}}},
		{Name: "{room,\x1b7}", Spelling: "term", Subscribers: 1, Nodes: 1},
	}}
}

func TestChannelsForms(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		tty  bool
		want string
	}{
		{"terminal", nil, true, `
CHANNEL       SUBS  NODES  IN/S   OUT/S  DROPS  LAST
chat             2      2    12     0.3      0  2 s ago
orders           3      2    18  54 321  1 200  <1 s ago
{room,\x1b7}     1      1     0       0      0  -
`},
		{"plain", nil, false, `
chat	2	2	12	0.3	0	2026-01-15T12:04:28Z
orders	3	2	18	54321.4	1200	2026-01-15T12:04:31Z
{room,\x1b7}	1	1	0	0	0	-
`},
		{"columns and order", []string{"--header", "--columns", "subs,name", "--sort", "-subs"}, false, `
subs	name
3	orders
2	chat
1	{room,\x1b7}
`},
		{"the latest first", []string{"--columns", "name", "--sort", "last"}, false, `
orders
chat
{room,\x1b7}
`},
	} {
		b := newFakeBus()
		b.listed = someChannels
		env := busEnv(t, b)
		env.StdoutTTY, env.Now = test.tty, func() time.Time { return noon }
		r := runIn(t, env, append([]string{"channels", "--color=never"}, test.args...)...)
		want := test.want[1:]
		if r.code != 0 || r.stderr != "" || r.stdout != want {
			t.Errorf("%s: exit %d, %q\n%swant\n%s", test.name, r.code, r.stderr, r.stdout, want)
		}
	}
}

func TestChannelsJSON(t *testing.T) {
	b := newFakeBus()
	b.listed = someChannels
	r := runIn(t, busEnv(t, b), "channels", "--json")
	var doc control.Channels
	if err := json.Unmarshal([]byte(r.stdout), &doc); err != nil || r.code != 0 || len(doc.Channels) != 3 || doc.Channels[0].Name != "chat" {
		t.Errorf("%v %+v", err, r)
	}
	for _, part := range []string{`{"schema":"liminal.channels/1","node":"a@dev","time":"2026-01-15T12:04:31.12Z","channels":[{"name":"chat","spelling":"binary","subscribers":2,"local":1,"nodes":2,"in_per_s":12.04,`, `"last":null`, `"incomplete":[]`} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("no %s in %s", part, r.stdout)
		}
	}
}

func TestChannelsUnknown(t *testing.T) {
	b := newFakeBus()
	b.listed = someChannels
	env := busEnv(t, b)
	for _, args := range [][]string{{"channels", "nobody"}, {"channels", "chat", "nobody", "--wait", "0"}} {
		r := runIn(t, env, args...)
		want := "liminal: no channel is called \"nobody\"\n  why: nobody subscribes to it, and nothing was published to it here\n  try: liminal channels (lists them)\n"
		if r.code != 1 || r.stdout != "" || r.stderr != want {
			t.Errorf("%q: %+v", args, r)
		}
	}
	if r := runIn(t, env, "channels", "nobody", "--json"); r.code != 1 || !strings.Contains(r.stderr, `"code":"unknown_channel"`) {
		t.Errorf("%+v", r)
	}
	if r := runIn(t, env, "channels", "--sort", "colour"); r.code != 64 {
		t.Errorf("%+v", r)
	}
	if r := runIn(t, env, "channels", "--wait", "-1"); r.code != 64 {
		t.Errorf("%+v", r)
	}
}

func TestChannelsNotes(t *testing.T) {
	b := newFakeBus()
	b.listed = func() control.Channels {
		return control.Channels{Channels: []control.Channel{}, Incomplete: []string{"b@dev", "c@dev"}}
	}
	env := busEnv(t, b)
	env.StdoutTTY = true
	r := runIn(t, env, "channels")
	if want := "a@dev knows of no channel\nliminal: SUBS may be too low: no counts in time from b@dev, c@dev\n"; r.code != 0 || r.stdout != "" || r.stderr != want {
		t.Errorf("%+v", r)
	}
}

// TestChannelsWait: each named channel needs its listeners; without names all
// count together; who is not there yet is waited for.
func TestChannelsWait(t *testing.T) {
	env := testEnv(t)
	socket := filepath.Join(env.Getenv("LIMINAL_RUNTIME_DIR"), "x.sock")
	wait := startIn(t, env, "channels", "chat", "orders", "--wait", "2", "--socket", socket)
	b := newFakeBus()
	asked := 0
	b.listed = func() control.Channels {
		b.mu.Lock()
		defer b.mu.Unlock()
		doc := someChannels()
		if asked++; asked < 3 {
			doc.Channels = doc.Channels[:asked-1] // chat comes last
		}
		return doc
	}
	serve(t, b, socket)
	wait.line(wait.stdout, "chat\t2\t")
	wait.exits(0)

	for _, test := range []struct {
		args []string
		code int
		what string
	}{
		{[]string{"--wait", "6"}, 0, ""},
		{[]string{"--wait", "7", "--timeout", "60ms"}, 124, "timed out after 60ms: all channels together have 6 of 7 subscribers"},
		{[]string{"chat", "--wait", "3", "--timeout", "60ms"}, 124, "timed out after 60ms: chat has 2 of 3 subscribers"},
		{[]string{"nobody", "--wait", "1", "--timeout", "60ms"}, 124, "timed out after 60ms: nobody has 0 of 1 subscriber"},
	} {
		r := runIn(t, env, append([]string{"channels", "--socket", socket}, test.args...)...)
		if r.code != test.code || !strings.Contains(r.stderr, test.what) {
			t.Errorf("%q: %+v", test.args, r)
		}
	}
	if r := runIn(t, testEnv(t), "channels", "--wait", "1", "--timeout", "60ms"); r.code != 124 || !strings.Contains(r.stderr, "no node is running") {
		t.Errorf("no node: %+v", r)
	}
}

func TestSubsText(t *testing.T) {
	names := []string{"chat", "orders", "c", "d", "e"}
	for room, want := range map[int]string{40: "chat,orders,c,d,e", 17: "chat,orders,c,d,e", 16: "chat,orders,c,+2", 14: "chat,orders,+3", 7: "chat,+4", 3: "+5"} {
		if got := subsText(names, room); got != want {
			t.Errorf("%d: %q, want %q", room, got, want)
		}
	}
	if got := subsText(nil, 12); got != "" {
		t.Errorf("%q", got)
	}
}

// TestPeersSubs: SUBS takes what the other columns leave.
func TestPeersSubs(t *testing.T) {
	for width, want := range map[int]string{0: "chat,orders,payments,notifications,a", 80: "chat,+4", 110: "chat,orders,payments,+2"} {
		var out strings.Builder
		o := &output{stdout: &out, form: formTerminal, header: true, width: width}
		peers := threePeers()
		peers[1].Subscriptions = []string{"chat", "orders", "payments", "notifications", "a"}
		o.peersTable(peers, wholeView(peerColumns), noon)
		if line := strings.Split(out.String(), "\n")[2]; !strings.Contains(line+" ", " "+want+" ") {
			t.Errorf("%d columns:\n%s", width, out.String())
		}
	}
}

// One long name leaves room for the other columns.
func TestChannelsLongName(t *testing.T) {
	b := newFakeBus()
	b.listed = func() control.Channels {
		return control.Channels{Channels: []control.Channel{{Name: strings.Repeat("x", 255), Spelling: "binary", Subscribers: 7, Nodes: 3}}}
	}
	env := busEnv(t, b)
	env.StdoutTTY, env.Width = true, func() int { return 80 }
	r := runIn(t, env, "channels")
	if want := strings.Repeat("x", 39) + "…     7      3"; !strings.Contains(r.stdout, want) {
		t.Errorf("no %q in\n%s", want, r.stdout)
	}
}
