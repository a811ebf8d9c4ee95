package cli

import (
	"context"
	"time"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// liveLimit is how long a completion may wait for a node: a person waits with it.
const liveLimit = 200 * time.Millisecond

// live is what a completion knows of running nodes. Each gives nothing where
// anything is wrong.
type live interface {
	nodes(t typedLine) []candidate
	registered(t typedLine) []candidate // with the epmd of this machine
	peers(t typedLine, want func(control.Peer) bool) []candidate
	channels(t typedLine, all bool) []candidate
}

// nodeLive asks the node that the line so far would talk to. At most one call
// is made for one completion.
type nodeLive struct {
	*call
	ctx context.Context
}

// nodes are those of this machine; their locks say so, no node is asked.
func (n *nodeLive) nodes(typedLine) []candidate {
	dirs, err := clientDirs(n.env)
	if err != nil {
		return nil
	}
	found, _, _ := locals(dirs)
	var all []candidate
	for _, l := range alive(found) {
		all = append(all, candidate{l.Name, "a node of this machine, pid " + localPID(l)})
	}
	return all
}

func (n *nodeLive) registered(t typedLine) []candidate {
	values, err := n.values(t)
	if err != nil || values.Node().EPMD == node.EPMDOff {
		return nil
	}
	ctx, cancel := context.WithTimeout(n.ctx, liveLimit)
	defer cancel()
	names, err := node.LocalNames(ctx, values.Node().EPMDPort)
	if err != nil {
		return nil
	}
	var all []candidate
	for _, name := range names {
		all = append(all, candidate{name, "in the epmd of this machine"})
	}
	return all
}

func anyPeer(control.Peer) bool    { return true }
func gonePeer(p control.Peer) bool { return !isUp(p) }

func (n *nodeLive) peers(t typedLine, want func(control.Peer) bool) []candidate {
	doc, err := ask(n, t, func(ctx context.Context, at *target) (control.Peers, error) {
		return at.Peers(ctx, control.Filter{Brief: true})
	})
	if err != nil {
		return nil
	}
	var all []candidate
	for _, p := range doc.Peers {
		if want(p) {
			all = append(all, candidate{p.Name, joinWords(", ", p.State, p.Kind)})
		}
	}
	return all
}

// channels leaves out groups that are no channels, unless all are asked for.
func (n *nodeLive) channels(t typedLine, all bool) []candidate {
	doc, err := ask(n, t, func(ctx context.Context, at *target) (control.Channels, error) {
		return at.Channels(ctx, nil)
	})
	if err != nil {
		return nil
	}
	var found []candidate
	for _, ch := range doc.Channels {
		if all || ch.Spelling != "term" {
			found = append(found, candidate{ch.Name, count(ch.Subscribers, "subscriber")})
		}
	}
	return found
}

// ask makes one call to the node that t chooses.
func ask[T any](n *nodeLive, t typedLine, do func(context.Context, *target) (T, error)) (doc T, err error) {
	ctx, cancel := context.WithTimeout(n.ctx, liveLimit)
	defer cancel()
	chosen, err := n.choose(t)
	if err != nil {
		return doc, err
	}
	return do(ctx, chosen)
}

// choose picks the node as the finished command would: by the flags typed so
// far, environment and file.
func (n *nodeLive) choose(t typedLine) (*target, error) {
	values, err := n.values(t)
	if err != nil {
		return nil, err
	}
	dirs, err := clientDirs(n.env)
	if err != nil {
		return nil, err
	}
	c := *n.call
	c.set = &settings{Values: values, env: n.env, node: orElse(t.last("node"), t.last("n")), dirs: dirs}
	return c.pick()
}

// values are the settings as the finished command would have them.
func (n *nodeLive) values(t typedLine) (*config.Values, error) {
	flags := map[string]string{}
	if socket := t.last("socket"); socket != "" {
		flags["node.socket"] = socket
	}
	return config.Load(config.Options{
		Path: t.last("config"), Getenv: n.env.Getenv, Environ: n.env.Environ(), Home: n.env.Home, Flags: flags,
	})
}

// last is the value of a flag so far, "" if it has none.
func (t *typedLine) last(name string) string {
	if values := t.given[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}
