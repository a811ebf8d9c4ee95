package layout

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func ours(path string) string { return modPath + "/" + path }

// TestCheck shows that each rule can fail: imports made up, the reason expected.
func TestCheck(t *testing.T) {
	for _, tc := range []struct {
		name string
		pkg  pkg
		want string // part of the only complaint; "" for none
	}{
		{"as drawn", pkg{path: "cli", imports: []string{"os", ours("node"), ours("tui"), "github.com/urfave/cli/v2"}}, ""},
		{"node builds terms", pkg{path: "node", imports: []string{ours("internal/etf"), ours("internal/dist"), "net", "sync"}}, ""},
		{"guard at its one import", pkg{path: "internal/termguard", imports: []string{"os"}}, ""},
		{"guard with more", pkg{path: "internal/termguard", imports: []string{"strings"}}, "[os] alone"},
		{"not placed", pkg{path: "internal/misc"}, "not in the picture"},
		{"the root", pkg{path: "."}, "not in the picture"},
		{"main past cli", pkg{path: "cli/liminal", imports: []string{ours("node")}}, "main hands over to cli"},
		{"cli into the wire", pkg{path: "cli", imports: []string{ours("internal/dist")}}, "goes through node or the control API"},
		{"screen into node", pkg{path: "tui", imports: []string{ours("node")}}, "can watch any node"},
		{"screen on the net", pkg{path: "tui", imports: []string{"net/http"}}, "the screen is a model"},
		{"node up to control", pkg{path: "node", imports: []string{ours("internal/control")}}, "has no socket"},
		{"node makes certificates", pkg{path: "node", imports: []string{ours("internal/certs")}}, "handed certificates"},
		{"node up to cli", pkg{path: "node", imports: []string{ours("cli")}}, "outermost layer"},
		{"control knows node", pkg{path: "internal/control", imports: []string{ours("node")}}, "API types are a leaf"},
		{"config knows control", pkg{path: "internal/config", imports: []string{ours("internal/control")}}, "before there is a socket"},
		{"links up to node", pkg{path: "internal/links", imports: []string{ours("node")}}, "nothing points up"},
		{"links decides", pkg{path: "internal/links", imports: []string{ours("internal/membership")}}, "decides nothing"},
		{"dist knows the table", pkg{path: "internal/dist", imports: []string{ours("internal/links")}}, "the table it stands in"},
		{"dist sideways", pkg{path: "internal/dist", imports: []string{ours("internal/epmd")}}, "no such arrow"},
		{"membership imports ours", pkg{path: "internal/membership", imports: []string{ours("internal/etf")}}, "from plain values"},
		{"membership has a clock", pkg{path: "internal/membership", imports: []string{"time"}}, "holds no clock"},
		{"pg has a mutex", pkg{path: "internal/pg", imports: []string{"sync/atomic"}}, "starts no goroutine"},
		{"pg goes", pkg{path: "internal/pg", goroutines: []string{"sync.go:7"}}, "sync.go:7"},
		{"dist may go", pkg{path: "internal/dist", goroutines: []string{"link.go:7"}}, ""},
		{"pg on a link", pkg{path: "internal/pg", imports: []string{ours("internal/dist")}}, "as values"},
		{"a node that runs programs", pkg{path: "node", imports: []string{"os/exec"}}, "whoever holds the cookie"},
		{"one below that does", pkg{path: "internal/etf", imports: []string{"encoding/gob"}}, "whoever holds the cookie"},
		{"observe serves", pkg{path: "node/observe", imports: []string{"net/http", ours("node")}}, ""},
		{"observe with a price", pkg{path: "node/observe", imports: []string{"github.com/prometheus/client_golang/prometheus"}}, "not among its modules"},
		{"observe that runs programs", pkg{path: "node/observe", imports: []string{"os/exec"}}, "whoever holds the cookie"},
		{"a node that serves", pkg{path: "node", imports: []string{ours("node/observe")}}, "lies on top of it"},
		{"collector for a registry", pkg{path: "node/observe/prom", imports: []string{"github.com/prometheus/client_golang/prometheus", ours("node/observe")}}, ""},
		{"the command with a price", pkg{path: "cli", imports: []string{ours("node/observe/prom")}}, "costs each start"},
		{"control serves", pkg{path: "internal/control", imports: []string{"net/http"}}, ""},
		{"module out of place", pkg{path: "internal/etf", imports: []string{"golang.org/x/sys/unix"}}, "not among its modules"},
		{"module of like name", pkg{path: "cli", imports: []string{"github.com/urfave/cli/v20"}}, "not among its modules"},
		{"x/net in a test", pkg{path: "node", testImports: []string{"golang.org/x/net/http2"}}, "advisory"},
		{"harness outside tests", pkg{path: "node", imports: []string{ours("internal/otptest")}}, "only tests may"},
		{"harness in a test", pkg{path: "internal/epmd", testImports: []string{ours("internal/otptest"), "go.uber.org/goleak"}}, ""},
		{"its own external test", pkg{path: "internal/epmd", testImports: []string{ours("internal/epmd")}}, ""},
		{"test reaches down", pkg{path: "cli", testImports: []string{ours("internal/etf")}}, ""},
		{"test reaches up", pkg{path: "internal/etf", testImports: []string{ours("node")}}, "not below it"},
	} {
		tc.pkg.doc = true
		expect(t, tc.name, check(tc.pkg), tc.want)
	}
	expect(t, "no doc.go", check(pkg{path: "node"}), "no doc.go")
}

func TestCheckTop(t *testing.T) {
	expect(t, "agreed", checkTop([]string{".ci", ".gitignore", "cli", "go.mod", "LICENSE"}), "")
	expect(t, "a new directory", checkTop([]string{"cli", "pkg"}), "pkg stands at the top level")
}

func TestCheckMod(t *testing.T) {
	mod := func(version, toolchain string) goMod {
		m := goMod{Go: version, Toolchain: toolchain}
		for i := range 2 * maxModules {
			m.Require = append(m.Require, struct{ Path string }{fmt.Sprintf("example.com/m%d", i)})
		}
		m.Require = append(m.Require, struct{ Path string }{"example.com/m1/v2"})
		return m
	}
	imports := func(modules int) []string {
		list := []string{"os", ours("node"), "example.com/m1/v2/deep"}
		for i := range modules - 1 {
			list = append(list, fmt.Sprintf("example.com/m%d", i+2), fmt.Sprintf("example.com/m%d/sub", i+2))
		}
		return list
	}
	for _, tc := range []struct {
		mod     goMod
		imports []string
		want    string
	}{
		{mod("1.25", ""), imports(maxModules), ""},
		{mod("1.25.3", ""), imports(1), ""},
		{mod("1.26", ""), imports(1), "go 1.26"},
		{mod("1.250", ""), imports(1), "go 1.250"},
		{mod("1.25", "go1.26.8"), imports(1), "toolchain line"},
		{mod("1.25", ""), imports(maxModules + 1), "13 modules imported"},
	} {
		expect(t, tc.mod.Go+" "+tc.mod.Toolchain, checkMod(tc.mod, tc.imports), tc.want)
	}
	replaced := mod("1.25", "")
	replaced.Replace = make([]struct{ Old, New struct{ Path string } }, 1)
	expect(t, "replace", checkMod(replaced, imports(1)), "go.mod replaces")
	excluded := mod("1.25", "")
	excluded.Exclude = make([]struct{ Path string }, 1)
	expect(t, "exclude", checkMod(excluded, imports(1)), "go.mod excludes")
	if got := mod("", "").used([]string{"example.com/m1/v2/x"}); !slices.Equal(got, []string{"example.com/m1/v2"}) {
		t.Errorf("used %v", got)
	}
}

// expect wants no complaint for "", else exactly one that says want.
func expect(t *testing.T, name string, wrong []string, want string) {
	t.Helper()
	switch {
	case want == "" && len(wrong) == 0:
	case want != "" && len(wrong) == 1 && strings.Contains(wrong[0], want):
	default:
		t.Errorf("%s: complaints %q, want one with %q", name, wrong, want)
	}
}
