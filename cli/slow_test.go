package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// processes are commands of ours as processes of their own, in one home.
type processes struct {
	t   *testing.T
	env []string
}

func newProcesses(t *testing.T) *processes {
	t.Helper()
	run, err := os.MkdirTemp("", "lim") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	port, err := silentPort()
	if err != nil {
		t.Fatal(err)
	}
	return &processes{t, append(os.Environ(), "HOME="+t.TempDir(), "LIMINAL_RUNTIME_DIR="+run, "LIMINAL_TIMEOUT=60s",
		"ERL_EPMD_PORT="+port, "XDG_CONFIG_HOME=", "NO_COLOR=", "LIMINAL_EPMD=off")}
}

func (p *processes) command(args ...string) *exec.Cmd {
	cmd := exec.Command("liminal", args...)
	cmd.Env = p.env
	return cmd
}

// run is a command that has to succeed; it gives what it printed.
func (p *processes) run(args ...string) string {
	p.t.Helper()
	var stderr bytes.Buffer
	cmd := p.command(args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("liminal %s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// process is a command that runs beside the test until it is killed. What it
// prints waits in a pipe for the test to read it.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Scanner
	stderr *bytes.Buffer // to be read after wait
}

func (p *processes) start(args ...string) *process {
	p.t.Helper()
	r := &process{t: p.t, cmd: p.command(args...), stderr: new(bytes.Buffer)}
	r.cmd.Stderr = r.stderr
	stdin, err := r.cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	r.stdin, r.stdout = stdin, bufio.NewScanner(stdout)
	if err := r.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(r.kill)
	return r
}

// kill is kill -9; it returns when the process is gone.
func (r *process) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// stop returns when the process has stopped.
func (r *process) stop() {
	r.t.Helper()
	r.signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(r.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		r.t.Fatalf("it does not stop: %v, %v", status, err)
	}
}

func (r *process) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// line is the next line of its output.
func (r *process) line() string {
	r.t.Helper()
	late := time.AfterFunc(time.Minute, func() { _ = r.cmd.Process.Kill() }) // ends Scan
	defer late.Stop()
	if !r.stdout.Scan() {
		r.t.Fatalf("no more output: %v", r.stdout.Err())
	}
	return r.stdout.Text()
}

// pair starts nodes a and b, which know each other, and gives a's process.
func (p *processes) pair() *process {
	p.t.Helper()
	a := p.start("node", "start", "--name", "a@127.0.0.1", "--listen", "127.0.0.1:0")
	p.run("status", "--wait", "0", "--node", "a")
	p.start("node", "start", "--name", "b@127.0.0.1", "--listen", "127.0.0.1:0", "--seed", "a")
	p.run("peers", "--wait", "1", "--node", "a")
	p.run("peers", "--wait", "1", "--node", "b")
	return a
}

// record is a line of `sub --json`.
type record struct {
	Type    string
	Seq     uint64
	Payload string
	Count   uint64
}

// tallied reads a subscriber up to message total and says how many came and how
// many it was told were lost.
func (r *process) tallied(total int) (came, lost, records uint64) {
	r.t.Helper()
	for next := uint64(1); next <= uint64(total); {
		var rec record
		if err := json.Unmarshal([]byte(r.line()), &rec); err != nil {
			r.t.Fatal(err)
		}
		switch rec.Type {
		case "drop":
			lost, records, next = lost+rec.Count, records+1, next+rec.Count
		case "message":
			if number, err := strconv.ParseUint(rec.Payload, 10, 64); rec.Seq != next || number != next || err != nil {
				r.t.Fatalf("message %d is %+v", next, rec)
			}
			came, next = came+1, next+1
		default:
			r.t.Fatalf("%+v", rec)
		}
	}
	return came, lost, records
}

// peakMemory is the most that a process has had in memory, where the system
// tells.
func (r *process) peakMemory() (bytes int, known bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(r.cmd.Process.Pid), "status"))
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
			k, err := strconv.Atoi(f[1])
			return k << 10, err == nil
		}
	}
	return 0, err == nil
}

// subscribersOf asks node b how many subscribers a channel has in the cluster.
func (p *processes) subscribersOf(channel string) int {
	p.t.Helper()
	var doc struct{ Channels []struct{ Subscribers int } }
	text := p.run("channels", channel, "--json", "--node", "b")
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		p.t.Fatalf("%v: %s", err, text)
	}
	if len(doc.Channels) == 0 {
		return 0
	}
	return doc.Channels[0].Subscribers
}

// F14: a subscriber that is stopped, and one whose pipe nobody reads, delay neither
// the publisher nor another subscriber, cost the node no more than their
// queues, and are told exactly what they have lost.
func TestStoppedReaders(t *testing.T) {
	if slack > 1 { // the race detector is too slow to fill a whole queue
		stoppedReaders(t, 50_000, 10_000, 1, "LIMINAL_QUEUE=20000")
		return
	}
	t.Run("many messages", func(t *testing.T) { stoppedReaders(t, 600_000, 100_000, 1) })
	t.Run("many bytes", func(t *testing.T) { stoppedReaders(t, 80_000, 20_000, 1000) })
}

// stoppedReaders publishes numbers in lines of width bytes. A chunk is less than
// a queue holds, all of them are more.
func stoppedReaders(t *testing.T, total, chunk, width int, env ...string) {
	p := newProcesses(t)
	p.env = append(p.env, env...)
	a := p.pair()
	stopped := p.start("sub", "nums", "--json", "--node", "a")
	unread := p.start("sub", "nums", "--json", "--node", "a")
	quick := p.start("sub", "nums", "--node", "a")
	p.run("channels", "nums", "--wait", "3", "--node", "b")
	stopped.stop()

	// Each chunk waits for the quick one, so that it loses nothing.
	pub := p.start("pub", "nums", "--lines", "--json", "--node", "b")
	for next := 1; next <= total; {
		var lines []byte
		for i := range chunk {
			lines = fmt.Appendf(lines, "%0*d\n", width, next+i)
		}
		if _, err := pub.stdin.Write(lines); err != nil {
			t.Fatal(err)
		}
		for range chunk {
			if got, err := strconv.Atoi(quick.line()); got != next || err != nil {
				t.Fatalf("the quick one got %d, want %d", got, next)
			}
			next++
		}
	}
	pub.stdin.Close()
	var receipt struct {
		Messages, Dropped uint64
		Peers             []struct{ Outcome string }
	}
	if err := json.Unmarshal([]byte(pub.line()), &receipt); err != nil || receipt.Messages != uint64(total) || receipt.Dropped != 0 ||
		len(receipt.Peers) != 1 || receipt.Peers[0].Outcome != "written" {
		t.Errorf("receipt %+v, %v", receipt, err)
	}
	if err := pub.cmd.Wait(); err != nil {
		t.Errorf("the publisher: %v: %s", err, pub.stderr)
	}
	if quick.kill(); quick.stderr.Len() > 0 {
		t.Errorf("the quick one says %s", quick.stderr)
	}
	if peak, known := a.peakMemory(); known {
		t.Logf("the node has had %d MB at most", peak>>20)
		if peak > 200<<20*slack {
			t.Errorf("the node has had %d MB", peak>>20)
		}
	}

	stopped.signal(syscall.SIGCONT)
	for name, r := range map[string]*process{"stopped": stopped, "unread": unread} {
		came, lost, records := r.tallied(total)
		t.Logf("%s: %d messages came, %d were lost, in %d places", name, came, lost, records)
		if came+lost != uint64(total) || lost == 0 || records == 0 {
			t.Errorf("%s: %d came and %d were lost in %d places, of %d", name, came, lost, records, total)
		}
	}
}

// F15: a subscriber that is killed is gone for all within a second, whatever it was
// doing.
func TestKilledSubscribers(t *testing.T) {
	p := newProcesses(t)
	p.pair()
	for _, c := range []struct {
		channel string
		before  func(r *process)
		flooded bool
	}{
		{"waiting", func(*process) {}, false},
		{"stopped", (*process).stop, false},
		{"stopped-in-the-flood", (*process).stop, true},
		{"unread-in-the-flood", func(*process) {}, true},
	} {
		stays, r := p.start("sub", c.channel, "--node", "a"), p.start("sub", c.channel, "--node", "a")
		p.run("channels", c.channel, "--wait", "2", "--node", "b")
		c.before(r)
		if c.flooded {
			p.flood(c.channel, stays)
		}
		r.kill()
		begin := time.Now()
		for p.subscribersOf(c.channel) != 1 {
			if time.Since(begin) > 20*time.Second {
				t.Fatalf("%s: it is still there", c.channel)
			}
		}
		if took := time.Since(begin); took > time.Second*slack {
			t.Errorf("%s: gone only after %v", c.channel, took)
		}
		stays.kill()
	}
}

// flood publishes more than all buffers between a node and a reader hold, until
// read has all of it.
func (p *processes) flood(channel string, read *process) {
	p.t.Helper()
	const lines = 20_000
	pub := p.command("pub", channel, "--lines", "--node", "b")
	pub.Stdin = strings.NewReader(strings.Repeat(strings.Repeat("x", 1000)+"\n", lines))
	done := make(chan error, 1)
	go func() {
		out, err := pub.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		done <- err
	}()
	for range lines {
		read.line()
	}
	if err := <-done; err != nil {
		p.t.Fatal(err)
	}
}
