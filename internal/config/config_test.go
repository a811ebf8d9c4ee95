package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/node"
)

// This machine's own file is none of the tests' business.
func TestMain(m *testing.M) {
	systemFile = "/nonexistent/liminal/config.toml"
	os.Exit(m.Run())
}

// world is an environment for one test.
type world struct {
	home  string
	env   map[string]string
	flags map[string]string
	path  string
}

func newWorld(t testing.TB) *world {
	return &world{home: t.TempDir(), env: map[string]string{}, flags: map[string]string{}}
}

func (w *world) options() Options {
	o := Options{Path: w.path, Home: w.home, Flags: w.flags}
	for k, v := range w.env {
		o.Environ = append(o.Environ, k+"="+v)
	}
	return o
}

// file writes the user's file and gives its path.
func (w *world) file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(w.home, ".config", "liminal", "config.toml")
	put(t, path, text, 0o600)
	return path
}

func put(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode))
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) load(t testing.TB) *Values {
	t.Helper()
	v, err := Load(w.options())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Every row has what the parts derived from it need, and nothing is used twice.
func TestTable(t *testing.T) {
	seen := map[string]string{}
	for _, s := range Settings() {
		for _, name := range []string{s.Key, "--" + s.Flag, s.Env} {
			if len(name) < 3 || seen[name] != "" {
				t.Errorf("%s: %q is empty or also of %s", s.Key, name, seen[name])
			}
			seen[name] = s.Key
		}
		table, _, _ := cutLast(s.Key)
		if !isTable(table) || s.Doc == "" || s.Part == "" || !strings.HasPrefix(s.Env, "LIMINAL_") {
			t.Errorf("%s: table, doc, part or variable is missing", s.Key)
		}
		if s.Kind() == KindList && s.check == nil {
			t.Errorf("%s: a list needs a check", s.Key)
		}
		var f fields
		for _, text := range []string{s.Default, s.Example} {
			if text == "" && s.Default != "" {
				continue
			}
			if err := s.set(&f, text); err != nil {
				t.Errorf("%s: %q: %v", s.Key, text, err)
			}
		}
	}
}

func TestDefaults(t *testing.T) {
	v := newWorld(t).load(t)
	want := node.Config{
		Name: "liminal", Listen: "localhost:0", EPMD: node.EPMDAuto, Seeds: []string{},
		Poll: 250 * time.Millisecond, Tick: time.Minute, DialTimeout: 5 * time.Second,
		RetryMax: 5 * time.Second, ForgetAfter: 10 * time.Minute, JoinTimeout: 10 * time.Second,
		Probe: time.Second, ProbeTimeout: 3 * time.Second, Drain: 5 * time.Second,
		Scope: "pg", MaxMessage: 1 << 20, Queue: 1 << 18,
	}
	if got := v.Node(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got, want := v.UI(), (UI{Color: "auto", Timeout: 30 * time.Second}); got != want {
		t.Errorf("ui %+v, want %+v", got, want)
	}
	if got, want := v.Log(), (Log{Level: "info", Format: "text"}); got != want {
		t.Errorf("log %+v, want %+v", got, want)
	}
	for _, val := range v.All() {
		if val.Origin.String() != "default" {
			t.Errorf("%s comes from %s", val.Setting.Key, val.Origin)
		}
	}
}

// What config init prints is a file with the defaults, and so is what is shown.
func TestExampleIsTheDefaults(t *testing.T) {
	want := newWorld(t).load(t)
	for name, text := range map[string]string{"init": Example(), "show": want.Show()} {
		w := newWorld(t)
		w.file(t, text)
		got := w.load(t)
		if !reflect.DeepEqual(got.fields, want.fields) {
			t.Errorf("%s: got  %+v\nwant %+v", name, got.fields, want.fields)
		}
		for _, val := range got.All() {
			if val.Origin.Source != SourceFile || val.Origin.Line == 0 {
				t.Errorf("%s: %s is not in it", name, val.Setting.Key)
			}
			line := strings.Split(text, "\n")[val.Origin.Line-1]
			if _, key, _ := cutLast(val.Setting.Key); !strings.HasPrefix(line, key+" ") {
				t.Errorf("%s: %s is said to be on line %d: %s", name, val.Setting.Key, val.Origin.Line, line)
			}
		}
	}
}

// Each level by itself and all pairs of levels.
func TestPrecedence(t *testing.T) {
	for _, k := range []struct {
		key              string
		file, env, flag_ string
		get              func(*Values) any
		values           [4]any // default, file, env, flag
	}{
		{"node.name", `"f"`, "e", "g", func(v *Values) any { return v.Node().Name }, [4]any{"liminal", "f", "e", "g"}},
		{"node.hidden", `true`, "true", "true", func(v *Values) any { return v.Node().Hidden }, [4]any{false, true, true, true}},
		{"cluster.mesh", `false`, "0", "false", func(v *Values) any { return v.Node().NoMesh }, [4]any{false, true, true, true}},
		{"node.epmd", `"off"`, "require", "auto", func(v *Values) any { return v.Node().EPMD }, [4]any{node.EPMDAuto, node.EPMDOff, node.EPMDRequire, node.EPMDAuto}},
		{"cluster.forget_after", `"1s"`, "2s", "3s", func(v *Values) any { return v.Node().ForgetAfter }, [4]any{10 * time.Minute, time.Second, 2 * time.Second, 3 * time.Second}},
		{"cluster.join_timeout", `"0s"`, "2s", "0", func(v *Values) any { return v.Node().JoinTimeout }, [4]any{10 * time.Second, time.Duration(-1), 2 * time.Second, time.Duration(-1)}},
		{"cluster.seeds", `["f", "g@h:1"]`, "e, h:2", "", func(v *Values) any { return strings.Join(v.Node().Seeds, "+") }, [4]any{"", "f+g@h:1", "e+h:2", ""}},
		{"ui.timeout", `"1s"`, "2s", "0", func(v *Values) any { return v.UI().Timeout }, [4]any{30 * time.Second, time.Second, 2 * time.Second, time.Duration(0)}},
		{"node.socket", `"~/s"`, "/e", "/g", func(v *Values) any { return strings.TrimPrefix(v.Socket(), v.opts.Home) }, [4]any{"", "/s", "/e", "/g"}},
	} {
		s, _ := Lookup(k.key)
		for levels := range 8 {
			w := newWorld(t)
			top, origin := SourceDefault, "default"
			if levels&1 != 0 {
				w.file(t, k.key+" = "+k.file+"\n")
				top, origin = SourceFile, "~/.config/liminal/config.toml:1"
			}
			if levels&2 != 0 {
				w.env[s.Env] = k.env
				top, origin = SourceEnv, s.Env
			} else {
				w.env[s.Env] = "" // counts as unset
			}
			if levels&4 != 0 {
				w.flags[k.key] = k.flag_
				top, origin = SourceFlag, "--"+s.Flag
			}
			v := w.load(t)
			if got := k.get(v); got != k.values[top] {
				t.Errorf("%s, levels %03b: %v, want %v", k.key, levels, got, k.values[top])
			}
			if got, _ := v.Get(k.key); got.Origin.String() != origin {
				t.Errorf("%s, levels %03b: from %s, want %s", k.key, levels, got.Origin, origin)
			}
		}
	}
}

func TestNoColor(t *testing.T) {
	w := newWorld(t)
	w.env["NO_COLOR"] = "1"
	w.file(t, `ui = { color = "always" }`)
	if got, _ := w.load(t).Get("ui.color"); got.Text != "never" || got.Origin.String() != "NO_COLOR" {
		t.Errorf("NO_COLOR over the file: %+v", got)
	}
	w.env["LIMINAL_COLOR"] = "always"
	if got := w.load(t).UI().Color; got != "always" {
		t.Errorf("LIMINAL_COLOR over NO_COLOR: %s", got)
	}
	delete(w.env, "LIMINAL_COLOR")
	w.flags["ui.color"] = "auto"
	if got := w.load(t).UI().Color; got != "auto" {
		t.Errorf("--color over NO_COLOR: %s", got)
	}
}

// Problems of every level at once, those of the file first.
func TestProblemsOfAllLevels(t *testing.T) {
	w := newWorld(t)
	w.file(t, "[node]\ndrain = 5\n")
	w.env = map[string]string{
		"LIMINAL_TICK": "60", "LIMINAL_HIDDEN": "yes", "ERL_EPMD_PORT": "x",
		"LIMINAL_COOKIE": "supersecretvalue", "LIMINAL_COOKIE_FILE": "/x",
	}
	w.flags = map[string]string{"cluster.seeds": "b,not ok", "cluster.probe": "2s"}
	_, err := Load(w.options())
	var bad *Error
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	var got []string
	for _, p := range bad.Problems {
		got = append(got, p.String())
	}
	want := []string{
		`line 2: node.drain must be a duration such as "5s", not the number 5`,
		`LIMINAL_HIDDEN must be true or false, not "yes"`,
		`LIMINAL_TICK must be a duration such as "5s", not "60"`,
		`ERL_EPMD_PORT must be a port from 1 to 65535, not "x"`,
		`LIMINAL_COOKIE and LIMINAL_COOKIE_FILE are both set; unset one`,
		`--seed must hold addresses such as b, b@host, b@host:9100 or host:9100, not "not ok"`,
		`cluster.probe_timeout (3s) must be at least twice cluster.probe (2s) (from --probe)`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if bad.ExitCode() != 78 || bad.Summary() != "the settings have 7 problems" {
		t.Errorf("exit %d, %s", bad.ExitCode(), bad.Summary())
	}
	_, err = Load(Options{Flags: map[string]string{"node.drain": "5"}})
	if !errors.As(err, &bad) || bad.ExitCode() != 64 || bad.Error() != `the settings have 1 problem: --drain must be a duration such as "5s", not "5"` {
		t.Errorf("a wrong flag: %v", err)
	}
}

func TestNotes(t *testing.T) {
	w := newWorld(t)
	w.env = map[string]string{"LIMINAL_SEED": "b", "LIMINAL_ZZZZ": "1", "LIMINAL_NODE": "a", "LIMINAL_TEST_OTP": "1", "LIMINALX": "1", "LIMINAL_\x1b": "1"}
	want := []string{
		"LIMINAL_SEED is not a variable of liminal; did you mean LIMINAL_SEEDS?",
		"LIMINAL_ZZZZ is not a variable of liminal",
		"LIMINAL_\uFFFD is not a variable of liminal",
	}
	if got := w.load(t).Notes; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestWhichFile(t *testing.T) {
	w := newWorld(t)
	name := func(want string) {
		t.Helper()
		if got := w.load(t).Node().Name; got != want {
			t.Errorf("name %s, want %s", got, want)
		}
	}
	name("liminal")
	w.file(t, `node.name = "home"`)
	name("home")
	xdg := filepath.Join(w.home, "xdg")
	w.env["XDG_CONFIG_HOME"] = xdg
	name("liminal") // replaces ~/.config, as XDG says
	put(t, filepath.Join(xdg, "liminal", "config.toml"), `node.name = "xdg"`, 0o600)
	name("xdg")
	put(t, filepath.Join(w.home, "env.toml"), `node.listen = ":1"`, 0o600)
	w.env["LIMINAL_CONFIG"] = "~/env.toml"
	name("liminal") // one file, no merging
	w.path = filepath.Join(w.home, "flag.toml")
	put(t, w.path, `node.name = "flag"`, 0o600)
	name("flag")
	if got := w.load(t).Path; got != w.path {
		t.Errorf("path %s", got)
	}
	w.env["XDG_CONFIG_HOME"] = "relative"
	if got := Files(w.options()); !slices.Equal(got, []string{filepath.Join(w.home, ".config/liminal/config.toml"), systemFile}) {
		t.Errorf("files %v", got)
	}
	w.path = filepath.Join(w.home, "none.toml")
	if _, err := Load(w.options()); fmt.Sprint(err) != "~/none.toml has 1 problem: cannot be read: no such file or directory" {
		t.Errorf("missing named file: %v", err)
	}
	w.path = w.home
	if _, err := Load(w.options()); err == nil || !strings.Contains(err.Error(), "cannot be read: is a directory") {
		t.Errorf("directory: %v", err)
	}
}

func TestEPMDPort(t *testing.T) {
	w := newWorld(t)
	w.env["ERL_EPMD_PORT"] = "4400"
	if got := w.load(t).Node().EPMDPort; got != 4400 {
		t.Errorf("port %d", got)
	}
}

func TestReload(t *testing.T) {
	w := newWorld(t)
	old := w.load(t)
	w.file(t, "[node]\ndrain = \"1s\"\nname = \"b\"\n[cluster]\ntick = \"1m\"\nseeds = [\"c\"]\n")
	v := w.load(t)
	var got []string
	for _, c := range v.Changed(old) {
		got = append(got, fmt.Sprint(c.Setting.Key, " ", c.Setting.Reload))
	}
	if want := []string{"node.name false", "node.drain true", "cluster.seeds true"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	s := v.Reloadable()
	if s.Drain != time.Second || !slices.Equal(s.Seeds, []string{"c"}) || s.RetryMax != 5*time.Second {
		t.Errorf("settings %+v", s)
	}
	if none := old.Reloadable(); none.Seeds == nil {
		t.Error("no seeds is nil, which would leave them")
	}
}

// S16: what is shown can be read again, and the cookie is not in it.
func TestShow(t *testing.T) {
	w := newWorld(t)
	w.env = map[string]string{"LIMINAL_COOKIE": "supersecretvalue", "LIMINAL_SEEDS": "b,c@dev:9100"}
	w.flags["node.name"] = "a"
	v := w.load(t)
	got := v.Show()
	for _, line := range []string{
		`name = "a" # --name`,
		`seeds = ["b", "c@dev:9100"] # LIMINAL_SEEDS`,
		`# cookie: [redacted], from LIMINAL_COOKIE`,
	} {
		if !strings.Contains(regexp.MustCompile(` +`).ReplaceAllString(got, " "), line+"\n") {
			t.Errorf("no line %q in\n%s", line, got)
		}
	}
	if all := got + fmt.Sprintf("%v %+v %#v", v.All(), v.Node(), v.UI()); strings.Contains(all, "supersecret") {
		t.Error("the cookie shows")
	}
	if again := newWorld(t); true {
		again.file(t, got)
		if n := again.load(t).Node(); n.Name != "a" || len(n.Seeds) != 2 {
			t.Errorf("shown and read again: %+v", n)
		}
	}
}

func TestTomlQuote(t *testing.T) {
	w := newWorld(t)
	odd := "a\"b\\c\td\x1b\u202e\U0001F600é"
	w.file(t, "node.socket = "+tomlQuote(odd))
	if got := w.load(t).Socket(); got != odd {
		t.Errorf("%q, want %q", got, odd)
	}
}
