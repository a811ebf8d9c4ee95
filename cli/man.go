package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// manCommand is `liminal man`.
func (a *app) manCommand() *cli.Command {
	return &cli.Command{
		Name:      "man",
		Usage:     "print the manual page, of one command or of all",
		ArgsUsage: "[COMMAND...]",
		Description: "It is roff, for man(1). For example:\n\n" +
			"  liminal man | man -l -                             read it now (Linux)\n" +
			"  liminal man > ~/.local/share/man/man1/liminal.1    keep it for man liminal\n",
		Flags: commonFlags(),
		Action: a.action(command{max: 2}, func(_ context.Context, c *call) error {
			path, err := a.namedCommand(c.args)
			if err != nil {
				return err
			}
			among := a.cli.Commands
			if l := (line{path: path}); l.leaf() != nil {
				among = []*cli.Command{l.leaf()}
			}
			c.out.write(manPage(among, len(path) > 0))
			return nil
		}),
	}
}

// manPage is liminal(1), or the page of the command or group in commands.
func manPage(commands []*cli.Command, one bool) string {
	name, about := "liminal", "a node in an Erlang cluster, and the commands that show it"
	if one {
		name, about = "liminal-"+strings.ReplaceAll(fullName(commands[0]), " ", "-"), commands[0].Usage
	}
	m := &roff{told: map[string]string{}}
	m.title(name, version())
	m.section("NAME")
	m.line(name + ` \- ` + escapeRoff(about))
	m.section("SYNOPSIS")
	if !one {
		m.usage("liminal COMMAND [flags] [ARGUMENT...]")
	}
	all := leaves(commands)
	for i, c := range all {
		if one {
			m.breakBefore(i)
			m.usage(usageLine(c))
		}
	}
	if one && len(all) == 1 {
		m.manCommand(all[0], m.section)
	} else {
		m.manCommands(commands, one)
	}
	m.section("COMMON FLAGS")
	m.blocks(commonRows(all))
	for _, t := range manTopics {
		m.section(t.head)
		m.blocks(withoutHead(parseText(topics[t.topic]())))
	}
	m.section("FILES")
	m.blocks(parseText(filesPage))
	m.section("SEE ALSO")
	m.line(".BR erl (1),")
	m.line(".BR epmd (1)")
	return m.String()
}

// manCommands is the part with one subsection a command.
func (m *roff) manCommands(commands []*cli.Command, one bool) {
	if !one {
		m.section("DESCRIPTION")
		m.blocks([]block{{text: tagline + " It speaks the distribution protocol of Erlang/OTP, so that Erlang, " +
			"Elixir and Gleam nodes are peers like any other. Flags may stand anywhere on the line."}})
		m.section("EXAMPLES")
		m.blocks(parseText(examples))
	}
	m.section("COMMANDS")
	for _, g := range groupCommands(commands) {
		for _, c := range leaves(g.commands) {
			m.subsection(usageLine(c))
			m.manCommand(c, m.paragraph)
		}
	}
}

// manCommand is one command without its common flags. head is how its parts are
// headed where it has a page of its own.
func (m *roff) manCommand(c *cli.Command, head func(string)) {
	head("DESCRIPTION")
	m.blocks([]block{{text: fullSentence(c.Usage)}})
	if c.Description != "" {
		m.line(".PP")
		m.blocks(parseText(c.Description))
	}
	own, _ := flagLists(c)
	if len(own) == 0 {
		return
	}
	rows := flagRows(own)
	key := fmt.Sprint(rows)
	head("FLAGS")
	if before := m.told[key]; before != "" {
		m.line("Those of " + escapeRoff("liminal "+before) + ".")
		return
	}
	m.told[key] = fullName(c)
	m.blocks(rows)
}

// sentence makes one of what a command does.
func fullSentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// commonRows are the flags that several of commands have, each once.
func commonRows(commands []*cli.Command) []block {
	var rows []block
	seen := map[string]bool{}
	for _, c := range commands {
		_, common := flagLists(c)
		for _, row := range flagRows(common) {
			if !seen[row.lead] {
				seen[row.lead] = true
				rows = append(rows, row)
			}
		}
	}
	return append(rows, helpRow)
}

// manTopics are the pages of help under the names that manuals have for them.
var manTopics = []struct{ head, topic string }{
	{"ADDRESSES", "addresses"},
	{"CERTIFICATES", "certs"},
	{"OUTPUT", "output"},
	{"EXIT STATUS", "exit-codes"},
	{"ENVIRONMENT", "environment"},
}

// withoutHead takes off the first line of a topic where it only names it.
func withoutHead(blocks []block) []block {
	if len(blocks) > 1 && strings.HasSuffix(blocks[0].text, ":") && len(blocks[0].text) < 20 {
		return blocks[2:]
	}
	return blocks
}

// filesPage tells where things live. RUNTIME is the first of its list.
const filesPage = `  ~/.config/liminal/config.toml   settings, in $XDG_CONFIG_HOME if that is set; liminal config init
                                  prints them all
  /etc/liminal/config.toml        settings, where there are none of the user's own
  ~/.config/liminal/tls/          certificates and keys of liminal tls init
  ~/.erlang.cookie                the cookie, created if missing
  RUNTIME/NAME.sock               control socket: HTTP and JSON
  RUNTIME/NAME.lock               held while the node lives

RUNTIME is $LIMINAL_RUNTIME_DIR, $RUNTIME_DIRECTORY (of systemd), $XDG_RUNTIME_DIR/liminal, for root
/run/liminal, /run/user/UID/liminal, or $TMPDIR/liminal-UID, the first that applies. It is for its
owner alone.
`
