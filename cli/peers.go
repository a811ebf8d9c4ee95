package cli

import (
	"context"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
)

// peersCommand is `liminal peers`.
func (a *app) peersCommand() *cli.Command {
	spec := command{max: -1, settings: true}
	return &cli.Command{
		Name:      "peers",
		Usage:     "list peers; --wait N returns once N are up",
		ArgsUsage: "[NAME...]",
		Description: "NAME is a peer's name, b@host or b. With --wait a node that has not started yet, or\n" +
			"a peer nobody has heard of, counts as not up yet.",
		Flags: clientFlags(
			waitFlag("return once N of the listed peers are up"),
			&cli.StringSliceFlag{Name: "state", Usage: "only `STATES`: " + strings.Join(control.PeerStates, ", ")},
			&cli.StringSliceFlag{Name: "kind", Usage: "only `KINDS`: " + strings.Join(control.PeerKinds, ", ")},
			&cli.StringFlag{Name: "sort", Usage: "order by `COLUMN`; -COLUMN is downwards", DefaultText: "name"},
			&cli.StringFlag{Name: "columns", Usage: "only `COLUMNS`, in this order: " + strings.Join(peerColumnNames(), ",")},
		),
		Action: a.action(spec, runPeers),
	}
}

func runPeers(ctx context.Context, c *call) error {
	view, err := c.peersView()
	if err != nil {
		return err
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
	filter  control.Filter
	columns []peerColumn
	sort    peerColumn
	down    bool // sort downwards
}

func (c *call) peersView() (peersView, error) {
	v := peersView{
		filter:  control.Filter{Names: c.args, States: list(c.cli, "state"), Kinds: list(c.cli, "kind")},
		columns: peerColumns,
		sort:    peerColumns[0],
	}
	if err := v.filter.Check(); err != nil {
		return v, usage(err.Error(), asError(err).Why, c.cli.Command)
	}
	if names := c.cli.String("columns"); names != "" {
		v.columns = nil
		for _, name := range strings.Split(names, ",") {
			col, err := findColumn(name, c.cli.Command)
			if err != nil {
				return v, err
			}
			v.columns = append(v.columns, col)
		}
	}
	name, down := strings.CutPrefix(c.cli.String("sort"), "-")
	if name == "" {
		return v, nil
	}
	col, err := findColumn(name, c.cli.Command)
	v.sort, v.down = col, down
	return v, err
}

// list is a repeated flag whose values may also be joined by commas.
func list(c *cli.Context, name string) []string {
	var all []string
	for _, v := range c.StringSlice(name) {
		all = append(all, strings.Split(v, ",")...)
	}
	return all
}

func findColumn(name string, cmd *cli.Command) (peerColumn, error) {
	for _, col := range peerColumns {
		if col.name == name {
			return col, nil
		}
	}
	return peerColumn{}, usage("there is no column "+name, "the columns are "+strings.Join(peerColumnNames(), ", "), cmd)
}

// showPeers prints the answer in the form asked for.
func (c *call) showPeers(peers control.Peers, v peersView) error {
	v.order(peers.Peers)
	switch c.out.form {
	case formJSON:
		return c.out.json(peers)
	case formPlain:
		if c.out.header {
			c.out.fields(columnNames(v.columns)...)
		}
		for _, p := range peers.Peers {
			c.out.fields(plainRow(p, v.columns)...)
		}
		return nil
	}
	if len(peers.Peers) == 0 {
		c.out.note("%s has no peers to list\n", peers.Node)
		return nil
	}
	cols, rows := peerTable(peers.Peers, v.columns, c.env.Now())
	c.out.table(cols, rows)
	return nil
}

// order sorts by the chosen column; the names decide among equals.
func (v peersView) order(peers []control.Peer) {
	sort.SliceStable(peers, func(i, j int) bool {
		a, b := peers[i], peers[j]
		if v.down {
			a, b = b, a
		}
		if v.sort.less(a, b) || v.sort.less(b, a) {
			return v.sort.less(a, b)
		}
		return peers[i].Name < peers[j].Name
	})
}
