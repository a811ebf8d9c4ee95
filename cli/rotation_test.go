package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/otptest"
)

// The lengths differ, so that status tells which one a node has as its own.
const (
	rotatedOld = "OLDCANARY0123456789abcdef"
	rotatedNew = "NEWCANARY0123456789abcdefghijklmn"
)

// rotation is a cluster of three nodes of ours and one of Erlang, each a process,
// that changes its cookie.
type rotation struct {
	*processes
	otp   *otptest.Node
	dir   string
	nodes map[string]*exec.Cmd
	said  strings.Builder // all that was printed by commands that have ended
}

var rotated = []string{"a", "b", "c"}

func newRotation(t *testing.T) *rotation {
	otptest.Need(t)
	otp := otptest.Start(t, otptest.Options{Cookie: rotatedOld})
	r := &rotation{processes: newProcesses(t), otp: otp, dir: t.TempDir(), nodes: map[string]*exec.Cmd{}}
	r.env = append(r.env, fmt.Sprintf("ERL_EPMD_PORT=%d", otp.EPMD.Port), "LIMINAL_EPMD=require", "LIMINAL_LOG_LEVEL=debug")
	for _, name := range rotated {
		r.write(name, rotatedOld, "")
		r.begin(name)
	}
	r.allUp()
	return r
}

func (r *rotation) path(name, kind string) string { return filepath.Join(r.dir, name+"."+kind) }

// files are the flags that name a node's cookies.
func (r *rotation) files(name string) []string {
	return []string{"--cookie-file", r.path(name, "cookie"), "--cookie-accept-file", r.path(name, "accept")}
}

// write changes both files of a node.
func (r *rotation) write(name, own, accept string) {
	r.t.Helper()
	for kind, text := range map[string]string{"cookie": own, "accept": accept} {
		if err := os.WriteFile(r.path(name, kind), []byte(text+"\n"), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rotation) begin(name string) {
	r.t.Helper()
	args := []string{"node", "start", "--name", name + "@127.0.0.1", "--listen", "127.0.0.1:0", "--seed", r.otp.Name, "--retry-join"}
	cmd := r.command(append(args, r.files(name)...)...)
	log, err := os.OpenFile(r.path(name, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { r.kill(cmd) })
	r.nodes[name] = cmd
	r.say("status", "--wait", "0", "--node", name)
}

// kill is kill -9, and may come twice.
func (r *rotation) kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// log is what a node has printed, in all its lives.
func (r *rotation) log(name string) string {
	r.t.Helper()
	text, err := os.ReadFile(r.path(name, "log"))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

func (r *rotation) hangUp(name string) {
	r.t.Helper()
	if err := r.nodes[name].Process.Signal(syscall.SIGHUP); err != nil {
		r.t.Fatal(err)
	}
}

// say is run whose output is kept.
func (r *rotation) say(args ...string) string {
	r.t.Helper()
	out := r.run(args...)
	r.said.WriteString(out)
	return out
}

func (r *rotation) allUp() {
	r.t.Helper()
	for _, name := range rotated {
		r.say("status", "--wait", "3", "--node", name)
	}
	r.otp.WaitEval(r.t, "length(nodes()).", "3", time.Minute)
}

func (r *rotation) status(name string) (s control.Status) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.say("status", "--json", "--node", name)), &s); err != nil {
		r.t.Fatal(err)
	}
	return s
}

// await polls the status of a node.
func (r *rotation) await(name, what string, ok func(control.Status) bool) {
	r.t.Helper()
	s := r.status(name)
	for limit := time.Now().Add(time.Minute); !ok(s); s = r.status(name) {
		if time.Now().After(limit) {
			r.t.Fatalf("%s: not within a minute: %s: %+v", name, what, s)
		}
	}
}

// reload changes the cookies of one node, and waits until it has taken them and
// knows who needs another cookie than its own.
func (r *rotation) reload(name, own, accept string, others ...string) {
	r.t.Helper()
	r.write(name, own, accept)
	r.hangUp(name)
	accepted := min(1, len(accept))
	cookie := fmt.Sprintf("%d characters from %s", len(own), r.path(name, "cookie"))
	r.await(name, "reloaded", func(s control.Status) bool {
		return s.CookiesAccepted == accepted && strings.HasPrefix(s.Cookie, cookie) && slices.Equal(s.OtherCookie, others)
	})
}

// probed says which of a's cookies the Erlang node takes from a stranger.
func (r *rotation) probed() int {
	r.t.Helper()
	var doc probeDoc
	if err := json.Unmarshal([]byte(r.say(append([]string{"probe", r.otp.Name, "--json"}, r.files("a")...)...)), &doc); err != nil || !doc.OK {
		r.t.Fatalf("%v: %+v", err, doc)
	}
	return doc.Peer.Cookie
}

// counter joins the channel over there and counts what comes.
const counter = `spawn(fun() -> register(counter, self()), ok = pg:join(<<"orders">>, self()),
	F = fun(F, N) -> receive {get, From} -> From ! {count, N}, F(F, N); _ -> F(F, N + 1) end end, F(F, 0) end), ok.`

// streamed is the least number of messages of a stream.
const streamed = 1000

// stream publishes numbers on a until stop, which says how many.
func (r *rotation) stream() (stop func() int) {
	r.t.Helper()
	pub := r.start("pub", "orders", "--lines", "--wait", "2", "--node", "a", "--timeout", "60s")
	quit, total := make(chan struct{}), make(chan int)
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		done := false
		for n := 1; ; n++ {
			fmt.Fprintf(pub.stdin, "%d\n", n)
			select {
			case <-quit:
				done = true
			case <-tick.C:
			}
			if done && n >= streamed {
				pub.stdin.Close()
				total <- n
				return
			}
		}
	}()
	return func() int {
		close(quit)
		n := <-total
		if err := pub.cmd.Wait(); err != nil {
			r.t.Errorf("pub: %v: %s", err, pub.stderr)
		}
		r.said.WriteString(pub.stderr.String())
		return n
	}
}

// S9, S10: a cluster of three nodes of ours and one of Erlang changes its cookie by
// SIGHUP while messages go round: none is lost, no link ends, and each node says who
// still needs the old one. Then all are killed and started again, one by one, and at
// the end the old cookie is refused by all. No cookie shows anywhere.
func TestRotationOfProcesses(t *testing.T) {
	r := newRotation(t)
	if got := r.otp.Eval(t, counter); got != "ok" {
		t.Fatal(got)
	}
	sub := r.start("sub", "orders", "--node", "c")
	stop := r.stream()
	for range 20 {
		sub.line() // the stream flows
	}
	for _, name := range rotated {
		r.reload(name, rotatedOld, rotatedNew)
	}
	for _, name := range rotated {
		r.reload(name, rotatedNew, rotatedOld, r.otp.Name)
	}
	if got := r.probed(); got != 1 {
		t.Errorf("the Erlang node takes cookie %d before it has moved", got)
	}
	r.otp.Eval(t, "erlang:set_cookie(node(), '"+rotatedNew+"').")
	if got := r.probed(); got != 0 {
		t.Errorf("the Erlang node takes cookie %d after it has moved", got)
	}
	text := r.say("status", "--node", "a", "--plain")
	if !strings.Contains(text, "\nother_cookie\t"+r.otp.Name+"\n") || !strings.Contains(text, "\ncookies_accepted\t1\n") {
		t.Errorf("status: %s", text)
	}
	r.badReload("a")
	for _, name := range rotated {
		r.reload(name, rotatedNew, "", r.otp.Name)
	}
	r.nothingWasLost(sub, stop())
	r.restartAll()
	r.oldIsRefused()
	r.nothingShows()
}

// badReload: a file that cannot be used changes nothing, and one whose reading would
// never end does not hold the node up.
func (r *rotation) badReload(name string) {
	r.t.Helper()
	before := r.status(name)
	path := r.path(name, "accept")
	for what, spoil := range map[string]func() error{
		"is missing":                func() error { return nil },
		"can be read by others":     func() error { return os.WriteFile(path, []byte(rotatedOld), 0o644) },
		"is not a regular file":     func() error { return syscall.Mkfifo(path, 0o600) },
		"has too many cookies":      func() error { return os.WriteFile(path, []byte("1\n2\n3\n4\n"), 0o600) },
		"has characters of no atom": func() error { return os.WriteFile(path, []byte("\x00\n"), 0o600) },
	} {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			r.t.Fatal(err)
		}
		if err := spoil(); err != nil {
			r.t.Fatal(err)
		}
		const refused = "reload: nothing changed"
		told := strings.Count(r.log(name), refused)
		r.hangUp(name)
		r.await(name, "a file that "+what+" is refused", func(control.Status) bool { return strings.Count(r.log(name), refused) > told })
		after := r.status(name)
		if after.CookiesAccepted != before.CookiesAccepted || after.Cookie != before.Cookie {
			r.t.Errorf("a file that %s changes the cookies: %+v", what, after)
		}
	}
	_ = os.Remove(path)
	r.reload(name, rotatedNew, rotatedOld, r.otp.Name)
}

// nothingWasLost holds what subscribers got against the number published.
func (r *rotation) nothingWasLost(sub *process, published int) {
	r.t.Helper()
	for want := 21; want <= published; want++ {
		if got := sub.line(); got != fmt.Sprint(want) {
			r.t.Fatalf("message %d is %q", want, got)
		}
	}
	sub.kill()
	r.said.WriteString(sub.stderr.String())
	r.otp.WaitEval(r.t, "counter ! {get, self()}, receive {count, N} -> N after 5000 -> late end.", fmt.Sprint(published), time.Minute)
	r.t.Logf("%d messages while the cookie changed", published)
	for _, name := range rotated {
		for _, c := range r.status(name).Counters {
			if (c.Name == "peers_left" || c.Name == "links_flapped" || c.Name == "links_replaced") && c.Value != 0 {
				r.t.Errorf("%s: %s %d", name, c.Name, c.Value)
			}
		}
	}
}

// restartAll kills each node and starts it again.
func (r *rotation) restartAll() {
	r.t.Helper()
	if err := r.otp.Kill(); err != nil {
		r.t.Fatal(err)
	}
	r.otp = otptest.Start(r.t, otptest.Options{Cookie: rotatedNew, EPMD: r.otp.EPMD})
	for _, name := range rotated {
		r.kill(r.nodes[name])
		r.begin(name)
	}
	r.allUp()
	for _, name := range rotated {
		r.await(name, "all have the new cookie", func(s control.Status) bool {
			return len(s.OtherCookie) == 0 && s.CookiesAccepted == 0 && s.Peers.Up == 3
		})
	}
}

// oldIsRefused probes every node with the cookie of before.
func (r *rotation) oldIsRefused() {
	r.t.Helper()
	r.write("x", rotatedOld, "")
	for _, to := range []string{"a@127.0.0.1", "b@127.0.0.1", "c@127.0.0.1", r.otp.Name} {
		cmd := r.command(append([]string{"probe", to}, r.files("x")...)...)
		out, err := cmd.CombinedOutput()
		r.said.Write(out)
		if cmd.ProcessState.ExitCode() != exits["probe_cookie"] {
			r.t.Errorf("%s with the old cookie: %v: %s", to, err, out)
		}
	}
}

// nothingShows looks for a cookie in all that was printed, and in what any user of
// the machine can read of a process.
func (r *rotation) nothingShows() {
	r.t.Helper()
	for name, cmd := range r.nodes {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid))
		if err == nil {
			r.said.Write(line)
		}
		r.say("config", "show", "--cookie-file", r.path(name, "cookie"), "--cookie-accept-file", r.path(name, "accept"))
		r.kill(cmd)
		r.said.WriteString(r.log(name))
	}
	said := r.said.String()
	if strings.Contains(said, "CANARY") {
		r.t.Error("a cookie shows")
	}
	if n := strings.Count(said, "cookies changed"); n < 9 {
		r.t.Errorf("the logs tell of %d changes", n)
	}
}
