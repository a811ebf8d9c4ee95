package cli

import (
	"context"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
)

// peersCommand is `liminal peers`.
func (a *app) peersCommand() *cli.Command {
	spec := command{max: -1, settings: true}
	own := []cli.Flag{
		waitFlag("return once N of the listed peers are up"),
		&cli.StringSliceFlag{Name: "state", Usage: "only `STATES`: " + strings.Join(control.PeerStates, ", ")},
		&cli.StringSliceFlag{Name: "kind", Usage: "only `KINDS`: " + strings.Join(control.PeerKinds, ", ")},
	}
	return &cli.Command{
		Name:      "peers",
		Usage:     "list peers; --wait N returns once N are up",
		ArgsUsage: "[NAME...]",
		Description: "NAME is a peer's name, b@host or b. With --wait a node that has not started yet, or\n" +
			"a peer nobody has heard of, counts as not up yet. --attach looks at the cluster of a node\n" +
			"from outside: no node of ours runs, and nothing there is changed.",
		Flags:  clientFlags(append(append(own, attachFlags()...), listFlags(peerColumns)...)...),
		Action: a.action(spec, runPeers),
	}
}

func runPeers(ctx context.Context, c *call) error {
	view, err := c.peersView()
	if err != nil {
		return err
	}
	if c.attached() {
		return c.attachedPeers(ctx, view)
	}
	if c.cli.IsSet("wait") {
		return c.waitPeers(ctx, view)
	}
	return c.dialled(ctx, func(ctx context.Context, t *target) error {
		peers, err := t.Peers(ctx, view.filter)
		if err != nil {
			return err
		}
		return c.showPeers(peers, view)
	})
}

// peersView is what the flags ask to see.
type peersView struct {
	listView[control.Peer]
	filter control.Filter
}

func (c *call) peersView() (peersView, error) {
	v := peersView{filter: control.Filter{Names: c.args, States: list(c.cli, "state"), Kinds: list(c.cli, "kind")}}
	if err := v.filter.Check(); err != nil {
		return v, usage(err.Error(), asError(err).Why, c.cli.Command)
	}
	var err error
	v.listView, err = newListView(c.cli, peerColumns)
	return v, err
}

// showPeers prints the answer in the form asked for.
func (c *call) showPeers(peers control.Peers, v peersView) error {
	v.order(peers.Peers)
	switch c.out.form {
	case formJSON:
		return c.out.json(peers)
	case formPlain:
		plainList(c.out, peers.Peers, v.listView)
		return nil
	}
	if len(peers.Peers) == 0 {
		c.out.note("%s has no peers to list\n", peers.Node)
		return nil
	}
	c.out.peersTable(peers.Peers, v.listView, c.env.Now())
	return nil
}
