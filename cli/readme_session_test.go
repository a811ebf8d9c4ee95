package cli

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/liminal-bus/liminal/node"
)

// TestReadmeTranscripts plays the console blocks of each section in order. A
// block whose info says "terminal N" is typed into that terminal, others into the
// first. What a command must show may come among other lines, but in this order;
// lines that begin with a time of day are waited for only at the end of the
// section, since it is what is typed elsewhere that brings them.
func TestReadmeTranscripts(t *testing.T) {
	needTools(t, "bash")
	sections := map[string][]readmeBlock{}
	for _, b := range readmeBlocks(t, "console") {
		sections[b.section] = append(sections[b.section], b)
	}
	for name, blocks := range sections {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newReadmeSession(t)
			defer s.stopNodes() // before the terminals close
			for _, b := range blocks {
				s.play(b)
			}
			s.finish()
		})
	}
}

type readmeSession struct {
	t         *testing.T
	env       []string
	dir, host string
	home      string
	terminals map[string]*readmeTerminal
	later     []laterLine
}

type laterLine struct {
	on   *readmeTerminal
	line string
	from int
}

func newReadmeSession(t *testing.T) *readmeSession {
	full, err := node.FullName("x")
	if err != nil {
		t.Fatal(err)
	}
	_, host, _ := strings.Cut(full, "@")
	env := readerEnv(t)
	return &readmeSession{t: t, env: env, dir: t.TempDir(), host: host, home: lastOf(env, "HOME="), terminals: map[string]*readmeTerminal{}}
}

// lastOf is the value of a variable, of which the last one counts.
func lastOf(env []string, name string) (value string) {
	for _, v := range env {
		if text, ok := strings.CutPrefix(v, name); ok {
			value = text
		}
	}
	return value
}

// stopNodes ends the nodes that the section leaves running, as its reader would.
// A node outlives its terminal, and would hold it open.
func (s *readmeSession) stopNodes() {
	stop := exec.Command("bash", "-c", "for n in $(liminal node list --columns name); do liminal node stop --node $n; done")
	stop.Env = s.env
	if out, err := stop.CombinedOutput(); err != nil {
		s.t.Errorf("%v: %s", err, out)
	}
}

func (s *readmeSession) play(b readmeBlock) {
	s.t.Helper()
	term := s.terminal(b.info)
	at := term.mark()
	typedAt := at
	for _, line := range b.lines {
		command, typed := strings.CutPrefix(line, "$ ")
		want := readmeLine(line, s.host)
		switch {
		case typed:
			at = term.mark()
			typedAt = at
			term.send(strings.ReplaceAll(command, "@dev", "@"+s.host))
		case want == "":
		case strings.HasPrefix(want, "TIME"):
			s.later = append(s.later, laterLine{term, want, typedAt})
		default:
			at = term.await(want, at) + 1
		}
	}
	if n := len(b.lines); n > 0 && strings.HasPrefix(b.lines[n-1], "$ ") && !strings.HasSuffix(b.lines[n-1], "&") {
		term.idle() // nothing shows that it has done its work but the prompt
	}
}

func (s *readmeSession) finish() {
	s.t.Helper()
	for _, l := range s.later {
		l.on.await(l.line, l.from)
	}
}

func (s *readmeSession) terminal(info string) *readmeTerminal {
	if t := s.terminals[info]; t != nil {
		return t
	}
	t := &readmeTerminal{t: s.t, name: info, host: s.host, home: s.home, more: make(chan struct{})}
	cmd := exec.Command("bash", "--norc", "--noprofile")
	cmd.Env, cmd.Dir = s.env, s.dir
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 200})
	if err != nil {
		s.t.Fatal(err)
	}
	t.tty = tty
	done := make(chan struct{})
	go func() { defer close(done); t.read() }()
	s.t.Cleanup(func() {
		_, _ = io.WriteString(tty, "\x03\nexit\n")
		late := time.AfterFunc(10*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		_ = cmd.Wait()
		late.Stop()
		tty.Close()
		<-done
	})
	s.terminals[info] = t
	return t
}

// readmeTerminal is one terminal with a shell on it.
type readmeTerminal struct {
	t    *testing.T
	name string
	host string
	home string
	tty  *os.File

	mu    sync.Mutex
	lines []string // normalised
	more  chan struct{}
	ended bool
	idles int
}

func (r *readmeTerminal) read() {
	in := bufio.NewReader(r.tty)
	for {
		line, err := in.ReadString('\n')
		r.mu.Lock()
		if line != "" {
			r.lines = append(r.lines, readmeLine(strings.ReplaceAll(line, r.home, "/home/me"), r.host))
		}
		r.ended = err != nil
		close(r.more)
		r.more = make(chan struct{})
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (r *readmeTerminal) mark() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.lines)
}

func (r *readmeTerminal) send(command string) {
	if _, err := io.WriteString(r.tty, command+"\n"); err != nil {
		r.t.Fatal(err)
	}
}

// idle waits until the shell reads again.
func (r *readmeTerminal) idle() {
	r.idles++
	word := "idle" + strings.Repeat("i", r.idles)
	at := r.mark()
	r.send("echo " + word[:2] + "''" + word[2:])
	r.await(word, at)
}

// isLine says whether a line is the one wanted, in which "..." is anything.
func isLine(want, line string) bool {
	first, rest, open := strings.Cut(want, "...")
	if !open {
		return line == want
	}
	line, ok := strings.CutPrefix(line, first)
	for ok && open {
		if first, rest, open = strings.Cut(rest, "..."); !open {
			return strings.HasSuffix(line, first)
		}
		_, line, ok = strings.Cut(line, first)
	}
	return ok
}

// await waits for a line after the one numbered from, and gives its number.
func (r *readmeTerminal) await(want string, from int) int {
	r.t.Helper()
	deadline := time.After(readmeDeadline)
	for {
		r.mu.Lock()
		for i := from; i < len(r.lines); i++ {
			if isLine(want, r.lines[i]) {
				r.mu.Unlock()
				return i
			}
		}
		more, ended := r.more, r.ended
		r.mu.Unlock()
		err := errors.New("it did not come in time")
		if !ended {
			select {
			case <-more:
				continue
			case <-deadline:
			}
		} else {
			err = io.EOF
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.t.Fatalf("terminal %q: waiting for %q: %v; since then:\n%s", r.name, want, err, strings.Join(r.lines[min(from, len(r.lines)):], "\n"))
	}
}
