package cli

import (
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestCompleteWithPipe: a file that would never be read to its end is no file of
// settings, to completion as to any other command.
func TestCompleteWithPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	r := runIn(t, testEnv(t), "complete", "--for", "zsh", "--word", "", "--", "peers", "--config", pipe)
	if r.code != 0 || r.stdout[:6] != "words\n" || r.stderr != "" {
		t.Errorf("%+v", r)
	}
	r = runIn(t, testEnv(t), "peers", "--config", pipe)
	want := "liminal: " + pipe + " cannot be read: it is a pipe, socket or device, not a regular file\n"
	if r.code != 78 || len(r.stderr) < len(want) || r.stderr[:len(want)] != want {
		t.Errorf("%+v", r)
	}
}

// TestCompleteLimit: whatever hangs, the shell gets an answer.
func TestCompleteLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, stuck := time.Now(), make(chan struct{})
		found := within(completeLimit, func() completion { <-stuck; return completion{files: true} })
		if found.files || time.Since(began) != completeLimit {
			t.Errorf("%+v after %v", found, time.Since(began))
		}
		close(stuck)
		if !within(completeLimit, func() completion { return completion{files: true} }).files {
			t.Error("nothing was found")
		}
	})
}
