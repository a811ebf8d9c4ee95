package layout

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// secretTypes are those of values whose comparison must take the same time
// whatever they are, as the type checker writes them. An array of digestSize bytes
// is a digest wherever package dist has one.
var secretTypes = []string{
	modPath + "/internal/dist.Cookie",
	modPath + "/internal/dist.Proof",
	"[16]byte",
	"[32]byte",
}

// comparers are the functions that stop at the first difference.
var comparers = []string{"bytes.Equal", "bytes.Compare", "bytes.EqualFold", "reflect.DeepEqual", "slices.Equal", "slices.Compare",
	"slices.Contains", "slices.Index", "strings.EqualFold", "strings.Compare", "maps.Equal"}

// provers are the packages that handle cookies, digests and proofs.
var provers = []string{"internal/dist", "internal/links", "node"}

// S10: no digest, no proof and no cookie is compared but in constant time. Types
// decide, not names, so that none is missed under another name.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	touch(t)
	for _, path := range provers {
		l := goList(t, "", "./"+path)[0]
		var files []string
		for _, name := range l.GoFiles {
			files = append(files, filepath.Join(l.Dir, name))
		}
		report(t, comparedInTheOpen(checked(t, l.ImportPath, files)))
	}
	constant := 0
	for _, l := range goList(t, "", "./internal/dist") {
		for _, name := range l.GoFiles {
			constant += strings.Count(read(t, filepath.Join(l.Dir, name)), "subtle.ConstantTimeCompare(")
		}
	}
	if constant < 4 {
		t.Errorf("package dist compares in constant time %d times, and it has to: a digest, those of several cookies, cookies and proofs", constant)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// typedFiles is a package with its types.
type typedFiles struct {
	set   *token.FileSet
	files []*ast.File
	info  *types.Info
}

// checked type-checks files. What they import comes from the build cache.
func checked(t *testing.T, path string, files []string) typedFiles {
	t.Helper()
	c := typedFiles{set: token.NewFileSet(), info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}}
	for _, name := range files {
		f, err := parser.ParseFile(c.set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		c.files = append(c.files, f)
	}
	exports := exportData(t, c.files)
	conf := types.Config{Importer: importer.ForCompiler(c.set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
	if _, err := conf.Check(path, c.set, c.files, c.info); err != nil {
		t.Fatal(err)
	}
	return c
}

// exportData gives the file of types of each package that the files need.
func exportData(t *testing.T, files []*ast.File) map[string]string {
	t.Helper()
	args := []string{"-deps", "-export"}
	for _, f := range files {
		args = append(args, source{file: f}.imports()...)
	}
	exports := map[string]string{}
	for _, l := range goList(t, "", unique(args)...) {
		exports[l.ImportPath] = l.Export
	}
	return exports
}

// comparedInTheOpen finds comparisons of secrets.
func comparedInTheOpen(c typedFiles) (wrong []string) {
	at := func(n ast.Node, what string) {
		wrong = append(wrong, c.set.Position(n.Pos()).String()+": "+what+" compares a secret: use subtle.ConstantTimeCompare, or what it takes tells how much of a guess was right")
	}
	for _, f := range c.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				withNil := c.info.Types[n.X].IsNil() || c.info.Types[n.Y].IsNil()
				if (n.Op == token.EQL || n.Op == token.NEQ) && !withNil && (c.secret(n.X) || c.secret(n.Y)) {
					at(n, n.Op.String())
				}
			case *ast.CallExpr:
				if name := c.callee(n); slices.Contains(comparers, name) && slices.ContainsFunc(n.Args, c.secret) {
					at(n, name)
				}
			case *ast.SwitchStmt:
				if n.Tag != nil && c.secret(n.Tag) {
					at(n, "switch")
				}
			}
			return true
		})
	}
	return wrong
}

// secret says whether an expression is, or is made of, a secret: one of
// secretTypes, a slice of it, or what reveal gives.
func (c typedFiles) secret(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "reveal" {
				found = true
			}
			return found || c.madeOf(n)
		case ast.Expr:
			found = found || c.isSecret(n)
		}
		return !found
	})
	return found
}

// madeOf says whether a call only turns its argument into another type; what a
// function makes of a secret, its length say, is none.
func (c typedFiles) madeOf(call *ast.CallExpr) bool { return c.info.Types[call.Fun].IsType() }

func (c typedFiles) isSecret(e ast.Expr) bool {
	tv, ok := c.info.Types[e]
	if !ok || !tv.IsValue() {
		return false
	}
	name := types.TypeString(tv.Type, nil)
	return slices.ContainsFunc(secretTypes, func(s string) bool {
		return strings.TrimLeft(name, "*[]") == strings.TrimLeft(s, "*[]") && strings.HasSuffix(name, s)
	})
}

// callee is PACKAGE.NAME of a function that is called, "" for others.
func (c typedFiles) callee(call *ast.CallExpr) string {
	fun := call.Fun
	if index, ok := fun.(*ast.IndexExpr); ok {
		fun = index.X
	}
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if f, ok := c.info.Uses[sel.Sel].(*types.Func); ok && f.Pkg() != nil {
		return f.Pkg().Path() + "." + f.Name()
	}
	return ""
}

// TestSecretRules shows that each way of comparing in the open is found.
func TestSecretRules(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"constant time":  {`return subtle.ConstantTimeCompare(a[:], b[:]) == 1`, ""},
		"lengths":        {`return len(a) == len(b)`, ""},
		"whether any":    {`return []*[16]byte{&a}[0] != nil`, ""},
		"other bytes":    {`return string(plain) == "x" || bytes.Equal(plain, plain)`, ""},
		"==":             {`return a == b`, "=="},
		"!=":             {`return a != b`, "!="},
		"as text":        {`return string(a[:]) == string(b[:])`, "=="},
		"bytes.Equal":    {`return bytes.Equal(a[:], plain)`, "bytes.Equal"},
		"slices.Equal":   {`return slices.Equal(a[:], b[:])`, "slices.Equal"},
		"through fields": {`return struct{ d [16]byte }{a}.d == b`, "=="},
		"switch":         {`switch a { case b: return true }; return false`, "switch"},
		"revealed":       {`return c.reveal() == "x"`, "=="},
		"in a list":      {`return slices.Contains([][16]byte{a}, b)`, "slices.Contains"},
	} {
		file := filepath.Join(t.TempDir(), "p.go")
		text := "package p\nimport (\"bytes\"; \"crypto/subtle\"; \"slices\")\ntype cookie struct{}\nfunc (cookie) reveal() string { return \"\" }\n" +
			"var _, _, _ = bytes.Equal, subtle.ConstantTimeCompare, slices.Equal[[]int]\nfunc f(a, b [16]byte, plain []byte, c cookie) bool {\n" + c.body + "\n}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		want := ""
		if c.want != "" {
			want = ": " + c.want + " compares a secret"
		}
		expect(t, name, comparedInTheOpen(checked(t, "p", []string{file})), want)
	}
}
