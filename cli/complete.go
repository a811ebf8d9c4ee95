package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// candidate is one word that may stand where the cursor is. Both parts are data
// from anywhere: reply cleans them before a shell sees them.
type candidate struct {
	value string
	about string
}

// completion is what could stand at one place of a command line.
type completion struct {
	files  bool   // paths, which the shell knows best
	prefix string // what stands before the path in the same word: "--config="
	words  []candidate
}

// completeCommand is `liminal complete`, which the scripts of `liminal
// completion` run. It fails never and says nothing on stderr: whatever is wrong,
// there is nothing to offer.
func (a *app) completeCommand() *cli.Command {
	return &cli.Command{
		Name:      "complete",
		Usage:     "what may stand at the end of a command line; for the scripts of completion",
		ArgsUsage: "[WORD...]",
		Hidden:    true,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "for", Usage: "who asks, `SHELL`"},
			&cli.StringFlag{Name: "word", Usage: "the unfinished word after those given, `WORD`"},
			&cli.StringFlag{Name: "line", Usage: "bash: the line up to the cursor, `LINE`, in place of words"},
			&cli.StringFlag{Name: "breaks", Usage: "bash: the `CHARS` at which it breaks words"},
		}, commonFlags()...),
		Action: a.action(command{max: -1}, runComplete),
	}
}

func runComplete(ctx context.Context, c *call) error {
	words, last := c.args, shellWord{value: c.cli.String("word")}
	if c.cli.String("for") == "bash" {
		words, last = splitShell(c.cli.String("line"), c.cli.String("breaks"))
	}
	e := &completer{app: c.app, live: &nodeLive{call: c, ctx: ctx}}
	found := completion{files: true}
	if !last.redirect {
		found = within(completeLimit, func() completion { return e.complete(words, last.value) })
	}
	c.out.write(reply(c.cli.String("for"), found, last))
	return c.out.failed()
}

// completeLimit is for a file system that hangs: all else has narrower limits.
const completeLimit = time.Second

// within gives what find finds, or nothing if that takes too long. The process
// ends with the answer, and what still looks ends with it.
func within(limit time.Duration, find func() completion) completion {
	found := make(chan completion, 1)
	go func() { found <- find() }()
	select {
	case f := <-found:
		return f
	case <-time.After(limit):
		return completion{}
	}
}

// reply is what the scripts read: a line that says what follows ("words", or
// "files" with what stands before the path), then a candidate a line. For bash
// it is the text to put in, quoted; for the others, which quote by themselves,
// the word, a tab and what it is.
func reply(shell string, found completion, last shellWord) string {
	if found.files {
		return "files " + found.prefix + "\n"
	}
	var b strings.Builder
	b.WriteString("words\n")
	for _, w := range found.words {
		switch text, ok := last.bashText(w.value); {
		case !printable(w.value) || w.value == "":
		case shell != "bash":
			b.WriteString(w.value + "\t" + clean(w.about) + "\n")
		case ok:
			b.WriteString(text + "\n")
		}
	}
	return b.String()
}

// completer finds candidates in the grammar of the command line.
type completer struct {
	app  *app
	live live
}

// typedLine is what stands before the word to complete.
type typedLine struct {
	line
	given   map[string][]string // flags by name, with their values
	pending string              // the flag whose value comes next
	dashes  bool                // "--" stood there: only arguments follow
	lost    bool                // it names no command of ours
}

// scan reads words as arrange does, but takes a line that is not finished.
func (e *completer) scan(words []string) typedLine {
	g := e.app.grammar
	t := typedLine{given: map[string][]string{}}
	for _, w := range words {
		switch {
		case t.dashes:
			t.args = append(t.args, w)
		case t.pending != "" && w != "--" && !g.known(w):
			t.given[t.pending] = append(t.given[t.pending], w)
			t.pending = ""
		case w == "--":
			t.dashes, t.pending = true, ""
		case isFlag(w):
			t.flag(g, w)
		case w == "" && t.leaf() == nil: // some shells give an empty list as one
		case g.word(&t.line, w) != nil:
			t.lost = true
		}
	}
	return t
}

func (t *typedLine) flag(g *grammar, w string) {
	t.pending = ""
	name, value, hasValue := strings.Cut(strings.TrimLeft(w, "-"), "=")
	switch {
	case g.bundle(w):
		for _, r := range name {
			t.given[string(r)] = nil
		}
	case hasValue:
		t.given[name] = append(t.given[name], value)
	case g.value[name]:
		t.pending = name
		t.given[name] = append([]string{}, t.given[name]...)
	default:
		t.given[name] = nil
	}
}

// complete gives what may stand in place of last after words.
func (e *completer) complete(words []string, last string) completion {
	t := e.scan(words)
	name, value, hasValue := strings.Cut(strings.TrimLeft(last, "-"), "=")
	switch {
	case t.lost:
		return completion{}
	case t.pending != "":
		return e.flagValue(t, t.pending, last, "")
	case !t.dashes && strings.HasPrefix(last, "-") && hasValue:
		return e.flagValue(t, name, value, strings.TrimSuffix(last, value))
	case !t.dashes && strings.HasPrefix(last, "-"):
		return among(e.flags(t, last), last)
	}
	if leaf := t.leaf(); leaf != nil && slices.Contains(fileArguments, fullName(leaf)) {
		return completion{files: true}
	}
	found := among(e.arguments(t, last), last)
	if len(found.words) == 0 && last == "" && !t.dashes && t.leaf() != nil && t.leaf().ArgsUsage == "" {
		return among(e.flags(t, "--"), "--")
	}
	return found
}

// among keeps the candidates that begin with what is there already.
func among(all []candidate, last string) completion {
	return completion{words: slices.DeleteFunc(all, func(c candidate) bool { return !strings.HasPrefix(c.value, last) })}
}

// arguments are the commands that may come next or what the command takes.
func (e *completer) arguments(t typedLine, last string) []candidate {
	leaf := t.leaf()
	switch {
	case leaf == nil && !t.dashes:
		return commandCandidates(e.app.cli.Commands)
	case leaf == nil:
		return nil
	case len(leaf.Subcommands) > 0:
		return commandCandidates(leaf.Subcommands)
	}
	from, ok := argumentSources[fullName(leaf)]
	if !ok {
		return nil
	}
	all := from(e, t, last)
	return slices.DeleteFunc(all, func(c candidate) bool {
		return slices.Contains(t.args, c.value) || !t.dashes && strings.HasPrefix(c.value, "-")
	})
}

func commandCandidates(commands []*cli.Command) []candidate {
	var all []candidate
	for _, c := range shown(commands) {
		all = append(all, candidate{c.Name, c.Usage})
	}
	return all
}

// flags are those of the command, or before it is named those of every command;
// a flag that is there already only if it repeats. One-letter names come when
// a single dash was typed.
func (e *completer) flags(t typedLine, last string) []candidate {
	has := commonFlags()
	if leaf := t.leaf(); leaf != nil && len(leaf.Subcommands) == 0 {
		has = leaf.Flags
	}
	all := []candidate{{"--help", "help for this command"}}
	if t.leaf() == nil && len(t.given) == 0 {
		all = append(all, candidate{"--version", "say which liminal this is"})
	}
	for _, f := range has {
		if _, repeats := f.(*cli.StringSliceFlag); !repeats && t.has(f) {
			continue
		}
		_, about := flagHelp(f)
		for _, name := range f.Names() {
			if len(name) > 1 || !strings.HasPrefix(last, "--") {
				all = append(all, candidate{dashed(name), about})
			}
		}
	}
	return all
}

func (t *typedLine) has(f cli.Flag) bool {
	return slices.ContainsFunc(f.Names(), func(name string) bool { _, ok := t.given[name]; return ok })
}
