package cli

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/config"
)

// tlsCommand is the group `liminal tls`.
func (a *app) tlsCommand() *cli.Command {
	return &cli.Command{
		Name:        "tls",
		Usage:       "make the certificates of mutual TLS, and show what certificates say",
		Description: "liminal help certs says which file is for whom, and how a node is given them.",
		Subcommands: []*cli.Command{a.tlsInitCommand(), a.tlsShowCommand()},
	}
}

func dirFlag() cli.Flag {
	return &cli.StringFlag{Name: "dir", Usage: "where certificates and keys are, `DIR`", DefaultText: "~/.config/liminal/tls"}
}

// certDir is --dir, or the directory beside the user's settings file.
func (c *call) certDir() (string, error) {
	dir := c.cli.String("dir")
	if rest, ok := strings.CutPrefix(dir, "~/"); ok && c.env.Home != "" { // no shell expands --dir=~/x
		dir = filepath.Join(c.env.Home, rest)
	}
	if dir == "" {
		files := config.Files(config.Options{Getenv: c.env.Getenv, Home: c.env.Home})
		dir = filepath.Join(filepath.Dir(files[0]), "tls")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", ioError("cannot find the directory for certificates", err, "give --dir, with the whole path")
	}
	if !printable(dir) { // Erlang's file of options could not name it
		return "", usage("the directory for certificates cannot be "+dir, "its path has characters that cannot be printed", c.cli.Command)
	}
	return dir, nil
}

// shownExpiry is the day on which a certificate ends, and how far that is.
func shownExpiry(end, now time.Time) cell {
	if !now.Before(end) {
		return cell{text: end.Format(time.DateOnly) + ", over", style: redBold}
	}
	return cell{text: end.Format(time.DateOnly) + ", in " + longSpan(end.Sub(now))}
}

// longSpan is a time of days and more in the largest unit that says enough.
func longSpan(d time.Duration) string {
	const day = 24 * time.Hour
	switch days := int(d / day); {
	case days >= 3*365:
		return count(days/365, "year")
	case days >= 90:
		return count(days/30, "month")
	case days >= 1:
		return count(days, "day")
	}
	return "less than a day"
}
