package node

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/otptest"
)

// attack is what one who holds the cookie tries. On an Erlang node each of them
// would have made the file, or ended the node.
type attack struct{ name, call, want string }

// attacks on the node us, each of which is to touch a file of its own below dir.
// down is what a monitor of something that is not there says.
func attacks(us, pid, channel, dir string) []attack {
	n := "'" + us + "'"
	touch := func(file string) string { return fmt.Sprintf(`["touch %s"]`, filepath.Join(dir, file)) }
	down := func(of string) string {
		return fmt.Sprintf("(fun() -> R = erlang:monitor(process, %s), receive {'DOWN', R, _, _, W} -> W after 5000 -> hangs end end)()", of)
	}
	return []attack{
		{"rpc:call", "rpc:call(" + n + ", os, cmd, " + touch("rpc") + ").", "{badrpc,"},
		{"spawn/4", down("spawn("+n+", os, cmd, "+touch("spawn")+")") + ".", "no"},
		{"spawn_request", "(fun() -> R = spawn_request(" + n + ", os, cmd, " + touch("request") +
			", [{reply, yes}]), receive {spawn_reply, R, V, W} -> {V, W} after 5000 -> hangs end end)().", "{error,notsup}"},
		{"erpc:call", "catch erpc:call(" + n + ", os, cmd, " + touch("erpc") + ", 5000).", "{'EXIT',"},
		{"net_kernel", "catch gen_server:call({net_kernel, " + n + "}, {spawn, os, cmd, " + touch("kernel") + ", self()}).", "{error,notsup}"},
		{"rex cast", "begin rpc:cast(" + n + ", os, cmd, " + touch("cast") + "), " + down("{rex, "+n+"}") + " end.", "noproc"},
		{"init stop", "begin {init, " + n + "} ! {stop, stop}, " + down("{init, "+n+"}") + " end.", "noproc"},
		{"code_server", "begin {code_server, " + n + "} ! {code_call, self(), {add_path, first, \"/tmp\"}}, " + down("{code_server, "+n+"}") + " end.", "noproc"},
		{"file_server", "catch gen_server:call({file_server_2, " + n + "}, {write_file, \"" + filepath.Join(dir, "server") + "\", <<1>>}).", "{'EXIT',"},
		{"exit kill", "begin exit(" + pid + ", kill), exit(" + channel + ", kill), net_adm:ping(" + n + ") end.", "pong"},
		{"group_leader", "begin G = group_leader(), group_leader(" + pid + ", self()), group_leader(G, self()), net_adm:ping(" + n + ") end.", "pong"},
		{"global", "begin global:register_name(attack, self()), global:unregister_name(attack), net_adm:ping(" + n + ") end.", "pong"},
		{"supervisor", "catch supervisor:start_child({kernel_sup, " + n + "}, {x, {os, cmd, " + touch("sup") + "}, temporary, 1000, worker, [os]}).", "{'EXIT',"},
		{"eval everywhere", "rpc:eval_everywhere([" + n + "], os, cmd, " + touch("eval") + ").", "abcast"},
		{"multicall", "rpc:multicall([" + n + "], os, cmd, " + touch("multi") + ").", "{["},
	}
}

// S1: a real Erlang node that holds the cookie tries all it knows to have
// something run here: no file is made, no program started, the node lives on,
// and each call says within five seconds that nothing came of it.
func TestOTPAttackRunsNothing(t *testing.T) {
	otptest.Need(t)
	otp := otptest.Start(t, otptest.Options{})
	n := start(t, otpConfig(t, "a", otp))
	sub := subscribe(t, n, "x")
	id, serial := n.bus.Channel("x").Number()
	if j := n.Join(t.Context(), otp.Name); j.Err != nil {
		t.Fatal(j.Err)
	}
	otp.WaitEval(t, "nodes() =:= ['"+n.name+"'].", "true", within)
	dir, before := t.TempDir(), familyOf(t)
	for _, a := range attacks(n.name, pidExpr(n.self), pidExpr(n.process(id, serial)), dir) {
		begin := time.Now()
		got := otp.Eval(t, a.call)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s took %v", a.name, took)
		}
		if !strings.HasPrefix(got, a.want) {
			t.Errorf("%s gave %s, want %s", a.name, got, a.want)
		}
	}
	if made, _ := os.ReadDir(dir); len(made) > 0 {
		t.Errorf("files were made: %v", made)
	}
	if now := familyOf(t); now != before {
		t.Errorf("a program was started: before %v, now %v", before, now)
	}
	if p := peerState(t, n, otp.Name, StateUp); p.Generation != 1 {
		t.Errorf("the link did not last: %+v", p)
	}
	otp.Eval(t, pidExpr(n.process(id, serial))+" ! <<\"still here\">>.")
	if m := arrived(t, sub); string(m.Payload) != "still here" || n.Status().State != NodeUp {
		t.Errorf("the node is %v, and the channel got %q", n.Status().State, m.Payload)
	}
}

// S1: the guard of the test above: on an Erlang node the same calls do run.
func TestOTPAttackRunsOnOTP(t *testing.T) {
	otptest.Need(t)
	epmd := otptest.NewEPMD(t)
	otp := otptest.Start(t, otptest.Options{EPMD: epmd})
	victim := otptest.Start(t, otptest.Options{EPMD: epmd, Cookie: otp.Cookie, Name: "victim"})
	dir := t.TempDir()
	otp.Eval(t, "net_adm:ping('"+victim.Name+"').")
	tried := 0
	for _, a := range attacks(victim.Name, "self()", "self()", dir) {
		if strings.Contains(a.call, "touch ") && a.name != "rex cast" { // its rex lives, and would be waited for
			otp.Eval(t, a.call)
			tried++
		}
	}
	victim.WaitEval(t, fmt.Sprintf("length(filelib:wildcard(\"%s/*\")) >= %d.", dir, tried-2), "true", within)
}

// pidExpr is an Erlang expression for a pid.
func pidExpr(pid etf.Pid) string {
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(etf.AppendPid([]byte{etf.Version}, pid)), " ", ","), "[]")
	return "binary_to_term(<<" + text + ">>)"
}

// family tells the programs that a process has started: those that run, and
// what those cost that have ended and were waited for.
type family struct {
	children string
	faults   int64
}

func familyOf(t *testing.T) family {
	t.Helper()
	var ended syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &ended); err != nil {
		t.Fatal(err)
	}
	f := family{faults: ended.Minflt}
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(tasks) == 0 {
		t.Log("this kernel does not list children: those that still run are not seen")
	}
	all := map[string]bool{}
	for _, task := range tasks {
		b, _ := os.ReadFile(task) // a thread may have ended
		for _, pid := range strings.Fields(string(b)) {
			all[pid] = true
		}
	}
	f.children = fmt.Sprint(all) // in the order of its keys
	return f
}

// TestFamilyIsSeen: what the test above looks at does change when a program is
// started, while it runs and after.
func TestFamilyIsSeen(t *testing.T) {
	before := familyOf(t)
	cmd := exec.Command("cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	during := familyOf(t)
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if after := familyOf(t); after == before || during == before && during.children != "map[]" {
		t.Errorf("before %v, during %v, after %v", before, during, after)
	}
}

// S1: SPAWN_REQUEST, which is not offered, sent all the same: the answer is
// notsup, at once, and the link stays.
func TestSpawnRequestUnasked(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	conn, err := net.Dial("tcp", n.testAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p := newLight(t, "b")
	local := n.testLocal()
	local.Name, local.Creation = p.name(), p.pid.Creation
	if _, err := dist.Dial(conn, time.Time{}, local, dist.InitiatorHooks{}); err != nil {
		t.Fatal(err)
	}
	ref := etf.Ref{Node: p.pid.Node, Creation: p.pid.Creation, Len: 3, Words: [5]uint32{1, 2, 3}}
	file := filepath.Join(t.TempDir(), "spawned")
	mfa := etf.Tuple{etf.Atom("os"), etf.Atom("cmd"), int64(1)}
	args, err := etf.Append(nil, etf.List{etf.Binary("touch " + file)})
	if err != nil {
		t.Fatal(err)
	}
	control, err := etf.Append(nil, etf.Tuple{int64(29), ref, p.pid, p.pid, mfa, etf.List{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(frameBytes(control, args)); err != nil {
		t.Fatal(err)
	}
	want, err := etf.Append(nil, etf.Tuple{int64(31), ref, p.pid, int64(0), etf.Atom("notsup")})
	if err != nil {
		t.Fatal(err)
	}
	readUntil(t, conn, want)
	if _, err := os.Stat(file); err == nil {
		t.Error("the file was made")
	}
	if got := n.counter("link_refused_SPAWN_REQUEST"); got != 1 {
		t.Errorf("%d were counted", got)
	}
}

// frameBytes is one frame with a header, as it goes over the wire.
func frameBytes(control, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(3+len(control)+len(payload)))
	return append(append(append(b, etf.Version, 68, 0), control...), payload...)
}

// readUntil reads conn until want has come.
func readUntil(t *testing.T, conn net.Conn, want []byte) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for b := make([]byte, 4096); !bytes.Contains(got, want); {
		n, err := conn.Read(b)
		if got = append(got, b[:n]...); err != nil {
			t.Fatalf("%v: read %x, want %x in it", err, got, want)
		}
	}
}
