package testnet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Event is one line of a node's output: node.ready, then what happened.
type Event struct {
	Type       string
	Seq        uint64
	Time       time.Time
	Name       string
	State      string
	Kind       string
	Reason     string
	Creation   uint32
	Generation uint64
	Coalesced  uint64
	Channel    string
	Subs       *int
	Listen     []string // node.ready
	Node       string   // node.ready
}

// Node is a process of `liminal node start` and the events it has printed.
type Node struct {
	*Proc
	Name, Addr string
	Born       time.Time // when the process was started

	w       *World
	mu      sync.Mutex
	events  []Event
	bad     error
	changed chan struct{} // closed and replaced with each event
}

// Patience bounds every wait of the rig: a loaded machine is slow. What a fault
// was promised to take is measured and judged apart from it.
const Patience = 40 * time.Second

// Node starts a node and returns when it listens, whether a seed answers or not.
// name is NAME or NAME@HOST; without a host it is a node of this machine alone.
func (w *World) Node(name string, flags ...string) *Node {
	w.t.Helper()
	n := w.Launch(name, nil, flags...)
	n.AwaitSocket(w.t)
	return n
}

// Launch is Node that does not wait. stderr nil keeps the log in Stderr.
func (w *World) Launch(name string, stderr *os.File, flags ...string) *Node {
	w.t.Helper()
	if !strings.Contains(name, "@") {
		name += "@127.0.0.1"
	}
	_, host, _ := strings.Cut(name, "@")
	args := []string{"node", "start", "--json", "--name", name}
	if !slices.Contains(flags, "--listen") {
		args = append(args, "--listen", host+":0")
	}
	n := &Node{Name: name, w: w, changed: make(chan struct{}), Born: time.Now()}
	cmd := w.Command(append(args, flags...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if stderr != nil {
		cmd.Stderr = stderr
	}
	read := make(chan struct{})
	n.Proc = launchReading(w.t, w.host, cmd, read)
	go func() {
		defer close(read)
		n.read(out)
	}()
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("%s, pid %d:\n%s%s", n.Name, n.Pid(), n.Stderr.String(), n.story())
		}
	})
	return n
}

// Short is the name before the @.
func (n *Node) Short() string {
	short, _, _ := strings.Cut(n.Name, "@")
	return short
}

func (n *Node) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var e Event
		err := json.Unmarshal(lines.Bytes(), &e)
		n.mu.Lock()
		if err != nil {
			n.bad = fmt.Errorf("line %q: %w", lines.Text(), err)
		}
		n.events = append(n.events, e)
		close(n.changed)
		n.changed = make(chan struct{})
		n.mu.Unlock()
	}
}

// Events are those so far.
func (n *Node) Events() []Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.events)
}

// Mark is where the next event will stand.
func (n *Node) Mark() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.events)
}

// Await gives the first event from mark on that is of a type, and of a name
// unless that is "".
func (n *Node) Await(t testing.TB, mark int, name string, types ...string) Event {
	t.Helper()
	if e, ok := n.await(mark, Patience, name, types...); ok {
		return e
	}
	t.Fatalf("%s: no %v of %q within %v\n%s", n.Name, types, name, Patience, n.story())
	return Event{}
}

func (n *Node) await(mark int, within time.Duration, name string, types ...string) (Event, bool) {
	late := time.NewTimer(within)
	defer late.Stop()
	for {
		n.mu.Lock()
		events, changed := n.events[min(mark, len(n.events)):], n.changed
		n.mu.Unlock()
		for _, e := range events {
			if (name == "" || e.Name == name) && slices.Contains(types, e.Type) {
				return e, true
			}
		}
		select {
		case <-changed:
		case <-n.done:
			if len(events) == n.Mark()-mark {
				return Event{}, false
			}
		case <-late.C:
			return Event{}, false
		}
	}
}

// story tells the last events, for a test that failed.
func (n *Node) story() string {
	var b strings.Builder
	all := n.Events()
	for _, e := range all[max(0, len(all)-40):] {
		fmt.Fprintf(&b, "%s %d %s %s %s %s gen %d\n", e.Time.Format("15:04:05.000"), e.Seq, e.Type, e.Name, e.State, e.Reason, e.Generation)
	}
	return b.String()
}

// AwaitSocket waits until the node answers on its control socket, and learns its
// address.
func (n *Node) AwaitSocket(t testing.TB) {
	t.Helper()
	Until(t, n.Name+" answers", func() bool {
		if !n.Alive() {
			t.Fatalf("testnet: %s has ended: %v", n.Name, n.err)
		}
		c, err := net.Dial("unix", n.w.Socket(n.Short()))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	s := n.Status(t)
	if len(s.Listen) == 0 || s.Node != n.Name {
		t.Fatalf("%s: status %+v", n.Name, s)
	}
	n.Addr = s.Listen[0]
}

// Joined are the types of an event that makes a member, Gone those that end one.
var (
	Joined = []string{"peer.join", "peer.rejoin"}
	Gone   = []string{"peer.down", "peer.leave"}
)

// AwaitUp waits until name is a member.
func (n *Node) AwaitUp(t testing.TB, name string) {
	t.Helper()
	for begin := time.Now(); ; {
		mark := n.Mark()
		if member(n.Events()[:mark], name) {
			return
		}
		if _, ok := n.await(mark, Patience-time.Since(begin), "", append(slices.Clone(Joined), "snapshot.peer")...); !ok {
			t.Fatalf("%s: %s is not up within %v\n%s", n.Name, name, Patience, n.story())
		}
	}
}

// member says what the events make of a name.
func member(events []Event, name string) (up bool) {
	for _, e := range events {
		switch {
		case e.Name != name:
		case slices.Contains(Joined, e.Type), e.Type == "snapshot.peer" && (e.State == "up" || e.State == "suspect"):
			up = true
		case slices.Contains(Gone, e.Type):
			up = false
		}
	}
	return up
}
