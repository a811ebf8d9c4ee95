package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// S16: TestSpecialFiles: what might never end is not read, and nothing waits for it.
func TestSpecialFiles(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		pipe:                       "cannot be read: it is a pipe, socket or device, not a regular file",
		"/dev/zero":                "cannot be read: it is a pipe, socket or device, not a regular file",
		filepath.Dir(pipe):         "cannot be read: is a directory",
		filepath.Dir(pipe) + "/no": "cannot be read: no such file or directory",
		os.DevNull:                 "", // no file at all
	} {
		w := newWorld(t)
		w.path = path
		_, err := Load(w.options())
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v, want %s", path, err, says)
		}
	}
}

// TestRecordVariables are no settings, and no reason to wonder.
func TestRecordVariables(t *testing.T) {
	w := newWorld(t)
	for _, v := range RecordVariables() {
		w.env[v.Name] = "x"
	}
	w.env["LIMINAL_STATS"] = "x"
	if got := w.load(t).Notes; len(got) != 1 || got[0] != "LIMINAL_STATS is not a variable of liminal" {
		t.Errorf("%q", got)
	}
}
