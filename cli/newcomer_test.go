package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// TestJoinSaysItGoesOn: a failed join is not over where a later dial may succeed.
func TestJoinSaysItGoesOn(t *testing.T) {
	w := newWorld(t)
	w.node(long("a")...)
	port, err := silentPort()
	if err != nil {
		t.Fatal(err)
	}
	typo := "typo@127.0.0.1:" + port
	const says = " goes on dialling it; liminal forget "
	r := w.run("join", typo)
	if r.code != 69 || !strings.Contains(r.stderr, "a"+says+typo+" ends that") {
		t.Errorf("%+v", r)
	}
	if r := w.run("join", typo, "-q"); r.code != 69 || strings.Contains(r.stderr, says) {
		t.Errorf("with -q: %+v", r)
	}
	w.obey([]string{"forget", typo})
	for address, code := range map[string]int{"b@short:" + port: 76, "b@@x": 64, "a@127.0.0.1": 1} {
		if r := w.run("join", address); r.code != code || strings.Contains(r.stderr, says) {
			t.Errorf("%s: %+v", address, r)
		}
		if r := w.run("forget", address); r.code == 0 {
			t.Errorf("%s was kept", address)
		}
	}
}

// TestNoHintIsBetter: words of one length that differ in a letter are others.
func TestNoHintIsBetter(t *testing.T) {
	for word, want := range map[string]string{
		"nope": "", "ndoe": "node", "nod": "node", "nodes": "node", "stats": "status", "banana": "",
	} {
		if got := nearest(word, []string{"node", "status", "join"}); got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}

// TestProbeOfOtherForm: the advice is the name that the node has.
func TestProbeOfOtherForm(t *testing.T) {
	l := &looker{me: self{name: "liminal-look-0@127.0.0.1", host: "dev"}, command: "probe"}
	wrong := &node.DialError{Address: "app@127.0.0.1", Endpoint: "127.0.0.1:4000", Peer: "app@dev", Err: node.ErrNameMode}
	report := node.CheckReport{Address: "app@127.0.0.1", As: "liminal-look-0@127.0.0.1", Failed: node.CheckName, Err: wrong}
	if e := l.verdict(report); e.Try != "liminal probe app" || !strings.Contains(e.Why, "one is short, the other long") {
		t.Errorf("%+v", e)
	}
	l.command = "peers --attach"
	wrong = &node.DialError{Address: "app@localhost", Endpoint: "127.0.0.1:4000", Peer: "app@dev", Err: node.ErrWrongName}
	if e := l.advise(explainDial(wrong.Address, wrong, l.me), wrong, wrong.Address); e.Try != "liminal peers --attach app" {
		t.Errorf("%+v", e)
	}
}

// TestAttachOfOtherForm: where the name that answers got lost, a probe finds it.
func TestAttachOfOtherForm(t *testing.T) {
	l := &looker{me: self{name: "liminal-look-0@localhost", host: "dev"}, command: "peers --attach"}
	err := &node.DialError{Address: "app@127.0.0.1", Err: node.ErrNameMode}
	if e := l.advise(explainDial(err.Address, err, l.me), err, err.Address); e.Try != "liminal probe app@127.0.0.1" || strings.Contains(e.Message, "localhost") {
		t.Errorf("%+v", e)
	}
}

// TestBugIsToldInLines: the stack is only for --verbose, a line each.
func TestBugIsToldInLines(t *testing.T) {
	stack := []byte("goroutine 1:\nmain.f()\n\t/x/y.go:7\n")
	for _, verbose := range []bool{false, true} {
		var b bytes.Buffer
		o := &output{stderr: &b, verbose: verbose}
		if code := o.reportBug("index out of range", stack); code != exitBug {
			t.Errorf("exit %d", code)
		}
		got := b.String()
		if !strings.HasPrefix(got, "liminal: bug: index out of range\n  why: ") || strings.Contains(got, `\n`) ||
			strings.Contains(got, "\n    main.f()\n      /x/y.go:7\n") != verbose {
			t.Errorf("verbose %v: %q", verbose, got)
		}
	}
}

func TestSinceTakesATime(t *testing.T) {
	now := time.Date(2026, 1, 15, 12, 4, 31, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"2026-01-15T12:04:01Z": 30 * time.Second, "2026-01-15T13:04:01+01:00": 30 * time.Second, "2026-01-15T12:04:31Z": time.Millisecond,
		"2030-01-15T12:04:31Z": time.Millisecond, "30s": 30 * time.Second,
	} {
		if got, err := parseSince(text, now, nil); err != nil || got != (control.WatchRequest{Last: want}) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestSeedCounts(t *testing.T) {
	seeds := []control.Seed{{State: "up"}, {State: "dialling"}, {State: "dialling"}}
	if got := seedCounts(seeds); got != "3: 1 up, 2 dialling" {
		t.Error(got)
	}
}

// TestQuietNode: -q leaves the events and warnings.
func TestQuietNode(t *testing.T) {
	w := newWorld(t)
	r := startIn(t, terminal(w.env), "node", "start", "-q", "--name", "a@127.0.0.1", "--listen", here)
	if got := w.run("status", "--node", "a", "--wait", "0"); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	w.obey([]string{"node", "stop", "--node", "a"})
	for r.stdout.Scan() {
		t.Errorf("stdout: %q", r.stdout.Text())
	}
	for r.stderr.Scan() {
		t.Errorf("stderr: %q", r.stderr.Text())
	}
	r.exits(0)
}

// TestPortTakenStopsNothing: a node that has not started cannot stop.
func TestPortTakenStopsNothing(t *testing.T) {
	w := newWorld(t)
	address := w.node(long("a")...)
	r := w.run("node", "start", "--name", "b@127.0.0.1", "--listen", address)
	if r.code != 73 || strings.Contains(r.stderr, "node stopped") {
		t.Errorf("%+v", r)
	}
}

// TestWatchHelpOfExec: the variables are those of events.
func TestWatchHelpOfExec(t *testing.T) {
	page := runIn(t, testEnv(t), "help", "watch").stdout
	for _, want := range []string{"_PEER", "_STATE", "_KIND", "gap"} {
		if !strings.Contains(page, want) {
			t.Errorf("help watch lacks %s", want)
		}
	}
	if strings.Contains(page, "_FROM") || strings.Contains(page, "drop record") {
		t.Error("help watch speaks of messages")
	}
}

// TestDemoTextIsFilled: no line of the story is wider than the terminal, but for
// commands.
func TestDemoTextIsFilled(t *testing.T) {
	var b bytes.Buffer
	d := &demo{call: &call{out: &output{stdout: &b, width: 60}}}
	d.tell(demoPlot)
	d.sumUp()
	d.tellNext()
	for line := range strings.Lines(b.String()) {
		if len(line) > 61 {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
}
