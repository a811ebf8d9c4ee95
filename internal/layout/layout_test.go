package layout

import (
	"encoding/json"
	"os/exec"
	"slices"
	"testing"
)

func report(t *testing.T, wrong []string) {
	t.Helper()
	for _, w := range wrong {
		t.Error(w)
	}
}

// S17: each package imports what is drawn, and no module beside.
func TestPackagesKeepThePicture(t *testing.T) {
	all := tree(t)
	if len(all) < 2 {
		t.Fatalf("go list found only %v", all)
	}
	for _, p := range all {
		report(t, check(p))
	}
}

// S1: TestNodeRunsNoCode looks through the libraries too: what node's imports import.
func TestNodeRunsNoCode(t *testing.T) {
	for _, goos := range systems {
		for _, l := range goList(t, goos, "./node/...") {
			path, _ := own(l.ImportPath)
			for _, dep := range goList(t, goos, "-deps", l.ImportPath) {
				report(t, banned(l.ImportPath+" through others", dep.ImportPath, bansFor(path)))
			}
		}
	}
}

func TestTopLevel(t *testing.T) {
	names := topNames(t)
	if !slices.Contains(names, "go.mod") {
		t.Fatalf("the listing %v has no go.mod", names)
	}
	report(t, checkTop(names))
}

// S17: few modules, each pinned and none replaced; no toolchain that has to be
// fetched.
func TestGoMod(t *testing.T) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = root(t)
	var m goMod
	if err := json.Unmarshal([]byte(run(t, cmd)), &m); err != nil {
		t.Fatal(err)
	}
	imports := product(tree(t))
	if len(m.used(imports)) == 0 {
		t.Fatalf("none of the modules %v seen in the imports %v", m.Require, imports)
	}
	report(t, checkMod(m, imports))
}

// TestPictureAgreesWithItself: what places allows is forbidden nowhere, points to
// rows that exist, and never leads back.
func TestPictureAgreesWithItself(t *testing.T) {
	for from, row := range places {
		if slices.Contains(below(from), from) {
			t.Errorf("%s lies below itself", from)
		}
		for _, to := range row.ours {
			if _, ok := places[to]; !ok {
				t.Errorf("%s may import %s, which has no row", from, to)
			}
			if because, ok := forbidden(from, to); ok && !exceptions[from+" -> "+to] {
				t.Errorf("%s -> %s is both allowed and forbidden: %s", from, to, because)
			}
		}
	}
}

// exceptions are the allowed arrows inside a rule that forbids all others.
var exceptions = map[string]bool{
	"cli/liminal -> cli":        true,
	"cli -> tui":                true,
	"cli -> internal/control":   true,
	"cli -> internal/config":    true,
	"cli -> internal/certs":     true,
	"cli -> internal/display":   true,
	"cli -> internal/termguard": true,
	"internal/config -> node":   true,
}
