package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/config"
)

// Flags are declared on each command and not on the program: so they may stand
// before and after its name, and its help shows all of them.

// commonFlags are those of every command.
func commonFlags() []cli.Flag {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "answer in JSON; errors too, on stderr"},
		&cli.BoolFlag{Name: "plain", Usage: "answer in tab-separated text, as into a pipe"},
		&cli.BoolFlag{Name: "header", Usage: "head the columns of plain text; --header=false: never"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "no notes, only answers and errors"},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say more: causes of errors, control calls"},
	}
	return append(flags, settingFlags("ui.color", "ui.ascii")...)
}

// fileFlags are those of commands that read the file.
func fileFlags() []cli.Flag {
	return append([]cli.Flag{&cli.StringFlag{Name: "config", Usage: "the file to read, `PATH`"}}, commonFlags()...)
}

// clientFlags are those of commands that talk to a running node, after own.
func clientFlags(own ...cli.Flag) []cli.Flag {
	own = append(own, &cli.StringFlag{Name: "node", Aliases: []string{"n"}, Usage: "the local node to talk to, `NAME`", DefaultText: "the only one that runs"})
	own = append(own, settingFlags("node.socket", "ui.timeout")...)
	return append(own, fileFlags()...)
}

// nodeFlags are those of node start.
func nodeFlags() []cli.Flag {
	var keys []string
	for _, s := range config.Settings() {
		if s.Part == config.PartNode || s.Key == "node.socket" {
			keys = append(keys, s.Key)
		}
	}
	return append(settingFlags(keys...), fileFlags()...)
}

func waitFlag(usage string) cli.Flag {
	return &cli.IntFlag{Name: "wait", Usage: usage + ", `N`", DefaultText: "off"}
}

// settingFlags makes the flags of settings from their table.
func settingFlags(keys ...string) []cli.Flag {
	var flags []cli.Flag
	for _, key := range keys {
		s, ok := config.Lookup(key)
		if !ok {
			panic("no setting " + key) // a test makes every flag
		}
		flags = append(flags, settingFlag(s))
	}
	return flags
}

// settingFlag: values stay text here, so that one rule reads them from all
// levels and words their errors.
func settingFlag(s config.Setting) cli.Flag {
	usage := s.Doc
	switch s.Kind() {
	case config.KindBool:
		return &cli.BoolFlag{Name: s.Flag, Usage: usage, DefaultText: s.Default}
	case config.KindList:
		return &cli.StringSliceFlag{Name: s.Flag, Usage: usage + "; repeats, `ADDR`", DefaultText: dash(s.Default)}
	}
	return &cli.StringFlag{Name: s.Flag, Usage: usage + "; `" + placeholder(s) + "`", DefaultText: s.Default}
}

func placeholder(s config.Setting) string {
	switch {
	case len(s.Choices) > 0:
		return "WORD"
	case s.Kind() == config.KindDuration:
		return "DUR"
	case s.Kind() == config.KindSize:
		return "SIZE"
	case s.Kind() == config.KindNumber:
		return "N"
	}
	switch s.Key {
	case "cluster.scope":
		return "SCOPE"
	case "node.name":
		return "NAME[@HOST]"
	case "node.listen", "node.http":
		return "[HOST]:PORT"
	case "node.advertise":
		return "HOST[:PORT]"
	}
	return "PATH"
}
