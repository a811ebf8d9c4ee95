package cli

import (
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/config"
)

// secretWords are words by which a flag would take a secret.
var secretWords = []string{"cookie", "secret", "password", "passphrase", "token", "key", "credential"}

// aPath is the placeholder of flags that name a file.
const aPath = "PATH"

// eachFlag calls do for each flag of each command, hidden ones too.
func eachFlag(commands []*cli.Command, do func(c *cli.Command, f cli.Flag, name string)) {
	for _, c := range commands {
		for _, f := range c.Flags {
			for _, name := range f.Names() {
				do(c, f, name)
			}
		}
		eachFlag(c.Subcommands, do)
	}
}

// S10: the command line of a process is for everybody to read, so no flag of any
// command takes a secret: those with such a name take the path of a file.
func TestNoFlagTakesASecret(t *testing.T) {
	seen := map[string]bool{}
	eachFlag(newApp(testEnv(t)).cli.Commands, func(c *cli.Command, f cli.Flag, name string) {
		for _, word := range secretWords {
			if !strings.Contains(name, word) {
				continue
			}
			seen[name] = true
			if text := placeholderOf(f); text != aPath {
				t.Errorf("liminal %s --%s takes a %s: %q", c.HelpName, name, word, text)
			}
		}
	})
	if !seen["cookie-file"] || !seen["cookie-accept-file"] {
		t.Errorf("the flags seen are %v", seen)
	}
	for _, s := range config.Settings() {
		for _, word := range secretWords {
			if strings.Contains(s.Key, word) && placeholder(s) != aPath {
				t.Errorf("%s takes a %s", s.Key, word)
			}
		}
	}
}

// placeholderOf is what the help of a flag calls its value.
func placeholderOf(f cli.Flag) string {
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok || !doc.TakesValue() {
		return ""
	}
	_, rest, _ := strings.Cut(doc.GetUsage(), "`")
	text, _, _ := strings.Cut(rest, "`")
	return text
}

// S10: who tries all the same is told of the flag, and what he typed is not
// repeated: stderr goes into logs.
func TestSecretTypedIsNotRepeated(t *testing.T) {
	env := testEnv(t)
	for _, args := range [][]string{
		{"node", "start", "--cookie", "CANARY"}, {"node", "start", "--cookie=CANARY"}, {"--cookie=CANARY", "node", "start"},
		{"node", "start", "--setcookie", "CANARY"}, {"probe", "--cookie", "CANARY", "b"}, {"peers", "--attach", "b", "--cookie=CANARY", "--json"},
		{"node", "start", "--cookie-fil=CANARY", "-v"}, {"watch", "--attach", "b", "--password=CANARY"},
	} {
		r := runIn(t, env, args...)
		if r.code != exitUsage || !strings.Contains(r.stderr, "unknown flag --") || strings.Contains(r.stdout+r.stderr, "CANARY") {
			t.Errorf("liminal %s: %+v", strings.Join(args, " "), r)
		}
	}
}
