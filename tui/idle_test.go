package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/liminal-bus/liminal/internal/control"
)

// The environment of the child that runs the screen, and how long it measures.
const (
	screenSocket = "LIMINAL_TEST_SCREEN"
	screenSpan   = "LIMINAL_TEST_SCREEN_SECONDS"
	screenWarmup = 5 * time.Second // for the first lists and all that is done once
)

// Goals with 5,000 peers, while nobody touches a key.
const (
	idleCPU   = 0.01    // of one core
	idleBytes = 2 << 10 // a second to the terminal
)

// runScreen is the child: the screen on the terminal it was given. It says on
// standard error what it cost, once warm.
func runScreen(socket string) error {
	secs, err := strconv.Atoi(os.Getenv(screenSpan))
	if err != nil {
		return err
	}
	over := errors.New("over")
	ctx, stop := context.WithCancelCause(context.Background())
	go func() {
		if !passes(ctx, screenWarmup) {
			return
		}
		before := cpuTime()
		fmt.Fprintln(os.Stderr, "warm")
		if passes(ctx, time.Duration(secs)*time.Second) {
			fmt.Fprintln(os.Stderr, (cpuTime() - before).Microseconds())
			stop(over)
		}
	}()
	err = Run(ctx, Options{Source: &control.Client{Socket: socket}, Node: "a@dev", In: os.Stdin, Out: os.Stdout, Colour: true})
	stop(err)
	if errors.Is(err, over) {
		return nil
	}
	return fmt.Errorf("ended too soon: %w", err)
}

// passes waits, and reports whether all of d has passed before ctx ended.
func passes(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestIdleCost runs the real screen on a terminal before a node of few and of
// many peers whose round trip times move, with events and with none. It takes
// more than a minute, so it has to be asked for.
func TestIdleCost(t *testing.T) {
	secs, err := strconv.Atoi(os.Getenv("LIMINAL_TEST_IDLE"))
	if err != nil {
		t.Skip("SKIPPED: the idle cost of the screen is measured with LIMINAL_TEST_IDLE=20 (seconds)")
	}
	for _, tc := range []struct {
		peers int
		every time.Duration // between events; 0: none
	}{{20, 0}, {5000, 0}, {5000, 2 * time.Second}} {
		cpu, bytes := idleCost(t, tc.peers, secs, tc.every)
		t.Logf("%d peers, an event every %v: %.2f %% of a core, %.0f bytes/s", tc.peers, tc.every, cpu*100, bytes)
		limit := idleCPU
		if tc.every > 0 { // not idle: each event is a frame
			limit *= 2
		}
		if cpu > limit {
			t.Errorf("%d peers, an event every %v: %.2f %% of a core, want at most %.0f %%", tc.peers, tc.every, cpu*100, limit*100)
		}
		if tc.every == 0 && bytes > idleBytes { // each event moves the whole event list
			t.Errorf("%d peers: %.0f bytes/s to the terminal, want at most %d", tc.peers, bytes, idleBytes)
		}
	}
}

// idleCost gives the part of a core and the bytes a second that the screen takes.
func idleCost(t *testing.T, peers, secs int, every time.Duration) (cpu, rate float64) {
	t.Helper()
	s := newSim(peers, time.Now)
	s.quiet = every == 0
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), screenSocket+"="+s.serve(t), screenSpan+"="+strconv.Itoa(secs), "TERM=xterm-256color")
	report, err := os.CreateTemp(t.TempDir(), "report")
	if err != nil {
		t.Fatal(err)
	}
	defer report.Close()
	cmd.Stderr = report
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	var got atomic.Int64
	done := make(chan error, 1)
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := tty.Read(buf)
			got.Add(int64(n))
			if err != nil { // the child is gone
				done <- cmd.Wait()
				return
			}
		}
	}()
	return s.attend(t, report.Name(), done, &got, every, secs)
}

// attend has things happen until the child has gone, and reads its report.
func (s *sim) attend(t *testing.T, report string, done <-chan error, got *atomic.Int64, every time.Duration, secs int) (cpu, rate float64) {
	t.Helper()
	ticker := time.NewTicker(max(every, 50*time.Millisecond))
	defer ticker.Stop()
	limit := time.After(screenWarmup + time.Duration(secs+30)*time.Second)
	warm := int64(-1)
	for {
		select {
		case <-limit:
			t.Fatal("the screen did not end")
		case <-ticker.C:
			if every > 0 {
				s.happen()
			}
			if text, _ := os.ReadFile(report); warm < 0 && strings.HasPrefix(string(text), "warm") {
				warm = got.Load()
			}
		case err := <-done:
			text, _ := os.ReadFile(report)
			var us int64
			if _, scan := fmt.Sscanf(string(text), "warm\n%d", &us); err != nil || scan != nil {
				t.Fatalf("%v: %s", err, text)
			}
			return float64(us) / 1e6 / float64(secs), float64(got.Load()-warm) / float64(secs)
		}
	}
}
