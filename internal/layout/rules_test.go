package layout

import (
	"fmt"
	"slices"
	"strings"
)

// pkg is one package of ours as the rules see it, by its path below modPath.
type pkg struct {
	path        string
	imports     []string // by files that are not tests
	testImports []string
	doc         bool // has a doc.go with a package comment
	goroutines  []string
}

// matches tells whether path is named by pattern: "a", "a/..." (a and all below),
// or "..." (anything).
func matches(pattern, path string) bool {
	if pattern == "..." {
		return true
	}
	base, tree := strings.CutSuffix(pattern, "/...")
	return path == base || tree && strings.HasPrefix(path, base+"/")
}

// own strips modPath; ok is false for a package that is not ours.
func own(imp string) (path string, ok bool) {
	if imp == modPath {
		return ".", true
	}
	return strings.CutPrefix(imp, modPath+"/")
}

// std tells a package of the standard library by the missing dot of a host name.
func std(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(first, ".")
}

// check holds one package against the picture and returns what is wrong.
func check(p pkg) []string {
	row, placed := places[p.path]
	if !placed {
		return []string{p.path + " is not in the picture: give it a row in places, below those that import it"}
	}
	var wrong []string
	for _, imp := range p.imports {
		wrong = append(wrong, checkImport(p.path, row, imp)...)
	}
	for _, imp := range p.testImports {
		wrong = append(wrong, checkTestImport(p.path, imp)...)
	}
	if slices.ContainsFunc(row.bans, func(b ban) bool { return b == pure[0] }) {
		for _, at := range p.goroutines {
			wrong = append(wrong, fmt.Sprintf("%s starts a goroutine at %s: %s", p.path, at, pure[0].because))
		}
	}
	if !p.doc {
		wrong = append(wrong, p.path+" has no doc.go with a package comment: it says what the package is for and promises")
	}
	return wrong
}

func checkImport(from string, row place, imp string) []string {
	wrong := banned(from, imp, append(slices.Clone(row.bans), everywhere...))
	if underNode(from) {
		wrong = append(wrong, banned(from, imp, bansFor(from))...)
	}
	to, isOurs := own(imp)
	switch {
	case std(imp) && row.std != nil && !slices.Contains(row.std, imp):
		wrong = append(wrong, fmt.Sprintf("%s imports %s: of the standard library it may have %v alone", from, imp, row.std))
	case isOurs && places[to].testOnly:
		wrong = append(wrong, fmt.Sprintf("%s imports %s: only tests may", from, to))
	case isOurs && !slices.Contains(row.ours, to):
		wrong = append(wrong, fmt.Sprintf("%s imports %s: %s", from, to, reason(from, to, row)))
	case !isOurs && !std(imp) && !slices.ContainsFunc(row.modules, func(m string) bool { return matches(m+"/...", imp) }):
		wrong = append(wrong, fmt.Sprintf("%s imports %s: not among its modules %v; each one needs a reason", from, imp, row.modules))
	}
	return wrong
}

// checkTestImport lets a test use what lies anywhere below its package, the
// helpers made for tests, and any module go.mod names.
func checkTestImport(from, imp string) []string {
	wrong := banned(from, imp, everywhere)
	to, isOurs := own(imp)
	if isOurs && to != from && !places[to].testOnly && !slices.Contains(below(from), to) {
		wrong = append(wrong, fmt.Sprintf("a test of %s imports %s, which is not below it: test the two together higher up", from, to))
	}
	return wrong
}

func banned(from, imp string, list []ban) []string {
	for _, b := range list {
		if matches(b.pattern, imp) {
			return []string{fmt.Sprintf("%s imports %s: %s", from, imp, b.because)}
		}
	}
	return nil
}

// reason is why from may not import to.
func reason(from, to string, row place) string {
	if because, ok := forbidden(from, to); ok {
		return because
	}
	return fmt.Sprintf("no such arrow in the picture; it may import %v", row.ours)
}

func forbidden(from, to string) (because string, ok bool) {
	for _, a := range arrows {
		if from != to && matches(a.from, from) && matches(a.to, to) {
			return a.because, true
		}
	}
	return "", false
}

// below lists all that from may import, directly or through others.
func below(from string) []string {
	var all []string
	for todo := []string{from}; len(todo) > 0; todo = todo[1:] {
		for _, to := range places[todo[0]].ours {
			if !slices.Contains(all, to) {
				all = append(all, to)
				todo = append(todo, to)
			}
		}
	}
	return all
}

func underNode(path string) bool {
	return matches("node/...", path) || slices.Contains(below("node"), path)
}

// checkTop judges the names in the root of the repository.
func checkTop(names []string) []string {
	var wrong []string
	for _, n := range names {
		if !strings.HasPrefix(n, ".") && !slices.Contains(topLevel, n) {
			wrong = append(wrong, fmt.Sprintf("%s stands at the top level, which holds only %v and dot-files: a newcomer reads it first", n, topLevel))
		}
	}
	return wrong
}

// goMod is what `go mod edit -json` says of go.mod.
type goMod struct {
	Go        string
	Toolchain string
	Require   []struct{ Path string }
	Replace   []struct{ Old, New struct{ Path string } }
	Exclude   []struct{ Path string }
}

// checkMod judges go.mod; imports are those of what we build, tests apart.
func checkMod(m goMod, imports []string) []string {
	var wrong []string
	if m.Go != "1.25" && !strings.HasPrefix(m.Go, "1.25.") {
		wrong = append(wrong, fmt.Sprintf("go.mod says go %s: 1.25 is the oldest release with testing/synctest and the newest we ask of a user", m.Go))
	}
	if m.Toolchain != "" {
		wrong = append(wrong, "go.mod has a toolchain line: it would make an offline machine with a fitting Go download another")
	}
	for _, r := range m.Replace {
		wrong = append(wrong, fmt.Sprintf("go.mod replaces %s with %s: go install of a version refuses that, and no sum of the public list holds for it", r.Old.Path, r.New.Path))
	}
	for _, e := range m.Exclude {
		wrong = append(wrong, fmt.Sprintf("go.mod excludes a version of %s: go install of a version refuses that", e.Path))
	}
	if used := m.used(imports); len(used) > maxModules {
		wrong = append(wrong, fmt.Sprintf("%d modules imported, at most %d: each is code we vouch for: %v", len(used), maxModules, used))
	}
	return wrong
}

// used gives the modules of go.mod that those imports come from.
func (m goMod) used(imports []string) []string {
	var list []string
	for _, imp := range imports {
		module := ""
		for _, r := range m.Require { // the longest: x/y/v2 lies below x/y
			if matches(r.Path+"/...", imp) && len(r.Path) > len(module) {
				module = r.Path
			}
		}
		if module != "" {
			list = append(list, module)
		}
	}
	return unique(list)
}
