package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
)

// leaveCommand is `liminal leave`.
func (a *app) leaveCommand() *cli.Command {
	return &cli.Command{
		Name:  "leave",
		Usage: "say goodbye to all peers and run on alone; --stop ends the node",
		Description: "The peers see leave, not down. After it the node refuses peers until `liminal join`.\n" +
			"With --stop the command returns when the node is gone.",
		Flags: clientFlags(&cli.BoolFlag{Name: "stop", Usage: "end the node as well"}),
		Action: a.action(command{settings: true}, func(ctx context.Context, c *call) error {
			return leave(ctx, c, c.cli.Bool("stop"))
		}),
	}
}

// nodeStopCommand is `liminal node stop`, which is leave --stop.
func (a *app) nodeStopCommand() *cli.Command {
	return &cli.Command{
		Name:        "stop",
		Usage:       "say goodbye to all peers and end the node",
		Description: "The same as `liminal leave --stop`: it returns when the node is gone.",
		Flags:       clientFlags(),
		Action: a.action(command{settings: true}, func(ctx context.Context, c *call) error {
			return leave(ctx, c, true)
		}),
	}
}

func leave(ctx context.Context, c *call, stop bool) error {
	return c.dialled(ctx, func(ctx context.Context, t *target) error {
		left, err := t.Leave(ctx, control.LeaveRequest{Stop: stop})
		if err != nil {
			return err
		}
		if stop {
			if err := c.gone(ctx, t); err != nil {
				return err
			}
		}
		if c.out.form == formJSON {
			return c.out.json(left)
		}
		c.out.printf("%s\n", styled(leftText(left)))
		return nil
	})
}

// gone waits until the stopped node has let go of its socket, so that the next
// command in a script can start it again. The socket goes before the lock;
// what is left between the two is the end of the process.
func (c *call) gone(ctx context.Context, t *target) error {
	tick := time.NewTicker(waitStep / 5)
	defer tick.Stop()
	for c.running(ctx, t) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

// running asks the locks where the node's name is known, else the socket.
func (c *call) running(ctx context.Context, t *target) bool {
	for _, dir := range c.set.runtimeDirs() {
		found, _ := control.Inspect(dir) // what cannot be read cannot be ours
		for _, l := range found {
			if l.Alive && l.Socket == t.Socket {
				return true
			}
		}
	}
	if t.name != "" {
		return false
	}
	_, err := t.Status(ctx)
	return err == nil
}

func leftText(l control.Leave) string {
	told := "told " + count(l.Told, "peer")
	if l.Flushed > 0 {
		told += ", flushed " + count(l.Flushed, "message")
	}
	if l.Stopped {
		return clean(fmt.Sprintf("left: %s; %s stopped", told, l.Node))
	}
	return clean(fmt.Sprintf("left: %s; %s runs on alone (liminal join ADDR to return)", told, l.Node))
}
