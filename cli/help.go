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
		a.pubCommand(), a.subCommand(), a.channelsCommand(), a.demoCommand(), a.configCommand(), a.versionCommand(), a.helpCommand(),
	}
}

// examples are shown by `liminal` alone. A test runs each line's flags.
const examples = `  liminal demo                              three nodes join; watch it happen
  liminal node start --name a               a node of your own
  liminal join app@host                     into an Erlang or Elixir cluster
  liminal peers --wait 2                    who is there, once two are
  liminal sub orders                        what is published, as it arrives
  liminal pub orders hello                  publish; Erlang processes get it too
`

func (a *app) shortHelp() error {
	out := a.earlyOutput(nil)
	out.write(helpText(a.cli.Commands))
	return out.failed()
}

func helpText(commands []*cli.Command) string {
	var b strings.Builder
	b.WriteString("liminal runs a node in an Erlang cluster, shows who else is there, and carries messages.\n\n")
	b.WriteString(examples)
	b.WriteString("\nCommands:\n")
	writeCommands(&b, "", commands)
	b.WriteString("\nliminal COMMAND --help, liminal help [" + strings.Join(topicNames(), "|") + "]\n")
	return b.String()
}

// writeCommands lists every command that can be run.
func writeCommands(b *strings.Builder, prefix string, commands []*cli.Command) {
	for _, c := range commands {
		if len(c.Subcommands) > 0 {
			writeCommands(b, prefix+c.Name+" ", c.Subcommands)
			continue
		}
		name := strings.TrimSpace(prefix + c.Name + " " + c.ArgsUsage)
		fmt.Fprintf(b, "  %-25s %s\n", name, c.Usage)
	}
}

// helpCommand is `liminal help [COMMAND...|TOPIC]`.
func (a *app) helpCommand() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "help for a command, or on " + strings.Join(topicNames(), ", "),
		ArgsUsage: "[TOPIC]",
		Flags:     commonFlags(),
		Action: a.action(command{max: 2}, func(_ context.Context, c *call) error {
			if len(c.args) == 1 {
				if t, ok := topics[c.args[0]]; ok {
					c.out.write(t())
					return nil
				}
			}
			var l line
			for _, word := range c.args {
				if len(l.path) > 0 && len(l.leaf().Subcommands) == 0 {
					return usage("liminal "+pathText(l.path)+" has no command "+word, "its help is: liminal "+pathText(l.path)+" --help", l.leaf())
				}
				if err := a.grammar.word(&l, word); err != nil {
					return err
				}
			}
			return a.help(c.out, l.path)
		}),
	}
}

// help prints the help of a command, of a group, or of all.
func (a *app) help(out *output, path []*cli.Command) error {
	l := line{path: path}
	switch c := l.leaf(); {
	case c == nil:
		out.write(helpText(a.cli.Commands))
	case len(c.Subcommands) > 0:
		var b strings.Builder
		fmt.Fprintf(&b, "liminal %s: %s\n\nCommands:\n", fullName(c), c.Usage)
		writeCommands(&b, fullName(c)+" ", c.Subcommands)
		out.write(b.String())
	default:
		out.write(commandHelp(c))
	}
	return out.failed()
}

// usageLine: "liminal join [flags] ADDR...".
func usageLine(c *cli.Command) string {
	return strings.TrimSpace("liminal " + fullName(c) + " [flags] " + c.ArgsUsage)
}

func commandHelp(c *cli.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "liminal %s: %s\n\n  %s\n", fullName(c), c.Usage, usageLine(c))
	if c.Description != "" {
		b.WriteString("\n" + c.Description + "\n")
	}
	b.WriteString("\nFlags, in any position:\n")
	for _, f := range c.Flags {
		names, text := flagHelp(f)
		fmt.Fprintf(&b, "  %-24s %s\n", names, text)
	}
	fmt.Fprintf(&b, "  %-24s %s\n", "-h, --help", "this text")
	return b.String()
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
