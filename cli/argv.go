package cli

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// grammar is what argv is read by: the commands, and which flags take a value.
// A flag means the same on every command, so that the words before the command
// name can be read without knowing it yet.
type grammar struct {
	root  []*cli.Command
	value map[string]bool // flag name, without dashes: does it take a value
}

func newGrammar(root []*cli.Command) *grammar {
	g := &grammar{root: root, value: map[string]bool{}}
	g.learn(root)
	return g
}

func (g *grammar) learn(commands []*cli.Command) {
	for _, c := range commands {
		for _, f := range c.Flags {
			for _, name := range f.Names() {
				g.value[name] = takesValue(f)
			}
		}
		g.learn(c.Subcommands)
	}
}

func takesValue(f cli.Flag) bool {
	_, isBool := f.(*cli.BoolFlag)
	return !isBool
}

// line is an argv in order.
type line struct {
	path  []*cli.Command // the commands named, the last is the one to run
	flags []string       // --name=value or --name, as given
	args  []string
	help  bool // --help or -h stood somewhere
}

// leaf is the command to run, nil for a bare `liminal`.
func (l line) leaf() *cli.Command {
	if len(l.path) == 0 {
		return nil
	}
	return l.path[len(l.path)-1]
}

// words is the argv that urfave/cli reads right: it stops looking for flags at
// the first argument, so they all go before it.
func (l line) words() []string {
	out := []string{"liminal"}
	for _, c := range l.path {
		out = append(out, c.Name)
	}
	out = append(out, l.flags...)
	if len(l.args) > 0 {
		out = append(append(out, "--"), l.args...)
	}
	return out
}

// arrange sorts words into a line. Flags may stand anywhere before "--"; what
// follows it are arguments.
func (g *grammar) arrange(words []string) (line, error) {
	var l line
	var names []string // of the flags, in the order of l.flags
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "--":
			l.args = append(l.args, words[i+1:]...)
			i = len(words)
		case isFlag(w):
			used, err := g.flag(&l, &names, words[i:])
			if err != nil {
				return l, err
			}
			i += used - 1
		default:
			if err := g.word(&l, w); err != nil {
				return l, err
			}
		}
	}
	return l, g.check(l, names)
}

// isFlag: a lone "-" is an argument, by custom stdin.
func isFlag(w string) bool { return len(w) > 1 && w[0] == '-' }

// flag files the flag at the head of words and says how many words it took.
func (g *grammar) flag(l *line, names *[]string, words []string) (int, error) {
	name, value, hasValue := strings.Cut(strings.TrimLeft(words[0], "-"), "=")
	if name == "help" || name == "h" {
		l.help = true
		return 1, nil
	}
	if g.bundle(words[0]) { // -qv is -q -v
		for _, r := range name {
			*names = append(*names, string(r))
			l.flags = append(l.flags, "-"+string(r))
		}
		return 1, nil
	}
	*names = append(*names, name)
	switch {
	case hasValue:
		l.flags = append(l.flags, dashed(name)+"="+value)
		return 1, nil
	case !g.value[name]:
		l.flags = append(l.flags, dashed(name))
		return 1, nil
	case len(words) == 1 || words[1] == "--" || g.known(words[1]):
		return 0, usage("flag "+dashed(name)+" needs a value", "write "+dashed(name)+" VALUE or "+dashed(name)+"=VALUE", l.leaf())
	}
	l.flags = append(l.flags, dashed(name)+"="+words[1])
	return 2, nil
}

// bundle reports whether w is several one-letter switches behind one dash.
func (g *grammar) bundle(w string) bool {
	if len(w) < 3 || w[1] == '-' {
		return false
	}
	if _, whole := g.value[w[1:]]; whole {
		return false
	}
	for _, r := range w[1:] {
		if takes, known := g.value[string(r)]; !known || takes {
			return false
		}
	}
	return true
}

// known reports whether w is a flag of any command. A value that looks like
// one is more likely a forgotten value; --flag=VALUE says it was meant.
func (g *grammar) known(w string) bool {
	if !strings.HasPrefix(w, "--") && len(w) != 2 {
		return false // --sort -name is a value
	}
	name, _, _ := strings.Cut(strings.TrimLeft(w, "-"), "=")
	_, ok := g.value[name]
	return ok
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// word files a word that is no flag: the next command name, or an argument once
// a command without subcommands has been named.
func (g *grammar) word(l *line, w string) error {
	next := g.root
	if leaf := l.leaf(); leaf != nil {
		if next = leaf.Subcommands; len(next) == 0 {
			l.args = append(l.args, w)
			return nil
		}
	}
	for _, c := range next {
		if c.HasName(w) {
			l.path = append(l.path, c)
			return nil
		}
	}
	return unknownCommand(w, l, next)
}

// check refuses flags that the named command does not have.
func (g *grammar) check(l line, names []string) error {
	leaf := l.leaf()
	if leaf == nil || l.help {
		if leaf == nil && !l.help && len(names)+len(l.args) > 0 {
			return usage("no command given", "flags belong to a command", nil)
		}
		return nil
	}
	if len(leaf.Subcommands) > 0 {
		return usage("liminal "+pathText(l.path)+" needs a command",
			"it has: "+strings.Join(commandNames(leaf.Subcommands), ", "), leaf)
	}
	has := flagNames(leaf)
	for _, name := range names {
		if !has[name] {
			return g.unknownFlag(name, l)
		}
	}
	return nil
}

func pathText(path []*cli.Command) string { return strings.Join(commandNames(path), " ") }

func commandNames(commands []*cli.Command) []string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return names
}

func flagNames(c *cli.Command) map[string]bool {
	has := map[string]bool{}
	for _, f := range c.Flags {
		for _, name := range f.Names() {
			has[name] = true
		}
	}
	return has
}
