package museum

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// env makes TestMuseum run: 1 for all rows, or a regular expression that finds
// something in the name or the file of those that are wanted.
const env = "LIMINAL_TEST_MUSEUM"

// The time for one build, and for the tests of one row.
const (
	buildTime = 5 * time.Minute
	runTime   = time.Minute
)

// workers is how many rows are tried at a time: tests that measure time would
// disturb each other if there were more than processors.
func workers() int { return max(1, min(4, runtime.GOMAXPROCS(0))) }

// TestMuseum: each defect is caught. First it is shown that one that is not would be
// told.
func TestMuseum(t *testing.T) {
	rows := wanted(t)
	t.Run("the judge", judgeRealRuns)
	for dir, tests := range byPackage(rows) {
		t.Run("as it is/"+dir, func(t *testing.T) {
			if got := try(t, dir, tests, nil); got.verdict != unnoticed {
				t.Fatalf("%v fail as the tree is: %s\n%s", tests, got.verdict, got.out)
			}
		})
	}
	if t.Failed() {
		return // what fails anyway catches nothing
	}
	room := make(chan struct{}, workers())
	var hunted sync.WaitGroup
	for _, d := range rows {
		hunted.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			d.hunt(t)
		})
	}
	hunted.Wait()
}

// wanted are the rows of this run, or the test is skipped.
func wanted(t *testing.T) []defect {
	t.Helper()
	word := os.Getenv(env)
	if word == "" {
		t.Skipf("%s=1 plants %d defects, in minutes (just museum)", env, len(exhibits()))
	}
	find, err := regexp.Compile(word)
	if err != nil {
		t.Fatalf("%s: %v", env, err)
	}
	rows := slices.DeleteFunc(exhibits(), func(d defect) bool {
		return word != "1" && !find.MatchString(d.name+" "+d.file) || d.goos != "" && d.goos != runtime.GOOS
	})
	if len(rows) == 0 {
		t.Fatalf("no defect has %q in its name or file", word)
	}
	return rows
}

// byPackage lists the tests of each directory.
func byPackage(rows []defect) map[string][]string {
	all := map[string][]string{}
	for _, d := range rows {
		all[d.dir()] = append(all[d.dir()], d.tests...)
	}
	for dir, tests := range all {
		slices.Sort(tests)
		all[dir] = slices.Compact(tests)
	}
	return all
}

// hunt plants the defect and says whether it was caught.
func (d defect) hunt(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root(t), d.file))
	if err != nil {
		t.Error(err)
		return
	}
	changed, err := d.plant(string(data))
	if err != nil {
		t.Error(err)
		return
	}
	begin := time.Now()
	got := try(t, d.dir(), d.tests, map[string]string{d.file: changed})
	if got.verdict != caught {
		t.Errorf("%s (%s): %s by %v of %s\n%s", d.name, d.file, got.verdict, d.tests, d.dir(), tail(got.out))
		return
	}
	t.Logf("caught in %4.1fs: %s (%s): %s", time.Since(begin).Seconds(), d.name, d.file, strings.Join(got.failed, ", "))
}

// try runs tests of one directory with some files changed. A build of its own
// goes before, so that what does not compile is no failed test.
func try(t *testing.T, dir string, tests []string, changed map[string]string) result {
	work, err := os.MkdirTemp(t.TempDir(), "museum")
	if err != nil {
		t.Error(err)
		return result{verdict: broken}
	}
	defer os.RemoveAll(work) // all binaries together would be gigabytes
	binary := filepath.Join(work, "test")
	args := []string{"test", "-c", "-ldflags=-s -w", "-o", binary}
	if changed != nil {
		args = append(args, "-overlay", overlay(t, work, changed))
	}
	if out, err := command(t, buildTime, root(t), "go", append(args, "./"+dir)...); err != nil {
		return result{verdict: broken, out: out}
	}
	pattern := "^(" + strings.Join(tests, "|") + ")$"
	run := []string{"-test.run=" + pattern, "-test.v", "-test.timeout=" + runTime.String()}
	if usesRapid(t, filepath.Join(root(t), dir)) {
		run = append(run, "-rapid.nofailfile") // what it found would be left in the tree
	}
	out, err := command(t, runTime+10*time.Second, filepath.Join(root(t), dir), binary, run...)
	return judge(out, err, tests)
}

// usesRapid says whether the tests of a directory know rapid's flags.
func usesRapid(t *testing.T, dir string) bool {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Error(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		return err == nil && slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"pgregory.net/rapid"` })
	})
}

// overlay writes the changed files and what the go command is told of them.
func overlay(t *testing.T, work string, changed map[string]string) string {
	replace := map[string]string{}
	for file, text := range changed {
		to := filepath.Join(work, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Error(err)
		}
		replace[filepath.Join(root(t), file)] = to
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Error(err)
	}
	path := filepath.Join(work, "overlay.json")
	if err := os.WriteFile(path, list, 0o600); err != nil {
		t.Error(err)
	}
	return path
}

// command runs a program to its end, and gives what it wrote.
func command(t *testing.T, limit time.Duration, dir, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, errors.New("it was killed"))
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.WaitDelay = dir, 5*time.Second
	cmd.Env = append(os.Environ(), env+"=", "LIMINAL_TEST_LONG=", "PWD="+dir)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return string(out), err
}

// tail is what can be read of a long output.
func tail(out string) string { return out[max(0, len(out)-4000):] }

// root is the directory of go.mod, two levels up.
func root(t *testing.T) string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Error(err)
	}
	return dir
}
