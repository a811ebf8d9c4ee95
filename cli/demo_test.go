package cli

import (
	"os"
	"strings"
	"testing"
)

func leftBehind(t *testing.T, env Env) {
	t.Helper()
	entries, err := os.ReadDir(env.TempDir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestDemoOnTerminal: the whole story, and how to go on.
func TestDemoOnTerminal(t *testing.T) {
	env := testEnv(t)
	r := startIn(t, terminal(env), "demo", "--color=never")
	for _, want := range []string{
		"LIMINAL_RUNTIME_DIR=", "a@127.0.0.1 listens on 127.0.0.1:", "b and c know one address", "b@127.0.0.1 listens on",
		"a and b subscribe to chat", " a message chat c@127.0.0.1: hello from c", " b message chat c@127.0.0.1: hello from c",
		"b stops. It says goodbye", "leave b@127.0.0.1 (", " a message chat c@127.0.0.1: is b gone?",
		"b starts again", "rejoin b@127.0.0.1 (liminal", " a message chat b@127.0.0.1: back again", "Nothing is left behind",
		"liminal node start --name a ",
	} {
		r.line(r.stdout, want)
	}
	r.exits(0)
	leftBehind(t, env)
}

// TestDemoInterrupted: Ctrl-C in the middle leaves nothing either.
func TestDemoInterrupted(t *testing.T) {
	env := testEnv(t)
	env.Pause = pause
	r := startIn(t, terminal(env), "demo")
	r.line(r.stdout, "b and c know one address")
	r.signals <- os.Interrupt
	r.exits(130)
	leftBehind(t, env)
}

// TestDemoSaysWhatFailed: it does not claim what it has not seen.
func TestDemoNeedsSightings(t *testing.T) {
	s := newSightings()
	pairs := []pair{{"a", "b"}, {"b", "a"}}
	missing, changed := s.missing("join", pairs)
	if len(missing) != 2 {
		t.Fatal(missing)
	}
	s.last[pairs[0]] = "join"
	s.last[pairs[1]] = "down"
	if missing, _ = s.missing("leave", pairs[1:]); len(missing) != 1 {
		t.Error("down counts as leave")
	}
	s.forget("a")
	if missing, _ = s.missing("join", pairs[:1]); len(missing) != 1 {
		t.Error("what a node saw outlives it")
	}
	select {
	case <-changed:
		t.Error("changed without a change")
	default:
	}
}

func TestDemoJSONIsQuiet(t *testing.T) {
	env := testEnv(t)
	r := runIn(t, env, "demo", "--json")
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("%+v", r)
	}
	for line := range strings.Lines(r.stdout) {
		if !strings.HasPrefix(line, `{"observer":"`) {
			t.Errorf("%q", line)
		}
	}
	leftBehind(t, env)
}

func terminal(env Env) Env { env.StdoutTTY = true; return env }
