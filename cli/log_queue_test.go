package cli

import (
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/config"
)

// F13: a log that nobody reads holds up nobody, and says afterwards what it lost.
func TestLogNeverWaits(t *testing.T) {
	v, err := config.Load(config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe() // takes nothing until it is read
		l := &logger{}
		l.set(v, false)
		log, lines := l.to(w)
		log.Info("line 0")
		synctest.Wait() // the writer is stuck in it
		for i := range maxLogLines + 5 {
			log.Info(fmt.Sprintf("line %d", i+1))
		}
		text := make(chan string)
		go func() {
			all, _ := io.ReadAll(r)
			text <- string(all)
		}()
		synctest.Wait()
		lines.end()
		w.Close()
		all := <-text
		if got := strings.Count(all, "msg=\"line "); got != maxLogLines+1 || strings.Count(all, "lines_dropped=5\n") != 1 {
			t.Errorf("%d lines, and: %s", got, all[max(0, len(all)-200):])
		}
	})
}

// The end of a node does not wait for the reader of its log either.
func TestLogEndGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		q := newLineQueue(w, func(uint64) {})
		fmt.Fprintln(q, "never read")
		start := time.Now()
		q.end()
		if took := time.Since(start); took != logPatience {
			t.Errorf("it took %v", took)
		}
		r.Close()
	})
}

// fullDisk is a log that cannot be written, until it is not.
type fullDisk struct {
	full bool
	text strings.Builder
}

func (f *fullDisk) Write(p []byte) (int, error) {
	if f.full {
		return 0, syscall.ENOSPC
	}
	return f.text.Write(p)
}

// F13: lines that could not be written are counted, and the log says how many
// they were as soon as it can.
func TestLogOnFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, told := &fullDisk{full: true}, uint64(0)
		q := newLineQueue(w, func(lines uint64) { told += lines })
		for range 3 {
			fmt.Fprintln(q, "lost")
		}
		synctest.Wait()
		if told != 0 {
			t.Errorf("told of %d lines while nobody could read it", told)
		}
		w.full = false
		fmt.Fprintln(q, "kept")
		q.end()
		if told != 3 || w.text.String() != "kept\n" {
			t.Errorf("told of %d lines, and wrote %q", told, w.text.String())
		}
	})
}
