package layout

import (
	"path/filepath"
	"strings"
	"testing"
)

// S17: the check that every commit passes pins the modules, builds twice and
// compares, and looks for known holes in the sources and in the binary; and go
// install needs nothing that is not in go.mod and go.sum.
func TestSupplyIsChecked(t *testing.T) {
	for name, wants := range map[string][]string{
		".ci/run":   {"GOTOOLCHAIN=local", "-mod=readonly", "go mod verify", "go mod tidy -diff", "{ .ci/vuln |", " .ci/repro\n"},
		".ci/vuln":  {"check source ./...", "-mode=binary", "NOT CHECKED", "floor=go1."},
		".ci/repro": {"-trimpath", "GOCACHE=", "cmp "},
		"justfile":  {"go version -m -json"},
	} {
		text := read(t, filepath.Join(root(t), name))
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s does without %q", name, want)
			}
		}
	}
}
