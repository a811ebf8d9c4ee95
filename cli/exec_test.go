package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/control"
)

func TestSplitWords(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
		err  string
	}{
		{"notify-send -u low", []string{"notify-send", "-u", "low"}, ""},
		{"  a \t b\nc ", []string{"a", "b", "c"}, ""},
		{`jq -r '.payload | "x"'`, []string{"jq", "-r", `.payload | "x"`}, ""},
		{`a "b c"d'e f'`, []string{"a", "b cde f"}, ""},
		{`a '' ""`, []string{"a", "", ""}, ""},
		{`a\ b \"c\" '\'`, []string{"a b", `"c"`, `\`}, ""},
		{`"\n \" \\ $HOME"`, []string{`\n " \ $HOME`}, ""},
		{"echo $HOME `id` $(id) * ~ ; rm | x > y & #z", []string{"echo", "$HOME", "`id`", "$(id)", "*", "~", ";", "rm", "|", "x", ">", "y", "&", "#z"}, ""},
		{"grüße 'ü ü'", []string{"grüße", "ü ü"}, ""},
		{`a 'b`, nil, "has a ' without its end"},
		{`a "b\"`, nil, `has a " without its end`},
		{`a \`, nil, `ends in a \`},
		{"", nil, ""},
	} {
		got, err := splitWords(test.text)
		if text := fmt.Sprint(err); !slices.Equal(got, test.want) || test.err != "" && text != test.err || test.err == "" && err != nil {
			t.Errorf("%s: %q, %v", test.text, got, err)
		}
	}
}

// TestSplitWordsGivesBack: what is quoted comes out as it went in.
func TestSplitWordsGivesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringOf(rapid.RuneFrom([]rune("ab'\"\\ \t\n$*ü"))), 1, 5).Draw(t, "words")
		var quoted []string
		for _, w := range words {
			switch rapid.IntRange(0, 1).Draw(t, "quote") {
			case 0:
				quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
			case 1:
				quoted = append(quoted, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w)+`"`)
			}
		}
		if got, err := splitWords(strings.Join(quoted, " ")); err != nil || !slices.Equal(got, words) {
			t.Fatalf("%q gives %q, %v", quoted, got, err)
		}
	})
}

func TestExecVars(t *testing.T) {
	m := control.Message{Channel: "a\x00b", From: "b@dev", Seq: 7, ID: strings.Repeat("x", maxExecValue+1), Lost: 3, LostOf: "chat"}
	if got := messageVars(&m); !slices.Equal(got, []string{"LIMINAL_TYPE=message", "LIMINAL_FROM=b@dev", "LIMINAL_SEQ=7"}) {
		t.Errorf("%q", got)
	}
	if got := dropVars(&m); !slices.Equal(got, []string{"LIMINAL_TYPE=drop", "LIMINAL_CHANNEL=chat", "LIMINAL_COUNT=3"}) {
		t.Errorf("%q", got)
	}
	e := control.Event{Type: control.EventDown, Name: "b@dev", Seq: 9, State: "down", Kind: "otp"}
	if got := eventVars(&e); !slices.Equal(got, []string{"LIMINAL_TYPE=peer.down", "LIMINAL_PEER=b@dev", "LIMINAL_STATE=down", "LIMINAL_KIND=otp", "LIMINAL_SEQ=9"}) {
		t.Errorf("%q", got)
	}
	// S10: nor is a program told the cookie, though it may be where it is.
	if got := childEnviron([]string{"LIMINAL_COOKIE=secret", "LIMINAL_COOKIE_FILE=/x", "LIMINAL_COOKIES=y"}, nil); !slices.Equal(got, []string{"LIMINAL_COOKIE_FILE=/x", "LIMINAL_COOKIES=y"}) {
		t.Errorf("%q", got)
	}
	// A program within a program is not told what the outer one was.
	if got := childEnviron([]string{"A=1", "LIMINAL_CHANNEL=old", "LIMINAL_NODE=a"}, []string{"LIMINAL_TYPE=x"}); !slices.Equal(got, []string{"A=1", "LIMINAL_NODE=a", "LIMINAL_TYPE=x"}) {
		t.Errorf("%q", got)
	}
	for _, name := range execNames { // or a peer could set it for a liminal that a program runs
		for _, s := range settingNames() {
			if name == s {
				t.Errorf("%s is a setting", name)
			}
		}
	}
}

// execEnv is a world with a fake node on whose channel these messages come, and
// a shell that finds its programs.
func execEnv(t *testing.T, ms ...control.Message) Env {
	t.Helper()
	b := newFakeBus()
	b.stream = saying(ms...)
	env := busEnv(t, b)
	environ := env.Environ
	env.Environ = func() []string { return append(environ(), "PATH="+os.Getenv("PATH")) }
	return env
}

// numbered are messages whose seq is their place.
func numbered(n int) []control.Message {
	var ms []control.Message
	for i := range n {
		m := message(fmt.Sprint(i + 1))
		m.Seq = uint64(i + 1)
		ms = append(ms, m)
	}
	return ms
}

// TestSubExec: a program gets the line that --json prints and the variables, and
// losses in their place; nothing else is printed.
func TestSubExec(t *testing.T) {
	odd := withLost(message("$(id) `id` '\n\x00"), 37)
	odd.Channel, odd.LostOf = "$(id); 'x'", "chat"
	all := []control.Message{message("hello"), odd}
	shell := `cat; echo "$LIMINAL_TYPE/$LIMINAL_CHANNEL/$LIMINAL_FROM/$LIMINAL_SEQ/$LIMINAL_COUNT"`
	r := runIn(t, execEnv(t, all...), "sub", "chat", "--exec-shell", "--exec", shell, "--count", "2")
	want := `{"type":"message","channel":"chat","from":"b@dev","seq":41,"id":"i","time":"2026-01-15T12:04:31.120Z","payload":"hello"}
message/chat/b@dev/41/
{"type":"drop","channel":"chat","time":"2026-01-15T12:04:31.120Z","count":37}
drop/chat///37
{"type":"message","channel":"$(id); 'x'","from":"b@dev","seq":41,"id":"i","time":"2026-01-15T12:04:31.120Z","payload":"$(id) ` + "`id`" + ` '\n\u0000"}
message/$(id); 'x'/b@dev/41/
`
	if r.stdout != want || r.stderr != "liminal: exec: 3 runs\n" || r.code != 0 {
		t.Errorf("exit %d, %q\n%s\nwant\n%s", r.code, r.stderr, r.stdout, want)
	}
	r = runIn(t, execEnv(t, numbered(9)...), "sub", "chat", "--exec", `sh -c "cat >/dev/null; echo \"$0 $LIMINAL_SEQ\"" 'two words'`, "--count", "3", "-q", "--json")
	if r.stdout != "two words 1\ntwo words 2\ntwo words 3\n" || r.stderr != "" || r.code != 0 {
		t.Errorf("%+v", r) // in order, and by no shell of ours
	}
	r = runIn(t, execEnv(t, numbered(1)...), "sub", "chat", "--exec", "echo $HOME `id`", "--count", "1", "-v")
	if r.stdout != "$HOME `id`\n" || !strings.Contains(r.stderr, "liminal: exec: exit status 0 in ") || !strings.Contains(r.stderr, " (message chat 1 from b@dev)\n") {
		t.Errorf("%+v", r)
	}
}

// TestSubExecFailures are counted, told, and make the exit status 1.
func TestSubExecFailures(t *testing.T) {
	for _, test := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"status", []string{"--exec", `[ "$LIMINAL_SEQ" != 2 ] || exit 3`, "--count", "3"}, 1, `liminal: exec: exit status 3 (message chat 2 from b@dev)
liminal: exec: 3 runs, 1 failed
  why: the last: exit status 3 (message chat 2 from b@dev)
  try: liminal sub chat --json (shows what the program gets)
`},
		{"in sums", []string{"--exec", "exit 9", "--count", "4", "-q"}, 1, `liminal: exec: exit status 9 (message chat 1 from b@dev)
liminal: exec: 3 failures more, the last: exit status 9 (message chat 4 from b@dev)
liminal: exec: 4 runs, 4 failed
  why: the last: exit status 9 (message chat 4 from b@dev)
  try: liminal sub chat --json (shows what the program gets)
`},
		{"signal", []string{"--exec", "kill -9 $$", "--count", "1"}, 1, `liminal: exec: signal: killed (message chat 1 from b@dev)
liminal: exec: 1 run, 1 failed
  why: the last: signal: killed (message chat 1 from b@dev)
  try: liminal sub chat --json (shows what the program gets)
`},
		{"time", []string{"--exec", "exec sleep 1000", "--exec-timeout", "50ms", "--count", "1"}, 1, `liminal: exec: timed out after 50ms (message chat 1 from b@dev)
liminal: exec: 1 run, 1 timed out
  why: the last: timed out after 50ms (message chat 1 from b@dev)
  try: liminal sub chat --json (shows what the program gets)
`},
		{"the first ends it", []string{"--exec", "exit $(($LIMINAL_SEQ - 1))", "--exec-fail-stop"}, 1, `liminal: exec: exit status 1 (message chat 2 from b@dev)
liminal: exec: 2 runs, 1 failed
  why: the last: exit status 1 (message chat 2 from b@dev)
  try: liminal sub chat --json (shows what the program gets)
`},
		{"the stream's own end goes before", []string{"--exec", "exit 1", "--count", "5", "--timeout", "1s"}, 124, `liminal: exec: exit status 1 (message chat 1 from b@dev)
liminal: exec: 1 run, 1 failed
liminal: timed out after 1s: 1 of 5 messages came
  why: no more came on chat
  try: raise --timeout
`},
		{"idle waits for what runs", []string{"--exec", "sleep 0.3; echo over", "--idle", "10ms"}, 0, "liminal: exec: 1 run\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := 4
			if strings.Contains(test.stderr, "no more came") || test.code == 0 {
				n = 1
			}
			env := execEnv(t, numbered(n)...)
			env.Now = func() time.Time { return noon } // so that sums are sums
			if test.name == "the first ends it" {
				env = execEnv(t, numbered(2)...) // the stream goes on without a word
			}
			r := runIn(t, env, append([]string{"sub", "chat", "--exec-shell"}, test.args...)...)
			if r.code != test.code || r.stderr != test.stderr {
				t.Errorf("exit %d:\n%s\nwant\n%s", r.code, r.stderr, test.stderr)
			}
		})
	}
}

// TestSubExecLargeInput: a program need not read what it gets.
func TestSubExecLargeInput(t *testing.T) {
	r := runIn(t, execEnv(t, message(strings.Repeat("x", 1<<20))), "sub", "chat", "--exec", "true", "--count", "1")
	if r.code != 0 || r.stderr != "liminal: exec: 1 run\n" {
		t.Errorf("%+v", r)
	}
	r = runIn(t, execEnv(t, message(strings.Repeat("x", 1<<20))), "sub", "chat", "--exec", "wc -c", "--count", "1")
	if strings.TrimSpace(r.stdout) != strconv.Itoa(1<<20+len(`{"type":"message","channel":"chat","from":"b@dev","seq":41,"id":"i","time":"2026-01-15T12:04:31.120Z","payload":""}`)+1) {
		t.Errorf("%+v", r)
	}
}

// TestSubExecJobs: two that wait for each other end only if both run at once.
func TestSubExecJobs(t *testing.T) {
	dir := t.TempDir()
	shell := fmt.Sprintf(`cd '%s' && touch "$LIMINAL_SEQ" && while [ ! -e "$((3 - $LIMINAL_SEQ))" ]; do sleep 0.01; done`, dir)
	r := runIn(t, execEnv(t, numbered(2)...), "sub", "chat", "--count", "2", "--exec-jobs", "2", "--exec-shell", "--exec", shell)
	if r.code != 0 || r.stderr != "liminal: exec: 2 runs\n" {
		t.Errorf("%+v", r)
	}
}

func TestSubExecUsage(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--exec", ""}, 64, "--exec names no program"},
		{[]string{"--exec", "''"}, 64, "--exec names no program"},
		{[]string{"--exec", "a 'b"}, 64, "--exec has a ' without its end"},
		{[]string{"--exec", "no-such-program-here x"}, 66, "there is no program no-such-program-here\n  why: no directory of PATH has it"},
		{[]string{"--exec", "/no/such/program"}, 66, "there is no program /no/such/program"},
		{[]string{"--exec", plain}, 77, "cannot run " + plain + ": permission denied"},
		{[]string{"--exec", "true", "--exec-jobs", "0"}, 64, "--exec-jobs takes a number from 1 to 256"},
		{[]string{"--exec", "true", "--exec-timeout", "5"}, 64, `--exec-timeout must be a duration such as "5s", not "5"`},
		{[]string{"--exec", "true", "--delimiter", "x"}, 64, "--delimiter and --exec exclude each other"},
		{[]string{"--exec-jobs", "2"}, 64, "--exec-jobs needs --exec"},
		{[]string{"--exec-shell"}, 64, "--exec-shell needs --exec"},
	} {
		b := newFakeBus()
		r := runIn(t, busEnv(t, b), append([]string{"sub", "chat"}, test.args...)...)
		if r.code != test.code || !strings.HasPrefix(r.stderr, "liminal: "+test.says) || len(b.asked) > 0 {
			t.Errorf("%q: %+v, %d subscriptions", test.args, r, len(b.asked))
		}
	}
}

// lives reports whether a process that a test has started is there still.
func lives(t *testing.T, pid string) bool {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatalf("%q is no pid", pid)
	}
	if err := syscall.Kill(n, 0); err != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	return err != nil || !strings.Contains(string(stat), ") Z ") // nobody may have waited for it yet
}

// awaitDeath: SIGKILL needs a moment.
func awaitDeath(t *testing.T, pid string) {
	t.Helper()
	late := time.After(10 * time.Second)
	for lives(t, pid) {
		select {
		case <-late:
			t.Fatal("it lives on")
		case <-time.After(time.Millisecond):
		}
	}
}

const (
	ignoring         = `trap "" TERM; echo $$; while :; do sleep 0.05; done`
	ignoringChildren = `sh -c 'trap "" TERM; echo $$; while :; do sleep 0.05; done' & wait`
)

// TestSubExecEnds: Ctrl-C ends the programs and all that they have started.
func TestSubExecEnds(t *testing.T) {
	for _, test := range []struct {
		name, shell string
		patient     bool // it takes the whole grace
	}{
		{"at once", `echo $$; exec sleep 1000`, false},
		{"one that ignores it", ignoring, true},
		{"with children", `sleep 1000 & echo $!; wait`, false},
		{"children that ignore it", ignoringChildren, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := startIn(t, execEnv(t, numbered(2)...), "sub", "chat", "--exec-shell", "--exec", test.shell)
			pid := r.line(r.stdout, "")
			if !lives(t, pid) {
				t.Fatal("it does not live")
			}
			began := time.Now()
			r.signals <- os.Interrupt
			r.exits(130)
			// How soon orphans are gone is up to whoever inherits them, so there
			// is no upper bound.
			if took := time.Since(began); test.patient && took < execGrace {
				t.Errorf("it took %v", took)
			}
			awaitDeath(t, pid)
		})
	}
}

// spoken is a stream whose writes are taken one by one.
type spoken chan string

func (w spoken) Write(p []byte) (int, error) { w <- string(p); return len(p), nil }

// TestSubExecHurry: a second signal waits for nothing, and leaves nothing.
func TestSubExecHurry(t *testing.T) {
	env := execEnv(t, numbered(2)...)
	stdout, signals := make(spoken, 64), make(chan os.Signal, 2)
	env.Stdout, env.Signals = stdout, signals
	code := make(chan int)
	go func() { code <- Main(t.Context(), env, []string{"sub", "chat", "--exec-shell", "--exec", ignoring}) }()
	pid := strings.TrimSpace(<-stdout)
	began := time.Now()
	signals <- os.Interrupt
	signals <- os.Interrupt
	if got, took := <-code, time.Since(began); got != 130 || took >= execGrace {
		t.Errorf("exit %d after %v", got, took)
	}
	awaitDeath(t, pid)
}

func settingNames() []string {
	var names []string
	for _, s := range config.Settings() {
		names = append(names, s.Env)
	}
	for _, v := range config.Variables() {
		names = append(names, v.Name)
	}
	return names
}

// TestSubExecLoad: while a program runs nothing is read; what the node then drops
// is handed over in its place, so that every message is accounted for.
func TestSubExecLoad(t *testing.T) {
	w := newWorld(t, "LIMINAL_QUEUE=16")
	w.node(long("a")...)
	gate := filepath.Join(t.TempDir(), "gate")
	w = w.with("PATH="+os.Getenv("PATH"), "GATE="+gate)
	shell := `until [ -e "$GATE" ]; do sleep 0.02; done; echo "$LIMINAL_TYPE $LIMINAL_COUNT"`
	r := startIn(t, w.env, "sub", "chat", "--exec-shell", "--exec", shell)
	w.obey([]string{"channels", "chat", "--wait", "1"})

	const published = 2000
	w.env.Stdin = strings.NewReader(strings.Repeat(strings.Repeat("x", 4000)+"\n", published-1))
	w.obey([]string{"pub", "chat", "--lines"})
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.obey([]string{"pub", "chat", "last"}) // what was lost before it is told with it
	messages, lost := 0, 0
	for messages+lost < published {
		kind, n, _ := strings.Cut(r.line(r.stdout, ""), " ")
		switch kind {
		case "message":
			messages++
		case "drop":
			count, err := strconv.Atoi(n)
			if err != nil {
				t.Fatal(err)
			}
			lost += count
		}
	}
	if messages+lost != published || lost == 0 {
		t.Errorf("%d messages and %d lost, of %d", messages, lost, published)
	}
	r.signals <- syscall.SIGTERM
	r.exits(143)
}
