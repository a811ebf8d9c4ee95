package layout

import (
	"fmt"
	"go/ast"
	"path/filepath"
	"slices"
	"testing"
)

// clocked are the packages whose deadlines nobody who sets the wall clock may
// move.
var clocked = []string{
	"node", "internal/links", "internal/dist", "internal/discovery", "internal/bus", "internal/epmd", "internal/pg", "internal/membership",
}

// wallCalls drop the monotonic reading of a time or give its wall clock: methods
// of time.Time, by how many arguments they take.
var wallCalls = map[string]int{
	"Round": 1, "Truncate": 1, "UTC": 0, "Local": 0, "In": 1, "AddDate": 3, "Unix": 0, "UnixMilli": 0, "UnixMicro": 0, "UnixNano": 0,
}

// wallMakers are functions of package time that make a Time without one.
var wallMakers = []string{"Unix", "UnixMilli", "UnixMicro", "Date", "Parse", "ParseInLocation"}

// wallUses are the calls that are meant: times for people, and for the wire.
var wallUses = map[string]string{
	"subscribe.go:UnixMicro": "when a message was published, as its publisher said",
	"receive.go:UnixMicro":   "the same, of one that did not say",
	"publish.go:UnixMicro":   "when we publish",
	"client.go:Unix":         "a deadline that is over ends a call",
	"check_tls.go:UTC":       "the end of a certificate, as text",
	"health.go:UTC":          "the same",
	"tls.go:UTC":             "its beginning, as text",
	"journal.go:Local":       "the groups of this node: no time at all",
}

// F11: deadlines go by the monotonic clock: nothing in the node takes that reading
// away from a time, but where the time is for people.
func TestDeadlinesAreMonotonic(t *testing.T) {
	seen := map[string]bool{}
	for _, dir := range clocked {
		files, err := filepath.Glob(filepath.Join(root(t), dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", dir, files, err)
		}
		for _, path := range files {
			if ok, _ := filepath.Match("*_test.go", filepath.Base(path)); ok {
				continue
			}
			for _, call := range parse(t, path).walls() {
				use := filepath.Base(path) + ":" + call.name
				if seen[use] = true; wallUses[use] == "" {
					t.Errorf("%s/%s calls %s: a deadline must not follow the wall clock; if it is for people, say so in wallUses", dir, call.at, call.name)
				}
			}
		}
	}
	if !seen["publish.go:UnixMicro"] {
		t.Error("not even the known calls are found")
	}
}

type wallCall struct{ name, at string }

// walls lists the calls of a file that are in wallCalls or wallMakers.
func (s source) walls() (list []wallCall) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok && isWall(sel, len(call.Args)) {
			pos := s.set.Position(call.Pos())
			list = append(list, wallCall{sel.Sel.Name, fmt.Sprintf("%s:%d", filepath.Base(pos.Filename), pos.Line)})
		}
		return true
	})
	return list
}

// isWall goes by names alone: a method of another type that is called the same
// has its place in wallUses.
func isWall(sel *ast.SelectorExpr, args int) bool {
	if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
		return slices.Contains(wallMakers, sel.Sel.Name)
	}
	takes, known := wallCalls[sel.Sel.Name]
	return known && takes == args
}
