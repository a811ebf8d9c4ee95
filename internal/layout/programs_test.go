package layout

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// programBans hold for all that we build but for runsPrograms, where --exec of
// sub and watch starts what the operator names.
var programBans = bans("one package alone starts programs, at the operator's wish and never at a peer's", "os/exec", "plugin", "encoding/gob")

var runsPrograms = map[string]bool{"cli": true}

// starters are the functions that start a program without os/exec.
var starters = []string{"os.StartProcess", "syscall.StartProcess", "syscall.ForkExec", "syscall.Exec", "syscall.RawSyscall", "unix.Exec", "unix.RawSyscall"}

// S1: the build gate. Nothing but cli can start a program, by os/exec or past it;
// what a node is made of, libraries included, see TestNodeRunsNoCode.
func TestOneStarterOfPrograms(t *testing.T) {
	all := tree(t)
	for _, p := range all {
		report(t, checkPrograms(p))
	}
	for _, goos := range systems {
		for _, l := range goList(t, goos, "./...") {
			path, _ := own(l.ImportPath)
			if runsPrograms[path] || places[path].testOnly {
				continue
			}
			for _, name := range l.GoFiles {
				report(t, startsPrograms(path, parse(t, filepath.Join(l.Dir, name))))
			}
		}
	}
}

func checkPrograms(p pkg) (wrong []string) {
	if runsPrograms[p.path] || places[p.path].testOnly {
		return nil
	}
	for _, imp := range p.imports {
		wrong = append(wrong, banned(p.path, imp, programBans)...)
	}
	return wrong
}

// startsPrograms looks for calls of starters.
func startsPrograms(path string, s source) (wrong []string) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(starters, x.Name+"."+sel.Sel.Name) {
			pos := s.set.Position(sel.Pos())
			wrong = append(wrong, fmt.Sprintf("%s uses %s.%s at %s:%d: %s", path, x.Name, sel.Sel.Name,
				filepath.Base(pos.Filename), pos.Line, programBans[0].because))
		}
		return true
	})
	return wrong
}

// TestProgramRules shows that each rule can fail.
func TestProgramRules(t *testing.T) {
	expect(t, "cli", checkPrograms(pkg{path: "cli", imports: []string{"os/exec"}}), "")
	expect(t, "the harness", checkPrograms(pkg{path: "internal/otptest", imports: []string{"os/exec"}}), "")
	expect(t, "the screen", checkPrograms(pkg{path: "tui", imports: []string{"os/exec"}}), "one package alone")
	expect(t, "control", checkPrograms(pkg{path: "internal/control", imports: []string{"plugin"}}), "one package alone")
	dir := t.TempDir()
	for name, c := range map[string]struct{ body, want string }{
		"plain":  {"package p\nimport \"os\"\nvar _ = os.Getpid()\n", ""},
		"starts": {"package p\nimport \"os\"\nvar _, _ = os.StartProcess(\"x\", nil, nil)\n", "os.StartProcess"},
		"forks":  {"package p\nimport \"syscall\"\nvar f = syscall.ForkExec\n", "syscall.ForkExec"},
	} {
		file := filepath.Join(dir, name+".go")
		if err := os.WriteFile(file, []byte(c.body), 0o600); err != nil {
			t.Fatal(err)
		}
		wrong := startsPrograms("p", parse(t, file))
		expect(t, name, wrong, c.want)
		if len(wrong) > 0 && !strings.Contains(wrong[0], name+".go:3") {
			t.Errorf("%s: %q does not say where", name, wrong)
		}
	}
}
