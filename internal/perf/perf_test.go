package perf

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A row that nobody measures is a promise that nobody keeps.
func TestEveryRowIsMeasured(t *testing.T) {
	rows, err := Rows()
	if err != nil {
		t.Fatal(err)
	}
	tests := allTests(t)
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.Name] {
			t.Errorf("%s stands there twice", r.Name)
		}
		seen[r.Name] = true
		if !strings.Contains(tests, `"`+r.Name+`"`) {
			t.Errorf("no test measures %s", r.Name)
		}
	}
	if len(rows) < 50 {
		t.Errorf("%d rows were read", len(rows))
	}
}

// allTests is the text of all tests of the module.
func allTests(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "../../internal/perf/") {
			return err
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// recorder takes a test's verdict.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Logf(string, ...any)   {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestMost(t *testing.T) {
	for _, c := range []struct {
		row  string
		got  float64
		fail bool
	}{
		{"node.lone.writes", 1, false},
		{"node.lone.writes", 0, false},
		{"node.lone.writes", 1.01, true},
		{"no.such.row", 0, true},
	} {
		r := &recorder{TB: t}
		Most(r, c.row, c.got)
		if r.failed != c.fail {
			t.Errorf("%s, %v: failed %t", c.row, c.got, r.failed)
		}
	}
}
