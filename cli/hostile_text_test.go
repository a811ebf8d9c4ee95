package cli

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
)

// hostileText has what steers a terminal: C0, DEL, C1, sequences of each kind,
// bidi, zero-width, tags, bytes that are no UTF-8, and what a printf would take.
// FORGED must never begin a line or a column.
const hostileText = "evil\x00\a\b\v\f\r\nFORGED\r\tFORGED\x1b[2J\x1b[31m\x1b]0;title\a\x1bPq\x1b\\\x1b_x\x1b\\\x7f\u0085FORGED\u009b31m\u009dx\u009c" +
	"\u061c\u200e\u202a\u202eright\u202c\u2066\u2069\u200b\u200d\u2060\ufeff\u00ad\u2028FORGED\u2029\ufe0f\U000e0041\ue000\xff\xc3\xe2\x80%s%d%n%!\"'\\"

// forge fills everything of v with hostile text, and the rest with something.
func forge(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(noon))
		return
	case v.Type() == reflect.TypeFor[[]byte]():
		v.SetBytes([]byte(hostileText))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(hostileText)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(3)
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		forge(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		forge(v.Index(0))
		forge(v.Index(1))
	case reflect.Struct:
		for i := range v.NumField() {
			forge(v.Field(i))
		}
	default:
		panic("forge: " + v.Type().String()) // a new kind of field wants its row
	}
}

// forged is a T in which every text is hostile, put right by fix.
func forged[T any](fix func(*T)) T {
	var doc T
	forge(reflect.ValueOf(&doc).Elem())
	if fix != nil {
		fix(&doc)
	}
	return doc
}

func hostileError(exit int) error {
	e := forged(func(e *control.Error) { e.Exit = exit })
	return &e
}

// hostileNode is a control socket that lies with everything it says: as if each
// name, reason, channel and payload had come from a peer unchecked. Words of closed
// sets are in order where orderly is set, so that no branch is out of reach.
type hostileNode struct {
	orderly bool
	fails   bool // each call is an error
}

func (h hostileNode) err() error {
	if h.fails {
		return hostileError(1)
	}
	return nil
}

// word gives a word of a closed set its value.
func (h hostileNode) word(to *string, value string) {
	if h.orderly {
		*to = value
	}
}

func (h hostileNode) Status(context.Context) (control.Status, error) {
	return forged(func(s *control.Status) {
		s.Schema = control.SchemaStatus
		h.word(&s.State, "up")
		h.word(&s.Health, "healthy")
		h.word(&s.Names, "short")
		h.word(&s.EPMD.Mode, "auto")
		h.word(&s.Seeds[0].State, "waiting")
		h.word(&s.Seeds[1].State, "refused")
	}), h.err()
}

func (h hostileNode) Peers(context.Context, control.Filter) (control.Peers, error) {
	return forged(func(p *control.Peers) {
		p.Schema = control.SchemaPeers
		for i, state := range []string{"up", "down"} {
			h.word(&p.Peers[i].State, state)
			h.word(&p.Peers[i].Kind, "liminal")
		}
	}), h.err()
}

func (h hostileNode) Join(context.Context, control.JoinRequest) (control.Join, error) {
	return forged(func(j *control.Join) {
		j.Schema = control.SchemaJoin
		j.Results[0].Error = nil
	}), h.err()
}

func (h hostileNode) Leave(context.Context, control.LeaveRequest) (control.Leave, error) {
	return forged(func(l *control.Leave) { l.Schema = control.SchemaLeave }), h.err()
}

func (h hostileNode) Forget(context.Context, control.ForgetRequest) (control.Forget, error) {
	return forged(func(f *control.Forget) {
		f.Schema = control.SchemaForget
		f.Results[0].Error = nil
	}), h.err()
}

// Watch tells one event of each type, a gap and a bookmark, and the end.
func (h hostileNode) Watch(_ context.Context, _ control.WatchRequest, emit func(control.Event) error) error {
	if h.fails {
		return h.err()
	}
	kinds := append([]string{control.EventSnapshotPeer, control.EventSnapshotEnd, control.EventGap, control.EventBookmark, hostileText}, control.EventTypes...)
	for i, typ := range kinds {
		e := forged(func(e *control.Event) { e.Type, e.Seq = typ, uint64(i+1) })
		h.word(&e.State, "up")
		h.word(&e.Kind, "otp")
		h.word(&e.Reason, "tick_timeout")
		if err := emit(e); err != nil {
			return err
		}
	}
	return nil
}

func (h hostileNode) Publish(context.Context, control.PublishRequest) (control.Publication, error) {
	return hostilePublication(h), h.err()
}

type hostilePublication hostileNode

func (hostilePublication) Publish(_ context.Context, payload []byte) error {
	if string(payload) == "refused" {
		return hostileError(exitData)
	}
	return nil
}
func (hostilePublication) MaxMessage() int               { return 1 << 20 }
func (hostilePublication) TooLarge(int64) *control.Error { return fail("message_size", "", "", "") }
func (hostilePublication) Close(context.Context) (control.Published, error) {
	return forged(func(p *control.Published) { p.Schema = control.SchemaPub }), nil
}

func (h hostileNode) Subscribe(context.Context, control.SubscribeRequest) (control.Subscription, error) {
	return &hostileSubscription{}, h.err()
}

type hostileSubscription struct{ over bool }

func (s *hostileSubscription) Batch(_ context.Context, dst []control.Message) (int, error) {
	if s.over {
		return 0, io.EOF
	}
	s.over = true
	plain := forged(func(m *control.Message) { m.Lost, m.Encoding = 0, "" })
	return copy(dst, []control.Message{plain, forged[control.Message](nil)}), nil
}
func (*hostileSubscription) Close() {}

func (h hostileNode) Channels(context.Context, []string) (control.Channels, error) {
	return forged(func(c *control.Channels) {
		c.Schema = control.SchemaChannels
		h.word(&c.Channels[0].Spelling, "binary")
	}), h.err()
}

// hostileCommands have a line for each command that shows what others have said;
// harmless are those that show none of it.
var (
	hostileCommands = map[string][]string{
		"status":       {"status", "status -v", "status --wait 0"},
		"peers":        {"peers", "peers -v", "peers --wait 1", "peers --columns name,address,subs,reason", "peers b", "peers --state down"},
		"join":         {"join b@dev:1", "join b@dev:1 c", "join b --any"},
		"leave":        {"leave", "leave --stop"},
		"node stop":    {"node stop"},
		"node list":    {"node list", "node list -v"},
		"forget":       {"forget b", "forget b c"},
		"watch":        {"watch", "watch -v", "watch --since 1h", "watch --bookmarks", "watch --events peer,sub"},
		"pub":          {"pub chat hello", "pub chat hello -v", "pub chat refused", "pub chat --keep-going refused refused"},
		"sub":          {"sub chat", "sub chat -v", "sub chat more --count 2"},
		"channels":     {"channels", "channels -v", "channels chat", "channels --wait 1"},
		"probe":        {"probe HOSTILE", "probe NAMED", "probe a@127.0.0.1:1", "probe x@127.0.0.1"},
		"config check": {"config check --config FILE"},
		"config show":  {"config show", "config show --config FILE"},
		"tls show":     {"tls show CERT", "tls show CERT -v"},
		"node start":   {"node start --name a@127.0.0.1 --listen 127.0.0.1:0 --seed HOSTILE --seed NAMED --join-timeout 0 --log-level debug --socket SOCKET", "node start --config FILE"},
	}
	harmless = []string{"demo", "tls init", "config init", "completion", "complete", "man", "version", "help"}
)

// S12: every command whose answer holds something that a peer has said is given the
// worst of it, in each form, in order and not, and as an error; what it writes is
// read as a terminal reads it.
func TestNothingHostileReachesTheTerminal(t *testing.T) {
	hostile := startTalker(t, "\x00\xff"+hostileText)
	named := greeter(t, hostileText+"@127.0.0.1", 0)
	file := filepath.Join(t.TempDir(), "c.toml")
	escaped := `"a\u001b[2J\u202e\u009b31m\nFORGED"`
	if err := os.WriteFile(file, []byte("node = { name = "+escaped+", listen = "+escaped+" }\n"+escaped+" = "+escaped+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	words := strings.NewReplacer("HOSTILE", hostile, "NAMED", named, "FILE", file, "CERT", hostileCertificate(t), "SOCKET", filepath.Join(t.TempDir(), "s"))
	turn := 0
	for _, node := range []hostileNode{{}, {orderly: true}, {fails: true}} {
		env := testEnvWith(busEnv(t, node), "LIMINAL_TIMEOUT=200ms", "LIMINAL_COOKIE=a-cookie-of-some-length")
		env.Now = func() time.Time { return noon.Add(time.Second) }
		stale := filepath.Join(env.Getenv("LIMINAL_RUNTIME_DIR"), "e\x1b[2J\u202e\nFORGED.lock")
		if err := os.WriteFile(stale, []byte("1"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, lines := range hostileCommands {
			for _, line := range lines {
				turn++
				checkHostile(t, env, turn, strings.Fields(words.Replace(line)))
			}
		}
	}
}

// hostileCertificate gives the file of one whose owner chose its words.
func hostileCertificate(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	name := pkix.Name{CommonName: strings.ToValidUTF8(hostileText, ""), Organization: []string{"\x1b[2J\u202e"}}
	c := x509.Certificate{SerialNumber: big.NewInt(1), Subject: name, DNSNames: []string{"a\x1b[2J\nFORGED"}, NotAfter: noon}
	der, err := x509.CreateCertificate(nil, &c, &c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "hostile.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkHostile runs a command line in each form, cut to a width and not.
func checkHostile(t *testing.T, env Env, turn int, args []string) {
	t.Helper()
	env.StdoutTTY, env.StderrTTY = true, true
	forms := []string{"", "--color=always", "--plain", "--json"}
	if slack > 1 { // two of them by turns
		forms = append(forms[turn%4:], forms[:turn%4]...)[:2]
	}
	for _, form := range forms {
		width := 0
		if form == "" {
			width = 30
		}
		env.Width = func() int { return width }
		line := append(slices.Clone(args), strings.Fields(form)...)
		what := "liminal " + strings.Join(line, " ")
		r := runIn(t, env, line...)
		if r.stdout+r.stderr == "" {
			t.Errorf("%s says nothing", what)
		}
		out, err := sieve{looks: true}, sieve{looks: true} // errors for people are coloured beside plain text too
		switch form {
		case "--plain":
			out = sieve{tabs: true}
		case "--json":
			out, err = sieve{}, sieve{}
		}
		if bad := out.steers(r.stdout) + err.steers(r.stderr); bad != "" {
			t.Errorf("%s: %s", what, bad)
		}
	}
}

// sieve is what may pass of what a terminal acts upon, beside line ends.
type sieve struct{ tabs, looks bool }

// steers says what in a text a terminal would act upon though it may not, or which
// line or column of it is forged; "" if nothing.
func (s sieve) steers(text string) string {
	if !utf8.ValidString(text) {
		return fmt.Sprintf("not UTF-8: %q", text)
	}
	var state byte
	for rest := text; rest != ""; {
		seq, _, n, next := ansi.DecodeSequence(rest, state, nil)
		rest, state = rest[n:], next
		switch {
		case seq == "\n", seq == "\t" && s.tabs, s.looks && slices.Contains(ourLooks, seq):
		case strings.IndexFunc(seq, display.Harmful) >= 0:
			return fmt.Sprintf("%q acts, in %q", seq, text)
		}
	}
	for line := range strings.Lines(ansi.Strip(text)) {
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), "FORGED") || strings.Contains(line, "\tFORGED") {
			return fmt.Sprintf("a line or a column is forged: %q", line)
		}
	}
	return ""
}

// S12: the sieve of the test above has no hole.
func TestSteers(t *testing.T) {
	most := sieve{tabs: true, looks: true}
	for _, bad := range []string{"\x1b[2J", "\x1b[33;45m", "\x07", "a\rb", "\x7f", "\u009b31m", "\u202e", "\u200b", "\xff", "\x1b]0;x\x07",
		"x\nFORGED", "x\tFORGED", "  FORGED", "\x1b[0mFORGED", "a\u2028b", "\x1b[1", "\x1bc", "\x1bPq\x1b\\", "\u00ad", "\U000e0041"} {
		if most.steers(bad) == "" {
			t.Errorf("%q passes", bad)
		}
	}
	for _, good := range []string{"", "a\tb\n", "\x1b[1;31mred\x1b[0m\n", `a\x1b[2J`, "日本 ü ✓"} {
		if bad := most.steers(good); bad != "" {
			t.Errorf("%q: %s", good, bad)
		}
	}
	if (sieve{tabs: true}).steers("\x1b[1;31mred") == "" || (sieve{looks: true}).steers("a\tb") == "" {
		t.Error("a look in plain text, or a tab in a table, passes")
	}
}

// S12: no command is forgotten by the test above.
func TestHostileCommandsAreAll(t *testing.T) {
	var all []string
	eachCommand(newApp(testEnv(t)).cli.Commands, func(name string) { all = append(all, name) })
	for _, name := range all {
		if (hostileCommands[name] != nil) == slices.Contains(harmless, name) {
			t.Errorf("%s stands in none or both of hostileCommands and harmless", name)
		}
	}
	for name := range hostileCommands {
		if !slices.Contains(all, name) {
			t.Errorf("there is no command %s: %q", name, all)
		}
	}
}

// eachCommand calls do with the full name of each command that does something.
func eachCommand(commands []*cli.Command, do func(name string)) {
	for _, c := range commands {
		if len(c.Subcommands) == 0 {
			do(fullName(c))
		}
		eachCommand(c.Subcommands, do)
	}
}
