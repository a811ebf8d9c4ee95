package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// systems are the operating systems whose files the rules see.
var systems = []string{"linux", "darwin"}

// listed is what `go list -json` says of a package.
type listed struct {
	ImportPath, Dir, Doc string
	GoFiles              []string
	IgnoredGoFiles       []string // left out by build constraints
	Imports              []string
	TestImports          []string
	XTestImports         []string
	Standard             bool
	Export               string // with -export: the file of its types
}

// goList runs go list in the repository's root for one operating system, "" for
// that of the test. -e: a package that does not compile has a shape all the same.
func goList(t *testing.T, goos string, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e", "-json", "-buildvcs=false"}, args...)...)
	cmd.Dir = root(t)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if goos != "" {
		cmd.Env = append(cmd.Env, "GOOS="+goos)
	}
	dec := json.NewDecoder(strings.NewReader(run(t, cmd)))
	var all []listed
	for {
		var l listed
		err := dec.Decode(&l)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, l)
	}
}

// touch looks at each directory and Go file itself. go test reuses an earlier
// result unless what the test itself looked at has changed, and what go list read
// for it does not count.
func touch(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(root(t), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") && d.Name() != "go.mod":
			return nil
		}
		_, err = os.Stat(path)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // gone since it was listed
		t.Fatal(err)
	}
}

// tree is every package of ours, with the imports of all systems in one.
func tree(t *testing.T) []pkg {
	t.Helper()
	touch(t)
	byPath := map[string]*pkg{}
	for _, goos := range systems {
		for _, l := range goList(t, goos, "./...") {
			path, _ := own(l.ImportPath)
			p := byPath[path]
			if p == nil {
				p = &pkg{path: path}
				byPath[path] = p
			}
			p.add(t, l)
		}
	}
	var all []pkg
	for _, p := range byPath {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b pkg) int { return strings.Compare(a.path, b.path) })
	return all
}

// product gives the imports of what we build: tests and their helpers apart.
func product(all []pkg) []string {
	var list []string
	for _, p := range all {
		if !places[p.path].testOnly {
			list = append(list, p.imports...)
		}
	}
	return unique(list)
}

func (p *pkg) add(t *testing.T, l listed) {
	t.Helper()
	p.imports = append(p.imports, l.Imports...)
	p.testImports = append(p.testImports, slices.Concat(l.TestImports, l.XTestImports)...)
	for _, name := range slices.Concat(l.GoFiles, l.IgnoredGoFiles) {
		f := parse(t, filepath.Join(l.Dir, name))
		p.doc = p.doc || name == "doc.go" && f.file.Doc != nil
		if strings.HasSuffix(name, "_test.go") {
			p.testImports = append(p.testImports, f.imports()...)
			continue
		}
		p.imports = append(p.imports, f.imports()...)
		p.goroutines = append(p.goroutines, f.goroutines()...)
	}
	p.imports, p.testImports, p.goroutines = unique(p.imports), unique(p.testImports), unique(p.goroutines)
}

func unique(list []string) []string { slices.Sort(list); return slices.Compact(list) }

type source struct {
	set  *token.FileSet
	file *ast.File
}

func parse(t *testing.T, path string) source {
	t.Helper()
	s := source{set: token.NewFileSet()}
	var err error
	if s.file, err = parser.ParseFile(s.set, path, nil, parser.ParseComments); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s source) imports() []string {
	var list []string
	for _, i := range s.file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		list = append(list, path)
	}
	return list
}

func (s source) goroutines() []string {
	var at []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		if g, ok := n.(*ast.GoStmt); ok {
			pos := s.set.Position(g.Pos())
			at = append(at, fmt.Sprintf("%s:%d", filepath.Base(pos.Filename), pos.Line))
		}
		return true
	})
	return at
}

// root is the directory of go.mod, two levels up.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// topNames lists the root: what git tracks or would, or, where there is no git to
// ask, all that is there.
func topNames(t *testing.T) []string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root(t), ".git")); err == nil {
		cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
		cmd.Dir = root(t)
		out, err := cmd.Output()
		if err == nil {
			return firstParts(string(out))
		}
		t.Logf("git ls-files: %v; reading the directory instead", err)
	}
	entries, err := os.ReadDir(root(t))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func firstParts(paths string) []string {
	var names []string
	for line := range strings.Lines(paths) {
		name, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "/")
		names = append(names, name)
	}
	return unique(names)
}

func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, &stderr)
	}
	return string(out)
}
