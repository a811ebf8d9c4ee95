package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// target is the node that a client command talks to.
type target struct {
	control.Client
	name string // the part before the @; "" when only a socket is known
	line string // the command as typed, for advice
	call *call  // that chose it; nil in tests of parts

	trace *callTrace // nil without --verbose
}

// pick chooses the node: --socket, else --node, else what the environment and
// the file say in the same order, else the only one that runs.
func (c *call) pick() (*target, error) {
	want := c.set.want()
	if want.socket != "" {
		return &target{Client: control.Client{Socket: want.socket}, line: c.typed(), call: c, trace: newCallTrace(c)}, nil
	}
	var found []control.Local
	var denied error
	for _, dir := range c.set.runtimeDirs() {
		list, err := control.Inspect(dir)
		switch {
		case errors.Is(err, fs.ErrPermission):
			denied = socketPermission(dir, c.typed())
		case err != nil:
			return nil, ioError("cannot look for nodes in "+dir, err, "liminal status --socket PATH")
		}
		found = append(found, list...)
		if want.name == "" && len(alive(list)) > 0 {
			break // our own nodes come before the system's
		}
	}
	t, err := choose(found, want.name, c.typed(), c.set.runtimeDirs())
	if err != nil && denied != nil {
		return nil, denied
	}
	if t != nil {
		t.line, t.call, t.trace = c.typed(), c, newCallTrace(c)
	}
	return t, err
}

// choose is pick's decision: pure, so that its table can be tested.
func choose(found []control.Local, name, command string, dirs []string) (*target, error) {
	if name != "" {
		return chooseNamed(found, nameOf(name), dirs)
	}
	live := alive(found)
	switch {
	case len(live) == 1:
		return &target{Client: control.Client{Socket: live[0].Socket}, name: live[0].Name}, nil
	case len(live) > 1:
		return nil, whichNode(live, command)
	}
	for _, l := range found {
		if l.HasSocket {
			return nil, staleSocket(l.Name, l.Socket)
		}
	}
	return nil, nodeNotRunning(dirs)
}

func chooseNamed(found []control.Local, name string, dirs []string) (*target, error) {
	for _, l := range found {
		if l.Name == name && l.Alive {
			return &target{Client: control.Client{Socket: l.Socket}, name: name}, nil
		}
	}
	for _, l := range found {
		if l.Name == name && l.HasSocket {
			return nil, staleSocket(name, l.Socket)
		}
	}
	return nil, fail("node_not_running", fmt.Sprintf("node %q is not running", name),
		"no live node of that name in "+strings.Join(dirs, " or "), "liminal node start --name "+name)
}

func alive(found []control.Local) []control.Local {
	var live []control.Local
	for _, l := range found {
		if l.Alive {
			live = append(live, l)
		}
	}
	return live
}

func nodeNotRunning(dirs []string) *control.Error {
	return fail("node_not_running", "no node is running for user "+userName(),
		"no live node in "+strings.Join(dirs, " or "), "liminal node start")
}

func staleSocket(name, socket string) *control.Error {
	return fail("stale_socket", fmt.Sprintf("node %q is not running", name),
		filepath.Base(socket)+" was left by a node that died (its lock is free)",
		"liminal node start --name "+name+" (clears it)")
}

func whichNode(live []control.Local, command string) *control.Error {
	var names []string
	for _, l := range live {
		names = append(names, l.Name)
	}
	return fail("which_node", fmt.Sprintf("%d nodes are running: %s", len(live), strings.Join(names, ", ")),
		"the command does not say which", fmt.Sprintf("liminal %s, or set LIMINAL_NODE=%s", withFlag(command, "--node", names[0]), names[0]))
}

func socketPermission(path, command string) *control.Error {
	who, sudo := ownerOf(path)
	return fail("socket_permission", "cannot open "+path+": permission denied",
		fmt.Sprintf("that node runs as user %q and its socket is for that user alone", who),
		"sudo -u "+sudo+" liminal "+command)
}

// ownerOf names the user of a file, or of the nearest directory above it that
// may be looked at: as people do, and as sudo wants it on a command line.
func ownerOf(path string) (who, sudo string) {
	var st syscall.Stat_t
	for syscall.Stat(path, &st) != nil {
		up := filepath.Dir(path)
		if up == path {
			return "root", "root"
		}
		path = up
	}
	return ownerNames(strconv.FormatUint(uint64(st.Uid), 10))
}

func ownerNames(id string) (who, sudo string) {
	if u, err := user.LookupId(id); err == nil {
		return u.Username, typedWord(u.Username)
	}
	return id, typedWord("#" + id)
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "this user"
}

// explainCall tells why a control call failed. Errors that the node sent are
// told as it told them, but for the node that advice is about.
func (t *target) explainCall(err error, command string, limit time.Duration) error {
	told := t.tellCall(err, command, limit)
	if e, ok := told.(*control.Error); ok && t.call != nil {
		told = t.call.advised(e)
	}
	return because(told, err)
}

func (t *target) tellCall(err error, command string, limit time.Duration) error {
	var told *control.Error
	var status exitError
	switch {
	case errors.As(err, &told):
		return told
	case errors.As(err, &status):
		return status
	case errors.Is(err, control.ErrPermission):
		return socketPermission(t.Socket, orElse(t.line, command))
	case errors.Is(err, control.ErrRefused), errors.Is(err, control.ErrNoSocket):
		return t.gone(err)
	case errors.Is(err, context.DeadlineExceeded):
		return fail("timeout", "timed out after "+durationText(limit), "the node did not answer on "+t.Socket, "raise --timeout")
	case errors.Is(err, context.Canceled), isCancel(err):
		return err
	case errors.Is(err, control.ErrNotControl):
		return fail("control", "cannot talk to "+t.Socket, control.ErrNotControl.Error(), "liminal status --node NAME")
	}
	return fail("control", "cannot talk to the node on "+t.Socket, err.Error(), "liminal status")
}

// gone tells of a socket that nobody answers on. A node known by name held its
// lock a moment ago.
func (t *target) gone(err error) *control.Error {
	if t.name != "" {
		return fail("node_not_running", fmt.Sprintf("node %q does not answer", t.name),
			"it is starting, or has just stopped", "liminal status --node "+t.name+" --wait 0")
	}
	why := "no socket is there"
	if errors.Is(err, control.ErrRefused) {
		why = "it was left by a node that died"
	}
	return fail("node_not_running", "no node answers on "+t.Socket, why, "liminal node start --socket "+t.Socket)
}

// dialled runs one control call on the chosen node within --timeout.
func (c *call) dialled(ctx context.Context, do func(ctx context.Context, t *target) error) error {
	t, err := c.pick()
	if err != nil {
		return err
	}
	limit := c.set.timeout()
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	if err := do(ctx, t); err != nil {
		return t.explainCall(err, fullName(c.cli.Command), limit)
	}
	return nil
}
