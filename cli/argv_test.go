package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func testApp(t *testing.T) *app { t.Helper(); return newApp(testEnv(t)) }

// permute calls f with every order of words.
func permute(words []string, f func([]string)) {
	var step func(n int)
	step = func(n int) {
		if n == len(words) {
			f(words)
			return
		}
		for i := n; i < len(words); i++ {
			words[n], words[i] = words[i], words[n]
			step(n + 1)
			words[n], words[i] = words[i], words[n]
		}
	}
	step(0)
}

// TestArrangeAllOrders: flags may stand anywhere, so every order of a command
// line in which command comes before argument means the same.
func TestArrangeAllOrders(t *testing.T) {
	a := testApp(t)
	n := 0
	permute([]string{"peers", "b", "--json", "--wait=2", "-n a", "--timeout 5s"}, func(units []string) {
		if slices.Index(units, "b") < slices.Index(units, "peers") {
			return
		}
		n++
		words := strings.Fields(strings.Join(units, " "))
		l, err := a.grammar.arrange(words)
		if err != nil {
			t.Fatalf("%q: %v", words, err)
		}
		slices.Sort(l.flags)
		if got := strings.Join(l.words(), " "); got != "liminal peers --json --timeout=5s --wait=2 -n=a -- b" {
			t.Fatalf("%q became %q", words, got)
		}
	})
	if n != 360 {
		t.Errorf("%d orders tried, want 360", n)
	}
}

func TestArrange(t *testing.T) {
	for _, test := range []struct{ words, want string }{
		{"", "liminal"},
		{"node start --name a", "liminal node start --name=a"},
		{"node --name a start", "liminal node start --name=a"},
		{"--name a node start", "liminal node start --name=a"},
		{"--name=a=b node start", "liminal node start --name=a=b"},
		{"join -- --json -n", "liminal join -- --json -n"},
		{"join a --any -- b", "liminal join --any -- a b"},
		{"join - --any", "liminal join --any -- -"},
		{"peers -qv", "liminal peers -q -v"},
		{"peers -json", "liminal peers --json"},
		{"peers --sort -name", "liminal peers --sort=-name"},
		{"peers node", "liminal peers -- node"},
		{"peers -n node", "liminal peers -n=node"},
		{"node start --seed b --seed c", "liminal node start --seed=b --seed=c"},
		{"peers --header=false", "liminal peers --header=false"},
		{"leave --stop=false", "liminal leave --stop=false"},
		{"node start --name --", "usage: flag --name needs a value"},
		{"peers -n", "usage: flag -n needs a value"},
		{"--json", "usage: no command given"},
		{"nodes start", "usage: unknown command nodes"},
		{"node stat", "usage: unknown command node stat"},
		{"status --hidden", "usage: unknown flag --hidden for liminal status"},
		{"peers --zzz", "usage: unknown flag --zzz for liminal peers"},
		{"peers -z", "usage: unknown flag -z for liminal peers"},
	} {
		l, err := testApp(t).grammar.arrange(strings.Fields(test.words))
		got := strings.Join(l.words(), " ")
		if err != nil {
			got = asError(err).Code + ": " + err.Error()
		}
		if got != test.want {
			t.Errorf("%q: %q, want %q", test.words, got, test.want)
		}
	}
}

// TestFlagsMeanTheSame: a name takes a value on every command or on none, or
// argv could not be read before the command is known.
func TestFlagsMeanTheSame(t *testing.T) {
	seen := map[string]bool{}
	var walk func(commands []*cli.Command)
	walk = func(commands []*cli.Command) {
		for _, c := range commands {
			own := map[string]bool{}
			for _, f := range c.Flags {
				for _, name := range f.Names() {
					if takes, known := seen[name]; known && takes != takesValue(f) {
						t.Errorf("--%s takes a value on some commands only", name)
					}
					seen[name] = takesValue(f)
					if own[name] {
						t.Errorf("%s declares --%s twice", c.HelpName, name)
					}
					own[name] = true
				}
			}
			walk(c.Subcommands)
		}
	}
	walk(testApp(t).cli.Commands)
	for _, common := range []string{"json", "plain", "header", "quiet", "q", "verbose", "v", "color", "ascii"} {
		if _, ok := seen[common]; !ok {
			t.Errorf("no flag --%s", common)
		}
	}
}

// TestCommandsOfNow: what comes later is not there yet.
func TestCommandsOfNow(t *testing.T) {
	want := []string{"node", "status", "peers", "join", "leave", "watch", "forget", "probe", "pub", "sub", "channels", "demo", "config", "tls", "version", "help", "completion", "man"}
	if got := commandNames(shown(testApp(t).cli.Commands)); !slices.Equal(got, want) {
		t.Errorf("commands %v, want %v", got, want)
	}
}

func FuzzArrange(f *testing.F) {
	for _, seed := range []string{"peers\x00-n\x00a", "--\x00x", "-\x00--", "node\x00--name", "-qvq", "peers\x00--=\x00-="} {
		f.Add(seed)
	}
	g := newApp(Env{Getenv: func(string) string { return "" }}).grammar
	f.Fuzz(func(t *testing.T, text string) {
		l, err := g.arrange(strings.Split(text, "\x00"))
		if err != nil && asError(err).Code != "usage" {
			t.Errorf("%q: %v", text, err)
		}
		_ = l.words()
	})
}
