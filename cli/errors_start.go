package cli

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// explainStart tells why a node did not start.
func explainStart(err error, c node.Config, me self) error {
	return because(tellStart(err, c, me), err)
}

func tellStart(err error, c node.Config, me self) error {
	var told *control.Error
	var refusal *config.Refusal
	switch {
	case isCancel(err):
		return err
	case errors.As(err, &told):
		return told
	case errors.As(err, &refusal):
		return explainConfig(err, nil)
	case errors.Is(err, node.ErrClusterJoin):
		return clusterJoin(err, c.Seeds, me)
	case errors.Is(err, node.ErrPortInUse):
		return portInUse(c.Listen)
	case errors.Is(err, node.ErrNameInUse):
		return nameInUse(me.name, err)
	case errors.Is(err, node.ErrNoEPMD):
		return fail("epmd_missing", fmt.Sprintf("no epmd answers on 127.0.0.1:%d", epmdPort(c)),
			"--epmd require asks for one; liminal never starts it", "epmd -daemon, or drop --epmd require")
	case errors.Is(err, node.ErrBadName):
		return fail("bad_name", fmt.Sprintf("%q is not a node name", c.Name), detail(err, node.ErrBadName), "liminal node start --name a")
	case errors.Is(err, node.ErrBadAddress):
		return explainDial(strings.Join(c.Seeds, ","), err, me)
	}
	return listenError(err, c)
}

// listenError: what is left are the system's refusals to give us the address.
func listenError(err error, c node.Config) error {
	var op *net.OpError
	var dns *net.DNSError
	if errors.As(err, &op) || errors.As(err, &dns) {
		return fail("io", "cannot listen on "+c.Listen, err.Error(), "liminal node start --listen :0 (any free port)")
	}
	return err
}

func epmdPort(c node.Config) int {
	if c.EPMDPort == 0 {
		return 4369
	}
	return c.EPMDPort
}

func portInUse(listen string) *control.Error {
	host, _, _ := net.SplitHostPort(listen)
	return fail("port_in_use", "cannot listen on "+listen, "another program has the port",
		"liminal node start --listen "+net.JoinHostPort(host, "0")+" (any free port)")
}

func nameInUse(name string, err error) *control.Error {
	short, port := nameOf(name), ""
	if taken := (*node.NameInUseError)(nil); errors.As(err, &taken) && taken.Port != 0 {
		port = fmt.Sprintf(" for port %d", taken.Port)
	}
	return fail("name_in_use", fmt.Sprintf("the name %q is taken on this machine", short),
		"epmd has it"+port+` ("seems to be in use by another Erlang node")`, "liminal node start --name "+sibling(name, short+"2"))
}

// sibling is a name for another node beside that of name, in the same form.
func sibling(name, short string) string {
	if _, host, _ := strings.Cut(name, "@"); strings.ContainsAny(host, ".:") {
		return short + "@" + host
	}
	return short
}

func alreadyRunning(e *control.LockedError) *control.Error {
	what := fmt.Sprintf("node %q is already running", e.Name)
	if e.PID > 0 {
		what += fmt.Sprintf(", pid %d", e.PID)
	}
	return fail("already_running", what, "one node a name and user",
		fmt.Sprintf("liminal status --node %s, or another --name", e.Name))
}

// clusterJoin tells what each seed said; with a single one its advice as well.
func clusterJoin(err error, seeds []string, me self) *control.Error {
	var why []string
	try := "start one of them, or: liminal node start --retry-join"
	dials := dialErrorsIn(err)
	for _, d := range dials {
		e := explainDial(d.Address, d, me)
		why = append(why, e.Message)
		if len(dials) == 1 && e.Code != "unreachable" {
			try = e.Try
		}
	}
	if len(why) == 0 {
		why = append(why, detail(err, node.ErrClusterJoin))
	}
	return fail("cluster_join", fmt.Sprintf("no configured seed node was reachable (%d attempted)", len(seeds)),
		strings.Join(why, "; "), try)
}

// dialErrorsIn finds each dial that err wraps.
func dialErrorsIn(err error) []*node.DialError {
	switch e := err.(type) {
	case nil:
		return nil
	case *node.DialError:
		return []*node.DialError{e}
	case interface{ Unwrap() []error }:
		var all []*node.DialError
		for _, inner := range e.Unwrap() {
			all = append(all, dialErrorsIn(inner)...)
		}
		return all
	}
	return dialErrorsIn(errors.Unwrap(err))
}

// explainSocket tells why the control socket could not be opened.
func explainSocket(err error, path string) error {
	switch {
	case errors.Is(err, control.ErrPathLong):
		return fail("socket_path", fmt.Sprintf("the socket path is %d bytes long", len(path)),
			fmt.Sprintf("this system allows %d", control.MaxSocketPath), "liminal node start --socket /tmp/a.sock")
	case errors.Is(err, control.ErrAnswering):
		return fail("socket_taken", "the socket "+path+" is in use", "another process answers there", "liminal status --socket "+path)
	case errors.Is(err, control.ErrPathTaken):
		return fail("socket_taken", path+" is not a socket", "a node would have to remove it first", "liminal node start --socket PATH")
	}
	return ioError("cannot open the control socket "+path, err, "liminal node start --socket PATH")
}
