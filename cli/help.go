package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// commands is the whole command line.
func (a *app) commands() []*cli.Command {
	return []*cli.Command{
		a.nodeCommand(), a.statusCommand(), a.peersCommand(), a.joinCommand(), a.leaveCommand(),
		a.watchCommand(), a.forgetCommand(), a.probeCommand(),
		a.pubCommand(), a.subCommand(), a.channelsCommand(), a.demoCommand(), a.configCommand(), a.tlsCommand(), a.versionCommand(), a.helpCommand(),
		a.completionCommand(), a.completeCommand(), a.manCommand(),
	}
}

// examples are shown by `liminal` alone. A test runs each line's flags.
const examples = `  liminal demo                              three nodes join; watch it happen
  liminal node start --name a               a node of your own
  liminal join app@host                     into an Erlang or Elixir cluster
  liminal peers --wait 2                    who is there, once two are
  liminal watch                             the cluster, live
  liminal sub orders                        what is published, as it arrives
  liminal pub orders hello                  publish; Erlang processes get it too
`

const tagline = "liminal runs a node in an Erlang cluster, shows who else is there, and carries messages."

// shortHelp is what `liminal` alone prints: it fits a screen of 24 lines.
func (a *app) shortHelp() error {
	out := a.earlyOutput(nil)
	blocks := append([]block{{text: tagline}, {}}, parseText(examples)...)
	blocks = append(blocks, block{})
	for _, g := range groupCommands(a.cli.Commands) {
		var names []string
		for _, c := range g.commands {
			names = append(names, briefName(c))
		}
		blocks = append(blocks, block{lead: fmt.Sprintf("  %-16s ", g.title), text: strings.Join(names, ", ")})
	}
	blocks = append(blocks, block{}, block{text: "liminal help says what each does, liminal COMMAND --help how."})
	out.write(fill(blocks, out.columns()))
	return out.failed()
}

// helpText is `liminal help`: all commands in groups, and the topics.
func helpText(commands []*cli.Command, width int) string {
	blocks := append([]block{{text: tagline}, {}}, parseText(examples)...)
	for _, g := range groupCommands(commands) {
		blocks = append(append(blocks, block{}, block{text: g.title + ":"}), commandRows(g.commands)...)
	}
	blocks = append(blocks, block{}, block{text: "Topics:"})
	for _, name := range topicNames() {
		blocks = append(blocks, block{lead: fmt.Sprintf("  %-25s ", "help "+name), text: topicDocs[name]})
	}
	blocks = append(blocks, block{}, block{text: "liminal COMMAND --help, or liminal help COMMAND, says more about one of them."})
	return fill(blocks, width)
}

// helpCommand is `liminal help [COMMAND...|TOPIC]`.
func (a *app) helpCommand() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "help for a command or a topic",
		ArgsUsage: "[COMMAND|TOPIC]",
		Flags:     commonFlags(),
		Action: a.action(command{max: 2}, func(_ context.Context, c *call) error {
			if len(c.args) == 1 {
				if t, ok := topics[c.args[0]]; ok {
					c.out.write(fill(parseText(t()), c.out.columns()))
					return nil
				}
			}
			path, err := a.namedCommand(c.args)
			if err != nil {
				return nearTopic(c.args, err)
			}
			return a.help(c.out, path)
		}),
	}
}

// namedCommand finds the command, or the group of them, that words name.
func (a *app) namedCommand(words []string) ([]*cli.Command, error) {
	var l line
	for _, word := range words {
		if len(l.path) > 0 && len(l.leaf().Subcommands) == 0 {
			return nil, usage("liminal "+pathText(l.path)+" has no command "+word, "its help is: liminal "+pathText(l.path)+" --help", l.leaf())
		}
		if err := a.grammar.word(&l, word); err != nil {
			return nil, err
		}
	}
	return l.path, nil
}

// nearTopic turns the error of an unknown word into one that names the topic
// that may have been meant, where no command is as near.
func nearTopic(words []string, err error) error {
	if len(words) != 1 {
		return err
	}
	e := *asError(err)
	if topic := nearest(words[0], topicNames()); topic != "" && !strings.HasPrefix(e.Why, "did you mean") {
		e.Why = "did you mean liminal help " + topic + "?"
	}
	e.Message = "no command and no topic is called " + words[0]
	return &e
}

// help prints the help of a command, of a group, or of all.
func (a *app) help(out *output, path []*cli.Command) error {
	l := line{path: path}
	switch c := l.leaf(); {
	case c == nil:
		out.write(helpText(a.cli.Commands, out.columns()))
	case len(c.Subcommands) > 0:
		blocks := []block{{text: "liminal " + fullName(c) + ": " + c.Usage}, {}, {text: "Commands:"}}
		blocks = append(append(blocks, commandRows(c.Subcommands)...), block{})
		blocks = append(append(blocks, parseText(c.Description)...),
			block{text: "liminal " + fullName(c) + " COMMAND --help says more about one of them."})
		out.write(fill(blocks, out.columns()))
	default:
		out.write(commandHelp(c, out.columns()))
	}
	return out.failed()
}

// usageLine: "liminal join [flags] ADDR...".
func usageLine(c *cli.Command) string {
	return strings.TrimSpace("liminal " + fullName(c) + " [flags] " + c.ArgsUsage)
}

// commandHelp is the page of one command: its own flags come before those that
// most commands have.
func commandHelp(c *cli.Command, width int) string {
	blocks := []block{{text: "liminal " + fullName(c) + ": " + c.Usage}, {}, {text: "  " + usageLine(c), raw: true}}
	if c.Description != "" {
		blocks = append(append(blocks, block{}), parseText(c.Description)...)
	}
	own, common := flagLists(c)
	if len(own) > 0 {
		blocks = append(append(blocks, block{}, block{text: "Flags, in any position:"}), flagRows(own)...)
	}
	blocks = append(append(blocks, block{}, block{text: "Common flags:"}), flagRows(common)...)
	return fill(append(blocks, helpRow), width)
}

// flagHelp gives a flag with its placeholder, and what it does with variable
// and default.
func flagHelp(f cli.Flag) (names, text string) {
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return dashed(f.Names()[0]), ""
	}
	text, value := splitUsage(doc.GetUsage())
	for _, n := range f.Names() {
		if len(n) == 1 {
			names = "-" + n + ", "
		}
	}
	names += dashed(f.Names()[0])
	if value != "" {
		names += " " + value
	}
	if _, isBool := f.(*cli.BoolFlag); isBool && doc.GetDefaultText() == "true" {
		names += "=false" // what one would type
	}
	var notes []string
	if env := settingEnv(f.Names()[0]); env != "" {
		notes = append(notes, env)
	}
	if d := doc.GetDefaultText(); d != "" && d != "-" && d != "false" {
		notes = append(notes, "default "+d)
	}
	return names, text + bracketed("; ", notes...)
}

// splitUsage takes the placeholder in backquotes out of a usage; what only
// stands there to hold one goes with it.
func splitUsage(usage string) (text, value string) {
	before, rest, ok := strings.Cut(usage, "`")
	if !ok {
		return usage, ""
	}
	value, after, _ := strings.Cut(rest, "`")
	for _, sep := range []string{"; ", ", "} {
		if after == "" && strings.HasSuffix(before, sep) {
			return strings.TrimSuffix(before, sep), value
		}
	}
	return before + value + after, value
}
