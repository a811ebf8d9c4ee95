package cli

import (
	"context"
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
)

// localColumns are those of `liminal node list`; new ones come only at the end.
var localColumns = []listColumn[control.Local]{
	{name: "name", head: "NAME", plain: localName, less: byText(localName)},
	{name: "state", head: "STATE", plain: localState, less: byText(localState)},
	{name: "pid", head: "PID", right: true, plain: localPID, less: func(a, b control.Local) bool { return a.PID < b.PID }},
	{name: "socket", head: "SOCKET", plain: localSocket, less: byText(localSocket)},
}

func localName(l control.Local) string   { return l.Name }
func localSocket(l control.Local) string { return l.Socket }

// localState: a node that holds its lock is alive, whatever else is true.
func localState(l control.Local) string {
	if l.Alive {
		return "alive"
	}
	return "stale"
}

func localPID(l control.Local) string {
	if l.PID == 0 {
		return ""
	}
	return strconv.Itoa(l.PID)
}

// nodeListCommand is `liminal node list`.
func (a *app) nodeListCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "the nodes that run on this machine for this user",
		Description: "It looks at the locks in the runtime directory and asks no node. A stale row is what a\n" +
			"node that died has left; starting a node of that name clears it.",
		Flags:  append(listFlags(localColumns), commonFlags()...),
		Action: a.action(command{}, runNodeList),
	}
}

// localDoc is one node of `liminal node list --json`.
type localDoc struct {
	Name   string `json:"name"`
	State  string `json:"state"` // alive, or stale: its files are left-overs
	PID    *int   `json:"pid"`
	Socket string `json:"socket"`
}

type localsDoc struct {
	Schema string     `json:"schema"`
	Nodes  []localDoc `json:"nodes"`
}

func runNodeList(_ context.Context, c *call) error {
	view, err := newListView(c.cli, localColumns)
	if err != nil {
		return err
	}
	dirs, err := clientDirs(c.env)
	if err != nil {
		return explainConfig(err, c.cli.Command)
	}
	found, denied, err := locals(dirs)
	if err != nil {
		return ioError("cannot look for nodes", err, "set LIMINAL_RUNTIME_DIR to a directory of yours")
	}
	for _, dir := range denied {
		c.out.note("liminal: %s is not for this user to look into\n", dir)
	}
	view.order(found)
	switch {
	case c.out.form == formJSON:
		return c.out.json(localsDocOf(found))
	case c.out.form == formPlain:
		plainList(c.out, found, view)
	case len(found) == 0:
		c.out.note("no node runs here (looked in %s)\n", strings.Join(dirs, " and "))
	default:
		cols, rows := tableOf(found, view, c.env.Now())
		c.out.table(cols, rows)
	}
	return nil
}

func localsDocOf(found []control.Local) localsDoc {
	doc := localsDoc{Schema: "liminal.nodes/1", Nodes: []localDoc{}}
	for _, l := range found {
		d := localDoc{Name: l.Name, State: localState(l), Socket: l.Socket}
		if l.PID != 0 {
			d.PID = &l.PID
		}
		doc.Nodes = append(doc.Nodes, d)
	}
	return doc
}

// locals lists the nodes in dirs that live or have left a socket behind, and
// the directories that may not be read.
func locals(dirs []string) (found []control.Local, denied []string, err error) {
	for _, dir := range dirs {
		list, err := control.Inspect(dir)
		switch {
		case errors.Is(err, fs.ErrPermission):
			denied = append(denied, dir)
		case err != nil:
			return nil, nil, err
		}
		for _, l := range list {
			if l.Alive || l.HasSocket {
				found = append(found, l)
			}
		}
	}
	return found, denied, nil
}
