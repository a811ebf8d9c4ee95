package otptest

import (
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

//go:embed loop.eval
var loopEval []byte

const (
	startWithin = 60 * time.Second // a loaded machine is slow, a broken one says so itself
	evalWithin  = 20 * time.Second
)

// Options say which node to start. The zero value is otp@127.0.0.1, a visible
// node with a long name.
type Options struct {
	Name string // before the @; default "otp"

	// Host is what follows the @: default "127.0.0.1", or "localhost" with Short.
	// Any other host is made to resolve to 127.0.0.1 inside this node, but not in
	// the test that talks to it.
	Host string

	Short  bool   // -sname instead of -name
	Hidden bool   // -hidden
	Cookie string // default: one random cookie for the whole test binary
	EPMD   *EPMD  // default: one epmd shared by the nodes of the same test (t)

	// TickTime is net_ticktime in seconds; 0 leaves OTP's own 60.
	TickTime int

	// NoPG leaves out OTP's default pg scope, which is started with the kernel
	// otherwise.
	NoPG bool

	// PGDies says that the test ends the pg scope, or the node, itself. Without it
	// the test fails if the node ends without Kill, or if pg or the global name
	// server is not the process it was at the start: nothing that a test does with
	// a peer may end them.
	PGDies bool

	Args []string // more arguments for erl; they come last and win
	Env  []string // more environment, "KEY=value"

	// Launch starts the process in place of cmd.Start, as in a network namespace.
	Launch func(cmd *exec.Cmd) error

	// EvalTimeout is the deadline of Eval, EvalErr and Spawn; default 20 s.
	EvalTimeout time.Duration
}

// Node is one running Erlang node. Methods that take a testing.TB fail that test
// and so belong on its goroutine; the others may be called from any.
type Node struct {
	Name    string // the full name, as node() gives it
	Alive   string // what stands before the @, as epmd lists it
	Cookie  string
	Release int // major OTP release, 25 for one
	EPMD    *EPMD
	Home    string // its HOME and working directory, removed with the test

	proc    *proc
	conn    *evalConn
	killed  atomic.Bool
	stopped atomic.Bool
	harm    atomic.Value // string: what lookAtServers found
	servers string       // pids of pg and global_name_server, as they were at the start
}

// Start runs a node and returns once it is alive, registered and answering.
// The test's cleanup kills it; its output is logged if the test failed.
func Start(t testing.TB, o Options) *Node {
	t.Helper()
	n, err := TryStart(t, o)
	if err != nil {
		t.Fatalf("otptest: %v", err)
	}
	return n
}

// TryStart is Start for a node that may refuse to start, as when its name is
// taken; the error then holds what it printed.
func TryStart(t testing.TB, o Options) (*Node, error) {
	t.Helper()
	Need(t)
	o = o.withDefaults(t)
	n := &Node{Alive: o.Name, Cookie: o.Cookie, EPMD: o.EPMD, Home: t.TempDir()}
	if err := n.writeHome(o.Host); err != nil {
		return nil, err
	}
	if err := n.launch(o); err != nil {
		return nil, fmt.Errorf("start %s@%s: %w", o.Name, o.Host, err)
	}
	t.Cleanup(func() { n.cleanup(t) })
	if err := n.greet(); err != nil {
		return nil, fmt.Errorf("start %s@%s: %w\n%s", o.Name, o.Host, err, n.Log())
	}
	if !o.PGDies {
		var err error
		if n.servers, err = n.EvalErr(serversExpr); err != nil {
			return nil, fmt.Errorf("start %s: %w", n.Name, err)
		}
	}
	return n, nil
}

func (o Options) withDefaults(t testing.TB) Options {
	t.Helper()
	if o.Name == "" {
		o.Name = "otp"
	}
	if o.Host == "" && o.Short {
		o.Host = "localhost"
	}
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	if o.Cookie == "" {
		o.Cookie = sharedCookie()
	}
	if o.EPMD == nil {
		o.EPMD = sharedEPMD(t)
	}
	if o.EvalTimeout == 0 {
		o.EvalTimeout = evalWithin
	}
	return o
}

var sharedCookie = sync.OnceValue(rand.Text)

var shared = struct {
	sync.Mutex
	epmd map[testing.TB]*EPMD
}{epmd: map[testing.TB]*EPMD{}}

// sharedEPMD returns the epmd of this t; a subtest has a t, and an epmd, of its own.
func sharedEPMD(t testing.TB) *EPMD {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	e := shared.epmd[t]
	if e == nil {
		e = NewEPMD(t)
		shared.epmd[t] = e
		t.Cleanup(func() { shared.Lock(); delete(shared.epmd, t); shared.Unlock() })
	}
	return e
}

// writeHome fills the node's HOME: cookie, evaluation loop, and a resolver file
// that keeps every name on the loopback interface.
func (n *Node) writeHome(host string) error {
	hosts := `"localhost"`
	if net.ParseIP(host) == nil && host != "localhost" {
		hosts += `, "` + host + `"`
	}
	inetrc := "{host, {127,0,0,1}, [" + hosts + "]}.\n{lookup, [file, native]}.\n"
	for name, data := range map[string][]byte{
		".erlang.cookie": []byte(n.Cookie),
		"loop.eval":      loopEval,
		"inetrc":         []byte(inetrc),
	} {
		if err := os.WriteFile(filepath.Join(n.Home, name), data, 0o400); err != nil {
			return err
		}
	}
	return nil
}

// args is the command line of erl. Few schedulers that never spin: the nodes of
// a test share a small machine.
func (o Options) args() []string {
	nameFlag := "-name"
	if o.Short {
		nameFlag = "-sname"
	}
	a := []string{
		"+S", "2:2", "+SDcpu", "1:1", "+SDio", "2",
		"+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none",
		"-noinput", nameFlag, o.Name + "@" + o.Host,
		"-start_epmd", "false",
		"-kernel", "inet_dist_use_interface", "{127,0,0,1}",
		"-kernel", "inetrc", `"./inetrc"`,
	}
	if o.Hidden {
		a = append(a, "-hidden")
	}
	if o.TickTime > 0 {
		a = append(a, "-kernel", "net_ticktime", strconv.Itoa(o.TickTime))
	}
	if !o.NoPG {
		a = append(a, "-kernel", "start_pg", "true")
	}
	// A failure to read the loop ends the node, with the reason on its output.
	a = append(a, "-eval", `case file:eval("loop.eval") of ok -> ok; E -> io:format("loop.eval: ~0tp~n", [E]), halt(1) end.`)
	return append(a, o.Args...)
}

func (n *Node) launch(o Options) error {
	tl, err := findTools()
	if err != nil {
		return err
	}
	conn, childEnds, err := newEvalConn(o.EvalTimeout)
	if err != nil {
		return err
	}
	cmd := exec.Command(tl.erl, o.args()...)
	cmd.Dir = n.Home
	cmd.Env = append(baseEnv(n.Home, o.EPMD.Port), o.Env...)
	cmd.ExtraFiles = childEnds // descriptors 3 and 4
	n.conn = conn
	n.proc, err = spawnBy(cmd, o.Launch)
	for _, f := range childEnds {
		f.Close()
	}
	if err != nil {
		conn.close()
		return err
	}
	conn.start()
	return nil
}

// greet waits for the loop's first packet, which a node sends once it has booted,
// and so after it has registered.
func (n *Node) greet() error {
	timeout := time.NewTimer(startWithin)
	defer timeout.Stop()
	select {
	case r := <-n.conn.hello:
		name, release, _ := strings.Cut(r.text, " ")
		n.Name = name
		n.Release, _ = strconv.Atoi(release)
		return nil
	case <-n.proc.done:
		return fmt.Errorf("ended before it was ready: %v", n.proc.err)
	case <-timeout.C:
		_ = n.proc.kill()
		return fmt.Errorf("not ready after %v", startWithin)
	}
}

func (n *Node) cleanup(t testing.TB) {
	t.Helper()
	n.checkServers(t)
	if err := n.Kill(); err != nil {
		t.Errorf("otptest: %v", err)
	}
	n.conn.close()
	if t.Failed() {
		t.Logf("output of %s:\n%s", n.Name, n.Log())
	}
}

// Pid is the emulator's process id: erl replaces itself by it.
func (n *Node) Pid() int { return n.proc.cmd.Process.Pid }

// Log is what the node has printed so far, on stdout and stderr.
func (n *Node) Log() string { return n.proc.log.String() }

// Kill sends SIGKILL and returns when the node and its child processes are gone
// and epmd has forgotten the name. Killing twice does no harm.
func (n *Node) Kill() error {
	if !n.killed.Swap(true) && !n.stopped.Load() { // a stopped one could not answer
		n.harm.Store(n.lookAtServers())
	}
	err := n.proc.kill()
	n.EPMD.awaitForgotten(n.Alive, time.Second)
	return err
}

// serversExpr names the servers that a peer can harm.
const serversExpr = "{whereis(pg), whereis(global_name_server)}."

// checkServers is S18 for every test with a real node: whatever it does with a peer,
// at the end pg and the global name server are the processes they were at the start.
// It fails the test if a server has been restarted since the start,
// or the node has ended without being killed.
func (n *Node) checkServers(t testing.TB) {
	t.Helper()
	if !n.killed.Load() {
		_ = n.Cont() // an answer cannot come from a stopped node
		n.harm.Store(n.lookAtServers())
	}
	if harm, _ := n.harm.Load().(string); harm != "" {
		t.Errorf("otptest: %s: %s", n.Name, harm)
	}
}

// lookAtServers says what is wrong with them, if anything is.
func (n *Node) lookAtServers() string {
	if n.servers == "" {
		return ""
	}
	now, err := n.EvalErr(serversExpr)
	switch {
	case !n.proc.alive():
		return "it has ended, and nobody has killed it"
	case err != nil:
		return "it does not say who its servers are: " + err.Error()
	case now != n.servers:
		return fmt.Sprintf("pg and global_name_server were %s and are %s", n.servers, now)
	}
	return ""
}

// Stop suspends the node with SIGSTOP: its sockets stay open and silent.
func (n *Node) Stop() error {
	n.stopped.Store(true)
	if err := n.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for until := time.Now().Add(time.Second); !allStopped(n.Pid()) && time.Now().Before(until); {
		runtime.Gosched()
	}
	return nil
}

// allStopped says whether every thread of a process has stopped: each does so when
// it is next scheduled, and may have an answer to write until then. Where there is
// no /proc nobody can say.
func allStopped(pid int) bool {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return true
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		_, state, _ := strings.Cut(string(text), ") ") // the name may hold anything before
		if !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return true
}

// Cont resumes a stopped node.
func (n *Node) Cont() error {
	n.stopped.Store(false)
	return n.signal(syscall.SIGCONT)
}

func (n *Node) signal(s os.Signal) error {
	if err := n.proc.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %v to %s: %w", s, n.Name, err)
	}
	return nil
}

// Exited is closed when the node has ended, however that came about.
func (n *Node) Exited() <-chan struct{} { return n.proc.done }

// Wait waits for the node's end, at most 20 s, and says how it ended: nil for
// exit status 0, else an *exec.ExitError.
func (n *Node) Wait() error {
	timeout := time.NewTimer(evalWithin)
	defer timeout.Stop()
	select {
	case <-n.proc.done:
		return n.proc.err
	case <-timeout.C:
		return errors.New(n.Name + " is still running")
	}
}
