package cli

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
)

// typedMost is how much of a command line advice repeats.
const typedMost = 100

// typed is the command line of this call after "liminal", quoted for a shell, so
// that advice to run it again can be typed. One that is too long to repeat is
// its command alone.
func (c *call) typed() string {
	text := typedWords(c.app.args)
	if text == "" || len(text) > typedMost || clean(text) != text {
		return fullName(c.cli.Command) + " ..."
	}
	return text
}

// typedWord quotes a word if a shell would read it otherwise.
func typedWord(w string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:@,+%"
	if w != "" && strings.Trim(w, plain) == "" {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// typedWords are words as one would type them.
func typedWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = typedWord(w)
	}
	return strings.Join(quoted, " ")
}

// withFlag adds a flag to a command line as typed gives it, before the "--" that
// ends its flags. flag is one or two words, not yet quoted.
func withFlag(line string, flag ...string) string {
	words, err := splitWords(line)
	if err != nil { // typed gives none such
		words = strings.Fields(line)
	}
	at := slices.Index(words, "--")
	if at < 0 {
		at = len(words)
	}
	return typedWords(slices.Insert(words, at, flag...))
}

// chosenBy is the flag by which this call names its node, and nil where none
// does: then advice finds the same node without one.
func (c *call) chosenBy() []string {
	if socket := c.cli.String("socket"); socket != "" && c.cli.IsSet("socket") {
		return []string{"--socket", socket}
	}
	if name := c.cli.String("node"); name != "" {
		return []string{"--node", name}
	}
	return nil
}

// advised is what the node has told, its advice for the same node: the node
// knows no flag of ours. Advice may go on after the command, so the flag stands
// right after the command's name.
func (c *call) advised(e *control.Error) *control.Error {
	flag := c.chosenBy()
	rest, ours := strings.CutPrefix(e.Try, "liminal ")
	if flag == nil || !ours || strings.Contains(rest, "--node ") || strings.Contains(rest, "--socket ") {
		return e
	}
	words := strings.Split(rest, " ")
	leaf, named := commandOf(c.app.cli.Commands, words)
	if leaf == nil || !flagNames(leaf)["node"] { // those of client commands
		return e
	}
	told := *e
	told.Try = strings.Join(append([]string{"liminal", withFlag(strings.Join(words[:named], " "), flag...)}, words[named:]...), " ")
	return &told
}

// commandOf is the command that words begin with, nil if none, and how many of
// them name it.
func commandOf(among []*cli.Command, words []string) (leaf *cli.Command, named int) {
	for ; named < len(words); named++ {
		at := slices.IndexFunc(among, func(c *cli.Command) bool { return c.Name == words[named] })
		if at < 0 {
			break
		}
		leaf, among = among[at], among[at].Subcommands
	}
	return leaf, named
}
