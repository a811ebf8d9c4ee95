package cli

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/config"
)

// A log that nobody reads holds up nobody, and says afterwards what it lost.
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
