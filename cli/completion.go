package cli

import (
	"context"
	"embed"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// shellScripts are the scripts as they are printed. They hold no list of
// commands: they ask the program, so that they never fall behind it.
//
//go:embed shell
var shellScripts embed.FS

var shellNames = []string{"bash", "zsh", "fish", "powershell"}

var shellFiles = map[string]string{
	"bash": "shell/liminal.bash", "zsh": "shell/liminal.zsh", "fish": "shell/liminal.fish", "powershell": "shell/liminal.ps1",
}

// completionCommand is `liminal completion SHELL`.
func (a *app) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a completion script for " + strings.Join(shellNames, ", "),
		ArgsUsage: "SHELL",
		Description: `The script asks liminal itself: it knows commands, flags and their values, the nodes of
this machine, and peers and channels of the node that the line names.

For the shell you are in, or for good in its start-up file (~/.bashrc, ~/.zshrc after
compinit, ~/.config/fish/config.fish, $PROFILE):

  bash         source <(liminal completion bash)
  bash 3.2     eval "$(liminal completion bash)"
  zsh          source <(liminal completion zsh)
  fish         liminal completion fish | source
  powershell   liminal completion powershell | Out-String | Invoke-Expression

Or in a file that the shell reads when it needs it, made with liminal completion SHELL > FILE:

  bash         ~/.local/share/bash-completion/completions/liminal
  zsh          "${fpath[1]}/_liminal", then compinit once more
  fish         ~/.config/fish/completions/liminal.fish`,
		Flags: commonFlags(),
		Action: a.action(command{min: 1, max: 1}, func(_ context.Context, c *call) error {
			if !slices.Contains(shellNames, c.args[0]) {
				why := "it is one of " + strings.Join(shellNames, ", ")
				if near := nearest(c.args[0], shellNames); near != "" {
					why = "did you mean liminal completion " + near + "?"
				}
				return usage("there is no completion for "+c.args[0], why, c.cli.Command)
			}
			script, err := shellScripts.ReadFile(shellFiles[c.args[0]])
			if err != nil {
				return err // a shell without its file: a bug
			}
			c.out.write(string(script))
			return nil
		}),
	}
}
