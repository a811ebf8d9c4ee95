package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
)

// forgetCommand is `liminal forget`.
func (a *app) forgetCommand() *cli.Command {
	return &cli.Command{
		Name:      "forget",
		Usage:     "stop dialling a peer that is gone, and list it no more",
		ArgsUsage: "NAME...",
		Description: "NAME is a peer's name, b@host or b, or an address as it was joined: after a\n" +
			"mistyped `liminal join dv:9100` it is dv:9100. Only peers that are not up can be\n" +
			"forgotten. What is forgotten is that life of the peer: once it is started again\n" +
			"it is let in as before; the same life coming back is not, until it is joined.\n" +
			"A seed of the configuration comes back when this node starts again.\n" +
			"One NAME gives its own exit status; several give 1 if any failed.",
		Flags:  clientFlags(),
		Action: a.action(command{min: 1, max: control.MaxJoin, settings: true}, runForget),
	}
}

func runForget(ctx context.Context, c *call) error {
	return c.dialled(ctx, func(ctx context.Context, t *target) error {
		forgot, err := t.Forget(ctx, control.ForgetRequest{Names: c.args})
		if err != nil {
			return err
		}
		return c.showForget(forgot)
	})
}

// showForget prints each result. What failed goes to stderr.
func (c *call) showForget(forgot control.Forget) error {
	var failed []*control.Error
	for _, r := range forgot.Results {
		if r.Error != nil {
			failed = append(failed, c.advised(r.Error))
		}
	}
	verdict := joinVerdict(len(forgot.Results), failed, false)
	if c.out.form == formJSON {
		if verdict != nil && len(forgot.Results) == 1 {
			return failed[0]
		}
		for i, r := range forgot.Results {
			if r.Error != nil {
				forgot.Results[i].Error = c.advised(r.Error)
			}
		}
		if err := c.out.json(forgot); err != nil {
			return err
		}
		return verdict
	}
	for _, r := range forgot.Results {
		if r.Error != nil {
			c.out.report(c.advised(r.Error))
			continue
		}
		c.out.printf("%s\n", forgotText(r))
	}
	return verdict
}

// forgotText: "forgot c@dev (down, 10.0.0.7:9100)"; an address that never had a
// name stands for itself.
func forgotText(r control.ForgetResult) string {
	name, address := text(r.Name), text(r.Address)
	if name == "" {
		name = r.Asked
	}
	if address == name {
		address = ""
	}
	return "forgot " + name + bracketed(", ", text(r.State), address)
}
