package cli

import (
	"context"
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/node"
)

func version() string { return node.Version }

// versionDoc is `liminal version --json`.
type versionDoc struct {
	Schema  string `json:"schema"`
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// versionCommand is `liminal version`. It reads no file, so that it answers
// whatever else is wrong.
func (a *app) versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "say which liminal this is",
		Flags: commonFlags(),
		Action: a.action(command{}, func(_ context.Context, c *call) error {
			doc := versionDoc{"liminal.version/1", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
			if c.out.form == formJSON {
				return c.out.json(doc)
			}
			c.out.printf("liminal %s (%s, %s/%s)\n", doc.Version, doc.Go, doc.OS, doc.Arch)
			return nil
		}),
	}
}
