package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// tryArgs are the functions that take advice, and which argument it is.
var tryArgs = map[string]int{"fail": 3, "ioError": 2, "refuse": 0, "refuseMode": 1, "refuseCookie": 2}

// advice is a try as it stands in the source. What is only known when it runs is
// a word of its own, X.
type advice struct{ where, text string }

// adviceIn finds the advice of every error that a directory's sources make: the
// arguments of the functions above, and each field and variable that is called
// Try or try.
func adviceIn(t *testing.T, dir string) []advice {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var all []advice
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(fset, path, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		add := func(e ast.Expr) {
			if text := literal(e); strings.Trim(text, "X ") != "" {
				all = append(all, advice{fset.Position(e.Pos()).String(), text})
			}
		}
		ast.Inspect(file, func(n ast.Node) bool { adviceOf(n, add); return true })
	}
	return all
}

func adviceOf(n ast.Node, add func(ast.Expr)) {
	switch n := n.(type) {
	case *ast.CallExpr:
		name, _ := n.Fun.(*ast.Ident)
		if name == nil {
			return
		}
		if i, ok := tryArgs[name.Name]; ok && i < len(n.Args) {
			add(n.Args[i])
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Try" {
			add(n.Value)
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if isTry(left) && len(n.Rhs) == len(n.Lhs) {
				add(n.Rhs[i])
			}
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if name.Name == "try" && i < len(n.Values) {
				add(n.Values[i])
			}
		}
	}
}

func isTry(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "try"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Try"
	}
	return false
}

var verbs = regexp.MustCompile(`%[a-z]`)

// literal is the text of an expression, X where it has none.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			return text
		}
	case *ast.BinaryExpr:
		return literal(e.X) + literal(e.Y)
	case *ast.ParenExpr:
		return literal(e.X)
	case *ast.CallExpr: // fmt.Sprintf
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return verbs.ReplaceAllString(literal(e.Args[0]), "X")
		}
	}
	return "X"
}

// flagWord finds a flag, wherever advice speaks of one. Other programs are never
// advised with any of this form.
var flagWord = regexp.MustCompile(`(--[a-z][a-z-]*)`)

// TestAdviceInSource: no error of any package advises a command or a flag that
// does not exist. TestTroubles does what it can of it.
func TestAdviceInSource(t *testing.T) {
	a := testApp(t)
	commands := 0
	for _, dir := range []string{".", "../internal/config", "../internal/control"} {
		for _, adv := range adviceIn(t, dir) {
			text := strings.ReplaceAll(adv.text, "$(hostname -f)", "db1.example.net")
			for _, m := range commandIn.FindAllStringSubmatch(text, -1) {
				words := strings.Fields(m[1])
				if len(words) == 0 || strings.HasPrefix(words[0], "X") {
					continue // the command is known when it runs
				}
				commands++
				if l, err := a.grammar.arrange(words); err != nil || l.leaf() == nil {
					t.Errorf("%s: %q cannot be typed: %v", adv.where, m[0], err)
				}
			}
			for _, m := range flagWord.FindAllStringSubmatch(text, -1) {
				if name := strings.TrimLeft(m[1], "-"); !a.hasFlag(name) {
					t.Errorf("%s: %q speaks of %s, which is no flag", adv.where, text, m[1])
				}
			}
		}
	}
	if commands < 40 {
		t.Errorf("only %d commands were found", commands)
	}
}

func (a *app) hasFlag(name string) bool {
	_, ok := a.grammar.value[name]
	return ok || name == "help" || name == "h"
}
