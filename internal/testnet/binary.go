package testnet

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// EnvLong names the variable that asks for the full sizes.
const EnvLong = "LIMINAL_TEST_LONG"

// Long reports whether the full sizes are asked for.
func Long() bool { return os.Getenv(EnvLong) == "1" }

// Runs is how often a fault is tried: a few times, or as often as was promised.
func Runs(few, promised int) int {
	if Long() {
		return promised
	}
	return few
}

var built struct {
	once sync.Once
	dir  string
	err  error
}

// Binary gives the path of the command, built on first use.
func Binary(t testing.TB) string {
	t.Helper()
	built.once.Do(build)
	if built.err != nil {
		t.Fatalf("testnet: %v", built.err)
	}
	return filepath.Join(built.dir, "liminal")
}

func build() {
	if built.dir, built.err = os.MkdirTemp("", "limbin"); built.err != nil {
		return
	}
	args := []string{"build", "-buildvcs=false", "-o", filepath.Join(built.dir, "liminal")}
	if raceEnabled { // the processes look for races too, and exit with 66 if they find one
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "github.com/liminal-bus/liminal/cli/liminal")...).CombinedOutput()
	if err != nil {
		built.err = fmt.Errorf("build the command: %w: %s", err, out)
	}
}

// RemoveBinary is for the end of TestMain.
func RemoveBinary() {
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
}
