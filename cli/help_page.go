package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// Pages are laid out for the terminal's width, within reason: lines of more
// than 120 columns are hard to read, and 80 is what is left where nobody says.
const (
	pageWidth = 80
	pageLeast = 40
	pageMost  = 120
)

// columns is the width of the help pages on o.
func (o *output) columns() int {
	if o.width <= 0 {
		return pageWidth
	}
	return min(max(o.width, pageLeast), pageMost)
}

// commandGroups is the order of the commands in help. Those without a group
// come last; a test keeps that group empty.
var commandGroups = []struct {
	title string
	names []string
}{
	{"Run a node", []string{"node", "demo", "config", "tls"}},
	{"See the cluster", []string{"status", "peers", "watch", "probe"}},
	{"Change it", []string{"join", "leave", "forget"}},
	{"Messages", []string{"pub", "sub", "channels"}},
	{"About liminal", []string{"completion", "man", "version", "help"}},
	{"More", nil},
}

type commandGroup struct {
	title    string
	commands []*cli.Command
}

// groupCommands sorts the commands that people are shown into their groups.
func groupCommands(commands []*cli.Command) []commandGroup {
	var groups []commandGroup
	left := shown(commands)
	for _, g := range commandGroups {
		group := commandGroup{title: g.title}
		for _, name := range g.names {
			if i := slices.IndexFunc(left, func(c *cli.Command) bool { return c.Name == name }); i >= 0 {
				group.commands = append(group.commands, left[i])
				left = slices.Delete(left, i, i+1)
			}
		}
		if g.names == nil {
			group.commands = left
		}
		if len(group.commands) > 0 {
			groups = append(groups, group)
		}
	}
	return groups
}

// shown leaves out the commands that are for programs.
func shown(commands []*cli.Command) []*cli.Command {
	return slices.DeleteFunc(slices.Clone(commands), func(c *cli.Command) bool { return c.Hidden })
}

// leaves are the commands that can be run, those of groups in their place.
func leaves(commands []*cli.Command) []*cli.Command {
	var all []*cli.Command
	for _, c := range shown(commands) {
		if len(c.Subcommands) > 0 {
			all = append(all, leaves(c.Subcommands)...)
			continue
		}
		all = append(all, c)
	}
	return all
}

// commandRows lists commands with what they do.
func commandRows(commands []*cli.Command) []block {
	var rows []block
	for _, c := range leaves(commands) {
		name := strings.TrimSpace(fullName(c) + " " + c.ArgsUsage)
		rows = append(rows, block{lead: fmt.Sprintf("  %-25s ", name), text: c.Usage})
	}
	return rows
}

// briefName is a command with its own commands: "config check|show|init".
func briefName(c *cli.Command) string {
	if len(c.Subcommands) == 0 {
		return c.Name
	}
	return c.Name + " " + strings.Join(commandNames(shown(c.Subcommands)), "|")
}

// flagLists are the flags of a command: its own, and those that most have.
func flagLists(c *cli.Command) (own, common []cli.Flag) {
	everywhere := flagNames(&cli.Command{Flags: fileFlags()})
	if flagNames(c)["node"] {
		everywhere = flagNames(&cli.Command{Flags: clientFlags()})
	}
	for _, f := range c.Flags {
		if everywhere[f.Names()[0]] {
			common = append(common, f)
		} else {
			own = append(own, f)
		}
	}
	return own, common
}

func flagRows(flags []cli.Flag) []block {
	var rows []block
	for _, f := range flags {
		names, text := flagHelp(f)
		rows = append(rows, block{lead: fmt.Sprintf("  %-24s ", names), text: text})
	}
	return rows
}

var helpRow = block{lead: fmt.Sprintf("  %-24s ", "-h, --help"), text: "this text"}
