package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// fakeLive is a machine with nodes, peers and channels that counts who asks.
type fakeLive struct{ asked []string }

func (f *fakeLive) nodes(typedLine) []candidate { return wordList("a", "b") }

func (f *fakeLive) registered(typedLine) []candidate { return wordList("a", "otp") }

func (f *fakeLive) peers(t typedLine, want func(control.Peer) bool) []candidate {
	f.asked = append(f.asked, "peers of "+orElse(t.last("node"), t.last("n")))
	var all []candidate
	for _, p := range []control.Peer{{Name: "app@dev", State: "up"}, {Name: "bad@dev", State: "down"}} {
		if want(p) {
			all = append(all, candidate{p.Name, p.State})
		}
	}
	return all
}

func (f *fakeLive) channels(t typedLine, all bool) []candidate {
	f.asked = append(f.asked, "channels of "+orElse(t.last("node"), t.last("n")))
	if all {
		return wordList("chat", ":orders", "-dash", "{room,7}")
	}
	return wordList("chat", ":orders", "-dash")
}

// offered is what stands at the end of words: its candidates, or "files".
func offered(a *app, l live, words []string) string {
	e := &completer{app: a, live: l}
	found := e.complete(words[:len(words)-1], words[len(words)-1])
	if found.files {
		return strings.TrimSpace("files " + found.prefix)
	}
	var values []string
	for _, w := range found.words {
		values = append(values, w.value)
	}
	return strings.Join(values, " ")
}

func TestComplete(t *testing.T) {
	for _, test := range []struct{ line, want, asked string }{
		// commands
		{"sta", "status", ""},
		{"complet", "completion", ""},
		{"node ", "start stop list", ""},
		{"node st", "start stop", ""},
		{"config ", "check show init", ""},
		{"nodes st", "", ""},
		{"--node a pee", "peers", ""},
		{"--json no", "node", ""},
		// flags
		{"peers --st", "--state", ""},
		{"peers -", "--help --wait --state --kind --attach --cookie-file --cookie-accept-file --epmd --dial-timeout --tls-cert --tls-key --tls-ca --sort --columns --node -n --socket --timeout --config --json --plain --header --quiet -q --verbose -v --color --ascii", ""},
		{"peers --json --j", "", ""},
		{"peers -q --q", "", ""},
		{"peers -qv --ver", "", ""},
		{"peers --state=up --st", "--state", ""},
		{"node start --seed b --see", "--seed", ""},
		{"version ", "--help --json --plain --header --quiet --verbose --color --ascii", ""},
		{"--ver", "--version --verbose", ""},
		{"peers -- --j", "", "peers of "},
		{"node --js", "--json", ""},
		{"peers -n", "-n", ""},
		{"peers --zz", "", ""},
		// values
		{"node start --epmd ", "auto require off", ""},
		{"node start --epmd=r", "--epmd=require", ""},
		{"--epmd ", "auto require off", ""},
		{"node start --log-level d", "debug", ""},
		{"node start --log-format ", "text json", ""},
		{"peers --color al", "always", ""},
		{"peers --state l", "left", ""},
		{"peers --state left,d", "left,dialling left,down", ""},
		{"peers --state=left,d", "--state=left,dialling --state=left,down", ""},
		{"peers --state left,l", "", ""},
		{"peers --kind ", "liminal otp other", ""},
		{"peers --columns rtt", "rtt_us", ""},
		{"peers --sort -f", "-flaps", ""},
		{"channels --sort d", "drops", ""},
		{"channels --columns name,s", "name,subs", ""},
		{"node list --sort p", "pid", ""},
		{"sub chat --policy d", "drop_oldest disconnect", ""},
		{"peers --header=f", "--header=false", ""},
		{"peers --wait ", "", ""},
		{"peers --zzz=", "", ""},
		{"peers --config ", "files", ""},
		{"peers --config=x", "files --config=", ""},
		{"pub orders --file ", "files", ""},
		{"node start --tick=6 --cookie-file ", "files", ""},
		{"peers --node ", "a b", ""},
		{"peers -n ", "a b", ""},
		{"peers --node=", "--node=a --node=b", ""},
		{"node start --seed ", "a b otp bad@dev", "peers of "},
		// arguments
		{"peers ", "app@dev bad@dev", "peers of "},
		{"peers app@dev ", "bad@dev", "peers of "},
		{"peers --node b ba", "bad@dev", "peers of b"},
		{"--node b peers ba", "bad@dev", "peers of b"},
		{"peers -n b -- ", "app@dev bad@dev", "peers of b"},
		{"join ", "a b otp bad@dev", "peers of "},
		{"probe o", "otp", "peers of "},
		{"peers --attach o", "otp", "peers of "},
		{"watch --events sn", "snapshot snapshot.peer snapshot.end", ""},
		{"watch --events=peer.join,sub", "--events=peer.join,sub --events=peer.join,sub.add --events=peer.join,sub.remove", ""},
		{"join b b", "bad@dev", "peers of "},
		{"pub ", "chat :orders", "channels of "},
		{"pub :o", ":orders", "channels of "},
		{"pub -- ", "chat :orders -dash", "channels of "},
		{"pub chat ", "", ""},
		{"pub chat --wait 2 ", "", ""},
		{"sub chat ", ":orders", "channels of "},
		{"sub --node a --json c", "chat", "channels of a"},
		{"channels ", "chat :orders {room,7}", "channels of "},
		{"completion ", "bash zsh fish powershell", ""},
		{"completion bash ", "", ""},
		{"help ex", "exit-codes", ""},
		{"help node ", "start stop list", ""},
		{"help pe", "peers", ""},
		{"man config i", "init", ""},
		{"tls ", "init show", ""},
		{"tls init --f", "--force", ""},
		{"tls init ", "a b otp", ""},
		{"tls init o", "otp", ""},
		{"tls init --dir ", "files", ""},
		{"tls show ", "files", ""},
		{"tls show --dir=x ca.p", "files", ""},
		{"tls show --d", "--dir", ""},
		{"help tl", "tls", ""},
		{"help ce", "certs", ""},
		{"demo x", "", ""},
	} {
		l := &fakeLive{}
		got := offered(testApp(t), l, strings.Split(test.line, " "))
		if asked := strings.Join(l.asked, ", "); got != test.want || asked != test.asked {
			t.Errorf("%q: %q asking %q, want %q asking %q", test.line, got, asked, test.want, test.asked)
		}
	}
}

// TestCompleteKnowsAllChoices: a flag with a fixed set of values offers it.
func TestCompleteKnowsAllChoices(t *testing.T) {
	a := testApp(t)
	for _, c := range leaves(a.cli.Commands) {
		for _, f := range c.Flags {
			_, about := flagHelp(f)
			if !strings.Contains(about, " | ") && !strings.Contains(about, "COLUMN") {
				continue
			}
			words := append(strings.Fields(fullName(c)), dashed(f.Names()[0]), "")
			if offered(a, &fakeLive{}, words) == "" {
				t.Errorf("%q offers nothing: %s", words, about)
			}
		}
	}
}

// TestCompleteArgumentsExist: what is offered for a command has that command,
// or one that may come to be.
func TestCompleteArgumentsExist(t *testing.T) {
	have := map[string]bool{"forget": true, "probe": true}
	for _, c := range leaves(testApp(t).cli.Commands) {
		have[fullName(c)] = true
	}
	for name := range argumentSources {
		if !have[name] {
			t.Errorf("there is no command %s", name)
		}
	}
}

var hostile = []string{
	"$(touch pwned)", "`touch pwned`", "x;touch pwned", "it's", `"q" z`, `\back`, "!boom", "*", "~root", "&bg", "|pipe",
	"<in", ">out", "#hash", "{a,b}", "[x]", "^c", "%1", "?q", "(sub)", "two  words", "grün", ":orders", "a:b=c@d", "=eq", "@at",
}

var unprintable = []string{"", "new\nline", "tab\there", "esc\x1b[2J", "bell\a", "del\x7f", "rtl\u202e", "bad\xff", "c1\u009b2J"}

func TestReply(t *testing.T) {
	var all []candidate
	for _, name := range append(append([]string{}, unprintable...), hostile...) {
		all = append(all, candidate{name, "about \x1b[31m" + name})
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		text := reply(shell, completion{words: all}, shellWord{})
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) != 1+len(hostile) || lines[0] != "words" {
			t.Fatalf("%s: %d lines: %q", shell, len(lines), text)
		}
		for i, l := range lines[1:] {
			value, about, _ := strings.Cut(l, "\t")
			if shell != "bash" && value != hostile[i] || !printable(about) || !printable(value) {
				t.Errorf("%s: %q for %q", shell, l, hostile[i])
			}
		}
	}
	if got := reply("zsh", completion{files: true, prefix: "--config="}, shellWord{}); got != "files --config=\n" {
		t.Errorf("files: %q", got)
	}
}

// TestCompleteLive asks a node behind a socket.
func TestCompleteLive(t *testing.T) {
	b := newFakeBus()
	b.listed = someChannels
	env := busEnv(t, b)
	for _, test := range []struct{ args, want string }{
		{"--for=zsh --word= -- sub", "words\norders\t3 subscribers\nchat\t2 subscribers\n"},
		{"--for=zsh --word=or -- channels", "words\norders\t3 subscribers\n"},
		{"--for=zsh --word= -- sub --socket /none", "words\n"},
		{"--for=zsh --word= -- sub --node z", "words\n"},
		{"--for=zsh --word= -- sub --config /none", "words\n"},
		{"--for=fish --word=--po -- sub", "words\n--policy\twhen this reader is too slow: drop_oldest, block, disconnect (default drop_oldest)\n"},
		{"--for=bash --line=liminal~sub~o --breaks=:", "words\norders\n"},
		{"--for=bash --line=liminal~sub~>o", "files \n"},
	} {
		args := strings.Split(strings.ReplaceAll("complete "+test.args, " ", "\x00"), "\x00")
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "~", " ")
		}
		if r := runIn(t, env, args...); r.code != 0 || r.stderr != "" || r.stdout != test.want {
			t.Errorf("%s: exit %d, %q, %q", test.args, r.code, r.stdout, r.stderr)
		}
	}
}

// slowBus answers no call while the test lasts.
type slowBus struct{ *fakeBus }

func (b slowBus) Channels(ctx context.Context, _ []string) (control.Channels, error) {
	<-ctx.Done()
	return control.Channels{}, ctx.Err()
}

// TestCompleteDoesNotWait: a node that does not answer is as none.
func TestCompleteDoesNotWait(t *testing.T) {
	env := testEnv(t)
	path := env.Getenv("LIMINAL_RUNTIME_DIR") + "/x.sock"
	serve(t, slowBus{newFakeBus()}, path)
	began := time.Now()
	r := runIn(t, env, "complete", "--for=zsh", "--word=", "--", "sub", "--socket", path)
	if r.code != 0 || r.stdout != "words\n" || r.stderr != "" {
		t.Errorf("%+v", r)
	}
	if took := time.Since(began); took > 2*time.Second*slack {
		t.Errorf("it took %v", took)
	}
}

func FuzzComplete(f *testing.F) {
	for _, seed := range []string{"liminal sub 'a", "liminal peers --node=", `liminal pub "x\`, "liminal -qv --columns a,b >x", "a;b|c 2>&1 d", "liminal node start --seed \xff"} {
		f.Add(seed, " \t\n\"'@><=;|&(:")
	}
	a := newApp(Env{Getenv: func(string) string { return "" }})
	f.Fuzz(func(t *testing.T, line, breaks string) {
		words, last := splitShell(line, breaks)
		e := &completer{app: a, live: &fakeLive{}}
		text := reply("bash", e.complete(words, last.value), last)
		if !strings.HasPrefix(text, "words\n") && !strings.HasPrefix(text, "files ") {
			t.Errorf("%q: %q", line, text)
		}
	})
}
