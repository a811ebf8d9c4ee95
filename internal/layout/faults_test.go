package layout

import (
	"fmt"
	"go/ast"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// faults are what the node promises something about; a test of each says so in
// its doc comment, by the number and a colon.
var faults = []string{
	"F1: a peer is killed", "F2: a peer is stopped", "F3: the power of a peer fails", "F4: a silent partition",
	"F5: one direction is dead", "F6: loss, delay and reorder", "F7: flaps faster than the poll", "F8: restarts",
	"F9: two nodes of one name", "F10: our own address among the seeds", "F11: the wall clock jumps",
	"F12: descriptors run out", "F13: the log takes nothing", "F14: a slow consumer", "F15: a subscriber dies mid-send",
	"F16: seeds are down", "F17: both dial at once", "F18: 200 join at once", "F19: bursts larger than buffers",
	"F20: a control client dies mid-stream", "F21: a peer restarts its scope", "F22: our own end",
}

var faultNumber = regexp.MustCompile(`\bF[0-9]+:`)

// TestFaultsHaveTests prints, with -v, the tests of each fault.
func TestFaultsHaveTests(t *testing.T) {
	tests := map[string][]string{}
	for _, path := range testFiles(t) {
		for _, d := range parse(t, path).file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(f.Name.Name, "Test") {
				continue
			}
			rel, _ := filepath.Rel(root(t), filepath.Dir(path))
			for _, number := range faultNumber.FindAllString(f.Doc.Text(), -1) {
				tests[number] = append(tests[number], fmt.Sprintf("%s.%s", filepath.ToSlash(rel), f.Name.Name))
			}
		}
	}
	for _, fault := range faults {
		number, _, _ := strings.Cut(fault, " ")
		t.Logf("%s: %s", fault, strings.Join(unique(tests[number]), ", "))
		if len(tests[number]) == 0 {
			t.Errorf("no test says that it is of %s", fault)
		}
		delete(tests, number)
	}
	for number, names := range tests {
		t.Errorf("%s is no fault we know: %v", number, names)
	}
}

// testFiles lists the files of tests of the whole repository.
func testFiles(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(root(t), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil || !slices.ContainsFunc(files, func(p string) bool { return strings.HasSuffix(p, "faults_test.go") }) {
		t.Fatalf("%d test files, %v", len(files), err)
	}
	return files
}
