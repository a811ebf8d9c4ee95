package museum

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// defect is one row.
type defect struct {
	name     string // the rule that is gone
	file     string
	old, new string
	in       string // the directory of the tests, if not that of the file
	tests    []string
	goos     string // where the file is built, if not everywhere
}

func (d defect) dir() string {
	if d.in != "" {
		return d.in
	}
	return path.Dir(d.file)
}

// plant changes the text of the file.
func (d defect) plant(text string) (string, error) {
	if n := strings.Count(text, d.old); n != 1 || d.old == d.new {
		return "", fmt.Errorf("%s: %s has the old text %d times, want once and another new one:\n%s", d.name, d.file, n, d.old)
	}
	return strings.Replace(text, d.old, d.new, 1), nil
}

// exhibits is the whole table; each part stands in a file of its own.
func exhibits() []defect {
	return slices.Concat(inDist, inSecure, inLinks, inMembership, inPG, inBus, inETF, inNode, inControl, inConfig, inCLI)
}

// least is how many there have to be.
const least = 25

// TestExhibits looks after the table, without building anything.
func TestExhibits(t *testing.T) {
	rows, names, there := exhibits(), map[string]bool{}, map[string][]string{}
	if len(rows) < least {
		t.Errorf("%d defects, want %d", len(rows), least)
	}
	for _, d := range rows {
		if names[d.name] {
			t.Errorf("two defects are called %q", d.name)
		}
		names[d.name] = true
		if there[d.dir()] == nil {
			there[d.dir()] = testsIn(t, filepath.Join(root(t), d.dir()))
		}
		d.check(t, there[d.dir()])
	}
}

// check holds a row against the file and against the tests there are.
func (d defect) check(t *testing.T, there []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root(t), d.file))
	if err != nil {
		t.Errorf("%s: %v", d.name, err)
		return
	}
	changed, err := d.plant(string(data))
	if err == nil {
		_, err = parser.ParseFile(token.NewFileSet(), d.file, changed, 0)
	}
	if err != nil {
		t.Error(err)
	}
	for _, name := range d.tests {
		if !slices.Contains(there, name) {
			t.Errorf("%s: %s has no %s", d.name, d.dir(), name)
		}
	}
	if len(d.tests) == 0 {
		t.Errorf("%s: no test is named", d.name)
	}
}

// testsIn lists the tests and fuzz targets of a directory.
func testsIn(t *testing.T, dir string) (names []string) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil {
				names = append(names, fn.Name.Name)
			}
		}
	}
	return names
}

func TestPlant(t *testing.T) {
	for _, tc := range []struct{ text, old, new, want string }{
		{"a b c", "b", "d", "a d c"},
		{"a b b", "b", "d", ""},
		{"a c", "b", "d", ""},
		{"a b", "b", "b", ""},
	} {
		got, err := defect{old: tc.old, new: tc.new}.plant(tc.text)
		if got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%q: %q, %v; want %q", tc.text, got, err, tc.want)
		}
	}
}
