package cli

import (
	"slices"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"

	"github.com/liminal-bus/liminal/internal/control"
)

// usage is the error for a command line that cannot be read. It names the help
// of the command where that is known.
func usage(what, why string, c *cli.Command) *control.Error {
	try := "liminal help"
	if c != nil {
		try = "liminal " + fullName(c) + " --help"
	}
	return fail("usage", what, why, try)
}

// fullName is the command as typed after "liminal"; newApp keeps it in HelpName.
func fullName(c *cli.Command) string {
	return strings.TrimPrefix(c.HelpName, "liminal ")
}

func unknownCommand(word string, l *line, among []*cli.Command) *control.Error {
	names := commandNames(shown(among))
	prefix := ""
	if len(l.path) > 0 {
		prefix = pathText(l.path) + " "
	}
	why := "the commands are: " + strings.Join(names, ", ")
	if near := nearest(word, names); near != "" {
		why = "did you mean liminal " + prefix + near + "?"
	}
	return usage("unknown command "+prefix+word, why, l.leaf())
}

func (g *grammar) unknownFlag(name string, l line) *control.Error {
	leaf := l.leaf()
	what := "unknown flag " + dashed(name) + " for liminal " + fullName(leaf)
	if leaf.Name == "pub" && !flagLike(name) {
		return fail("usage", what, "a message that begins with a dash stands after --", "liminal pub CHANNEL -- MESSAGE")
	}
	if owner := g.owner(name, g.root); owner != "" {
		return usage(what, dashed(name)+" belongs to liminal "+owner, leaf)
	}
	var names []string
	for n := range flagNames(leaf) {
		names = append(names, n)
	}
	sort.Strings(names)
	why := "it has no such flag"
	if leaf.ArgsUsage != "" {
		why += " (an argument with a dash: put it after --)"
	}
	if near := nearest(name, names); near != "" {
		why = "did you mean " + dashed(near) + "? (an argument with a dash: put it after --)"
	}
	return usage(what, why, leaf)
}

// flagLike reports whether name could be that of a flag; what could not was
// meant as an argument.
func flagLike(name string) bool {
	outside := func(r rune) bool { return (r < 'a' || r > 'z') && r != '-' }
	return strings.TrimLeft(name, "-") != "" && strings.IndexFunc(name, outside) < 0
}

// owner is the first command that has the flag.
func (g *grammar) owner(name string, among []*cli.Command) string {
	for _, c := range shown(among) {
		if flagNames(c)[name] {
			return fullName(c)
		}
		if sub := g.owner(name, c.Subcommands); sub != "" {
			return sub
		}
	}
	return ""
}

// nearest is the candidate most like word, or "" when none is alike. It is the
// rule that urfave/cli has for its own suggestions, with a floor: a far guess
// helps nobody.
func nearest(word string, candidates []string) string {
	const boost, prefix, floor = 0.7, 4, 0.75
	best, found := floor, ""
	for _, c := range candidates {
		if len(c) < 2 || otherWord(c, word) {
			continue // one-letter names are like everything
		}
		if d := smetrics.JaroWinkler(c, word, boost, prefix); d > best {
			best, found = d, c
		}
	}
	return found
}

// otherWord says that two short words of one length differ by more than a swap of
// letters: then they are two words, like nope and node, and not one mistyped.
func otherWord(a, b string) bool {
	return len(a) <= 4 && len(a) == len(b) && !slices.Equal(slices.Sorted(slices.Values([]byte(a))), slices.Sorted(slices.Values([]byte(b))))
}

// parseUsage turns what the flag parser said into our words. Unknown flags
// never get here; what is left are values that do not fit.
func parseUsage(err error, c *cli.Command) *control.Error {
	text := err.Error()
	text = strings.ReplaceAll(text, " for flag -", " for --")
	what, why, ok := strings.Cut(text, ": ")
	if !ok {
		why = "see its flags"
	}
	if strings.Contains(why, "parse error") {
		why = "that is not the kind of value it takes"
	}
	return usage(what, why, c)
}
