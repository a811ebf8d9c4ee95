package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
	"github.com/liminal-bus/liminal/node"
)

// joinCommand is `liminal join`.
func (a *app) joinCommand() *cli.Command {
	return &cli.Command{
		Name:      "join",
		Usage:     "dial now, keep dialling until this node stops",
		ArgsUsage: "ADDR...",
		Description: "ADDR is b (our own host), b@host (asks epmd on host), b@host:9100 (no epmd) or\n" +
			"host:9100 (no epmd, whatever name answers). A peer that is up already is a success.\n" +
			"One ADDR gives its own exit status; several give 1 if any failed.",
		Flags:  clientFlags(&cli.BoolFlag{Name: "any", Usage: "succeed once one address has joined"}),
		Action: a.action(command{min: 1, max: control.MaxJoin, settings: true}, runJoin),
	}
}

func runJoin(ctx context.Context, c *call) error {
	return c.dialled(ctx, func(ctx context.Context, t *target) error {
		joined, err := t.Join(ctx, control.JoinRequest{Addresses: c.args})
		if err != nil {
			return err
		}
		return c.showJoin(joined)
	})
}

// showJoin prints each result. What failed goes to stderr, also where the
// command as a whole succeeds.
func (c *call) showJoin(joined control.Join) error {
	var failed []*control.Error
	for _, r := range joined.Results {
		if r.Error != nil {
			failed = append(failed, c.advised(r.Error))
		}
	}
	verdict := joinVerdict(len(joined.Results), failed, c.cli.Bool("any"))
	if c.out.form == formJSON {
		if verdict != nil && len(joined.Results) == 1 {
			return failed[0]
		}
		if err := c.out.json(joined); err != nil {
			return err
		}
		return verdict
	}
	for _, r := range joined.Results {
		if r.Error != nil {
			c.out.report(c.advised(r.Error))
			c.noteDialling(joined.Node, r)
			continue
		}
		c.out.printf("%s\n", styled(joinedText(r)))
	}
	return verdict
}

// notDialled are the errors after which a node does not go on dialling: no later
// try can end otherwise, or nobody wants one.
var notDialled = []string{"bad_address", "name_mode", "self", "node_stopped"}

// noteDialling says that a failed join is not over, and how to end it.
func (c *call) noteDialling(name string, r control.JoinResult) {
	if slices.Contains(notDialled, r.Error.Code) || strings.Contains(r.Error.Why, node.ErrForgotten.Error()) {
		return
	}
	end := "liminal forget " + r.Address
	if n := c.cli.String("node"); n != "" {
		end += " --node " + n
	}
	c.out.note("  note: %s goes on dialling it; %s ends that\n", nameOf(name), end)
}

// joinVerdict: one address gives its own status, several give 1 if any failed,
// and with --any none fails as long as one joined.
func joinVerdict(asked int, failed []*control.Error, any bool) error {
	switch {
	case len(failed) == 0, any && len(failed) < asked:
		return nil
	case asked == 1:
		return exitError(failed[0].Exit)
	}
	return exitError(exitNo)
}

func joinedText(r control.JoinResult) string {
	rtt := ""
	if r.RTTMicros != nil && *r.RTTMicros > 0 {
		rtt = display.RTT(time.Duration(*r.RTTMicros) * time.Microsecond)
	}
	name := text(r.Name)
	if name == "" {
		name = r.Address
	}
	verb := "joined"
	if r.Already {
		verb = "already up:"
	}
	return clean(verb + " " + name + bracketed(", ", text(r.Endpoint), rtt))
}
