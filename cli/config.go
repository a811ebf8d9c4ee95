package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/control"
)

// configCommand is the group `liminal config`.
func (a *app) configCommand() *cli.Command {
	return &cli.Command{
		Name:  "config",
		Usage: "test the file, show values with their origin, print an example",
		Subcommands: []*cli.Command{{
			Name:  "check",
			Usage: "test the file, the environment, and the files they name",
			Description: "Exits 78 with every problem, its line and the key that may have been meant. Then it opens\n" +
				"the cookie's files and those of TLS, as the user that runs it: run it as the user of the\n" +
				"node. It makes none and tells no node; kill -HUP does that.",
			Flags:  nodeFlags(),
			Action: a.action(command{}, runConfigCheck),
		}, {
			Name:        "show",
			Usage:       "every setting with its value and origin",
			Description: "The cookie is never shown, only where it would come from.",
			Flags:       nodeFlags(),
			Action:      a.action(command{settings: true}, runConfigShow),
		}, {
			Name:  "init",
			Usage: "print the whole file with every default, commented",
			Description: "For example:\n" +
				"  mkdir -p ~/.config/liminal\n" +
				"  liminal config init > ~/.config/liminal/config.toml",
			Flags:  commonFlags(),
			Action: a.action(command{}, runConfigInit),
		}},
	}
}

// checkDoc is `liminal config check --json` when all is well.
type checkDoc struct {
	Schema string   `json:"schema"`
	Path   *string  `json:"path"`
	Notes  []string `json:"notes"`
}

func runConfigCheck(_ context.Context, c *call) error {
	v, err := config.Load(config.Options{
		Path: c.cli.String("config"), Getenv: c.env.Getenv, Environ: c.env.Environ(), Home: c.env.Home, Flags: givenSettings(c.cli),
	})
	if err != nil {
		return c.configBad(err)
	}
	notes, problems := v.CheckFiles(c.env.Now())
	if len(problems) > 0 {
		return c.filesBad(problems)
	}
	notes = append(append([]string{}, v.Notes...), notes...)
	if c.out.form == formJSON {
		return c.out.json(checkDoc{"liminal.config.check/1", optional(v.Path), notes})
	}
	for _, note := range notes {
		c.out.note("liminal: %s\n", note)
	}
	if v.Path == "" {
		c.out.printf("no file: flags, environment and defaults are well\n")
	} else {
		c.out.printf("%s is well\n", v.Path)
	}
	return nil
}

// configBad prints all problems, one a line.
func (c *call) configBad(err error) error {
	var bad *config.Error
	if !errors.As(err, &bad) {
		return explainConfig(err, c.cli.Command)
	}
	const try = "liminal config init prints every setting"
	lines := problemLines(err)
	if c.out.form == formJSON {
		e := configProblem(bad)
		return &control.Error{Code: e.Code, Message: bad.Summary(), Why: strings.Join(lines, "; "), Try: try, Exit: bad.ExitCode()}
	}
	text := say("%s %s\n", c.out.errPaint.paint(redBold, "liminal:"), bad.Summary())
	for _, l := range lines {
		text += say("  %s\n", l)
	}
	c.out.complain(text + "  try: " + try + "\n")
	return exitError(bad.ExitCode())
}

// filesBad tells of each file that cannot be used what node start would tell. The
// status is that of wrong settings for all of them.
func (c *call) filesBad(problems []*config.Refusal) error {
	var text string
	var whats, whys, tries []string
	for _, p := range problems {
		text += errorText(&control.Error{Message: p.Message, Why: p.Why, Try: p.Try}, c.out.errPaint)
		whats, whys, tries = append(whats, p.Message), append(whys, p.Why), append(tries, p.Try)
	}
	if c.out.form == formJSON {
		return fail("config_files", strings.Join(whats, "; "), strings.Join(whys, "; "), strings.Join(tries, "; "))
	}
	c.out.complain(text)
	return exitError(exits["config_files"])
}

// problemLines is one line a problem.
func problemLines(err error) []string {
	var bad *config.Error
	if !errors.As(err, &bad) {
		return []string{err.Error()}
	}
	var lines []string
	for _, p := range bad.Problems {
		lines = append(lines, p.String())
	}
	return lines
}

// settingDoc is one setting of `liminal config show --json`.
type settingDoc struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

type showDoc struct {
	Schema   string       `json:"schema"`
	Path     *string      `json:"path"`
	Settings []settingDoc `json:"settings"`
	Cookie   string       `json:"cookie"` // where it would come from
}

func runConfigShow(_ context.Context, c *call) error {
	switch c.out.form {
	case formJSON:
		doc := showDoc{Schema: "liminal.config/1", Path: optional(c.set.Path), Cookie: c.set.CookieOrigin().String()}
		for _, v := range c.set.All() {
			doc.Settings = append(doc.Settings, settingDoc{v.Setting.Key, v.Text, v.Origin.String()})
		}
		return c.out.json(doc)
	case formPlain:
		if c.out.header {
			c.out.fields("key", "value", "origin")
		}
		for _, v := range c.set.All() {
			c.out.fields(v.Setting.Key, v.Text, v.Origin.String())
		}
		return nil
	}
	for _, l := range strings.SplitAfter(c.set.Show(), "\n") {
		if l != "" {
			c.out.printf("%s\n", strings.TrimSuffix(l, "\n"))
		}
	}
	return nil
}

func runConfigInit(_ context.Context, c *call) error {
	if c.out.form == formJSON {
		return usage("config init prints TOML, not JSON", "the file is TOML", c.cli.Command)
	}
	c.out.write(config.Example())
	return nil
}
