package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/termguard"
	"github.com/liminal-bus/liminal/tui"
)

// tty is a terminal whose screen a test reads and on whose keys it types. The
// test holds its far end too, so that its state can be asked for at any time.
type tty struct {
	t         *testing.T
	near, far *os.File
	before    *unix.Termios
	gone      chan struct{} // closed when nothing more is read

	mu   sync.Mutex
	said bytes.Buffer
	more chan struct{} // closed and replaced with each piece
}

const ttyLimit = 20 * time.Second // of each wait

func newTTY(t *testing.T) *tty {
	t.Helper()
	near, far, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	y := &tty{t: t, near: near, far: far, gone: make(chan struct{}), more: make(chan struct{})}
	if err := pty.Setsize(near, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	y.before = y.state()
	go y.read()
	t.Cleanup(func() {
		far.Close()
		near.Close()
		if !comesWithin(ttyLimit, y.gone) {
			t.Error("the terminal's reader does not end")
		}
	})
	return y
}

func (y *tty) read() {
	defer close(y.gone)
	part := make([]byte, 4096)
	for {
		n, err := y.near.Read(part)
		y.mu.Lock()
		y.said.Write(part[:n])
		close(y.more)
		y.more = make(chan struct{})
		y.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (y *tty) state() *unix.Termios {
	y.t.Helper()
	s, err := unix.IoctlGetTermios(int(y.far.Fd()), getTermios)
	if err != nil {
		y.t.Fatal(err)
	}
	return s
}

func (y *tty) all() (string, <-chan struct{}) {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.said.String(), y.more
}

// shows waits until want is on the terminal for the n-th time.
func (y *tty) shows(want string, n int) {
	y.t.Helper()
	late := time.NewTimer(ttyLimit)
	defer late.Stop()
	for {
		all, more := y.all()
		if strings.Count(all, want) >= n {
			return
		}
		select {
		case <-more:
		case <-late.C:
			y.t.Fatalf("no %q; it shows %q", want, all[max(len(all)-2000, 0):])
		}
	}
}

func (y *tty) types(keys string) {
	y.t.Helper()
	if _, err := y.near.WriteString(keys); err != nil {
		y.t.Fatal(err)
	}
}

// restored checks that the terminal is as it was: its state, the usual screen,
// a cursor, pasted text as if typed.
func (y *tty) restored() {
	y.t.Helper()
	if after := y.state(); !reflect.DeepEqual(after, y.before) {
		y.t.Errorf("the terminal's state is %+v, was %+v", after, y.before)
	}
	y.shows("\x1b[?1049l", 1) // what was written last may not have been read yet
	all, _ := y.all()
	for on, off := range map[string]string{"\x1b[?1049h": "\x1b[?1049l", "\x1b[?25l": "\x1b[?25h", "\x1b[?2004h": "\x1b[?2004l"} {
		if from, to := strings.LastIndex(all, on), strings.LastIndex(all, off); from < 0 || to < from {
			y.t.Errorf("%q is at %d, %q at %d: %q", on, from, off, to, all)
		}
	}
}

// run starts a command as the leader of a session on the terminal.
func (y *tty) run(env Env, name string, args ...string) *exec.Cmd {
	y.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(append(os.Environ(), "TERM=xterm-256color", "NO_COLOR=", "LIMINAL_COLOR="), env.Environ()...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = y.far, y.far, y.far
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		y.t.Fatal(err)
	}
	y.t.Cleanup(func() { // before those of newTTY
		_ = cmd.Process.Kill() // the leader's end hangs up the others
		_ = cmd.Wait()
	})
	return cmd
}

// ends waits for the command and gives its status.
func (y *tty) ends(cmd *exec.Cmd) int {
	y.t.Helper()
	late := time.AfterFunc(ttyLimit, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	_ = cmd.Wait() // its status is below
	if !late.Stop() {
		all, _ := y.all()
		y.t.Fatalf("it does not end; it shows %q", all)
	}
	return cmd.ProcessState.ExitCode()
}

// TestScreenLeavesTheTerminal: however the screen ends, the terminal is as it was.
func TestScreenLeavesTheTerminal(t *testing.T) {
	signal := func(all ...syscall.Signal) func(*tty, *exec.Cmd) {
		return func(y *tty, cmd *exec.Cmd) {
			for _, s := range all {
				_ = cmd.Process.Signal(s) // it may be gone after the first
			}
		}
	}
	keys := func(keys string) func(*tty, *exec.Cmd) { return func(y *tty, _ *exec.Cmd) { y.types(keys) } }
	for _, test := range []struct {
		name    string
		command string
		do      func(y *tty, cmd *exec.Cmd)
		codes   []int
	}{
		{"q", "liminal", keys("q"), []int{0}},
		{"ctrl+c", "liminal", keys("\x03"), []int{0}},
		{"SIGINT", "liminal", signal(syscall.SIGINT), []int{130}},
		{"SIGTERM", "liminal", signal(syscall.SIGTERM), []int{143}},
		{"SIGTERM and SIGHUP at once", "liminal", signal(syscall.SIGTERM, syscall.SIGHUP), []int{143, 129}},
		{"nobody would wake it", "liminal", func(y *tty, _ *exec.Cmd) {
			y.types("\x1a")
			y.shows("no shell to suspend to", 1)
			y.types("q")
		}, []int{0}},
		{"a panic", breaks, keys("2r"), []int{70}},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := busEnv(t, newFakeFeed(happens(aSnapshot(1)...)))
			y := newTTY(t)
			cmd := y.run(env, test.command, "watch")
			y.shows("b@dev", 1)
			test.do(y, cmd)
			code := y.ends(cmd)
			if code != test.codes[0] && code != test.codes[len(test.codes)-1] {
				t.Errorf("exit status %d, want one of %d", code, test.codes)
			}
			y.restored()
		})
	}
}

// TestScreenRepaints: what another program has written over the screen goes with a key.
func TestScreenRepaints(t *testing.T) {
	env := busEnv(t, newFakeFeed(happens(aSnapshot(1)...)))
	y := newTTY(t)
	cmd := y.run(env, "liminal", "watch")
	y.shows("b@dev", 1)
	all, _ := y.all()
	y.types("r")
	y.shows("\x1b[2J", strings.Count(all, "\x1b[2J")+1)
	y.shows("b@dev", strings.Count(all, "b@dev")+1)
	y.types("q")
	y.ends(cmd)
	y.restored()
}

// TestScreenSuspends: a shell gets the terminal as it was, and wakes the screen.
func TestScreenSuspends(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash, whose job control this is about")
	}
	env := busEnv(t, newFakeFeed(happens(aSnapshot(1)...)))
	y := newTTY(t)
	cmd := y.run(env, shell, "--norc", "-mc", "liminal watch; echo out $?; fg >/dev/null; echo over $?")
	y.shows("b@dev", 1)
	y.types("\x1a")
	y.shows("out 148", 1) // 128 and SIGTSTP
	y.shows("\x1b[?1049h", 2)
	y.types("q")
	y.shows("over 0", 1)
	if code := y.ends(cmd); code != 0 {
		t.Errorf("exit status %d", code)
	}
	y.restored()
}

// TestSecondSignalPutsTheTerminalRight, also where the screen does not end.
func TestSecondSignalPutsTheTerminalRight(t *testing.T) {
	y := newTTY(t)
	env := onScreen(busEnv(t, newFakeFeed(happens())), nil)
	shown, stuck := make(chan struct{}), make(chan struct{})
	defer close(stuck)
	env.Screen = func(_ context.Context, o tui.Options) error {
		raw := y.state()
		raw.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
		if err := unix.IoctlSetTermios(int(y.far.Fd()), setTermios, raw); err != nil {
			t.Error(err)
		}
		_, _ = y.far.WriteString("\x1b[?1049h\x1b[?25l\x1b[?2004h")
		close(shown)
		<-stuck
		return nil
	}
	env.Stdin, env.Stdout = y.far, y.far
	interrupted(t, env, shown, "watch")
	y.restored()
}

// TestSecondSignalRemovesTheDemo: its directory goes, also where its screen hangs.
func TestSecondSignalRemovesTheDemo(t *testing.T) {
	shown, stuck := make(chan struct{}), make(chan struct{})
	env := onScreen(testEnv(t), func(context.Context, tui.Options) error {
		close(shown)
		<-stuck
		return nil
	})
	defer close(stuck)
	interrupted(t, env, shown, "demo")
	leftBehind(t, env)
}

// interrupted runs a command that gets two signals once it is shown.
func interrupted(t *testing.T, env Env, shown <-chan struct{}, args ...string) {
	t.Helper()
	signals, code := make(chan os.Signal, 2), make(chan int, 1)
	env.Signals = signals
	go func() { code <- Main(context.Background(), env, args) }()
	if !comesWithin(ttyLimit, shown) {
		t.Fatal("no screen")
	}
	signals <- syscall.SIGTERM
	signals <- syscall.SIGHUP
	select {
	case got := <-code:
		if got != 129 {
			t.Errorf("exit status %d", got)
		}
	case <-time.After(ttyLimit):
		t.Fatal("it does not end")
	}
}

// breaks is the name of a liminal whose screen breaks when it asks for channels.
const breaks = "liminal-breaks"

func breakingProcess() int {
	termguard.Restore() // as Process does
	env := OSEnv(nil)
	env.Screen = func(ctx context.Context, o tui.Options) error {
		o.Source = breakingSource{o.Source}
		return tui.Run(ctx, o)
	}
	return Main(context.Background(), env, os.Args[1:])
}

type breakingSource struct{ tui.Source }

func (breakingSource) Channels(context.Context, []string) (control.Channels, error) {
	panic(errors.New("broken on purpose"))
}
