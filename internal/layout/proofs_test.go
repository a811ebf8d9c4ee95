package layout

import (
	"bufio"
	"flag"
	"fmt"
	"go/ast"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/proofs.txt")

// promise is a threat or a fault that the node promises something about. Its tests
// say so in the first words of their doc comments: the number, or several with
// commas between them, and a colon.
type promise struct{ number, text string }

var threats = []promise{
	{"S1", "what a peer sends runs nothing here"},
	{"S2", "names that are only claimed leave nothing behind"},
	{"S3", "lengths that lie"},
	{"S4", "terms and fragments that ask for more than they are"},
	{"S5", "slow, idle and flooding handshakes"},
	{"S6", "messages out of their state"},
	{"S7", "the name of a live peer is claimed"},
	{"S8", "our own challenge comes back"},
	{"S9", "guessed cookies, and what is told of weak ones"},
	{"S10", "secrets show nowhere, and take the same time"},
	{"S11", "an epmd that lies"},
	{"S12", "names and texts of peers as an attack"},
	{"S13", "the control socket is its owner's alone"},
	{"S14", "what HTTP gives away, and to whom"},
	{"S15", "TLS: the right certificate, at both ends, each time"},
	{"S16", "settings: bombs, unknown keys and secrets"},
	{"S17", "what we are built of"},
	{"S18", "a node does its peers no harm"},
	{"S19", "a peer speaks for itself alone"},
	{"S20", "a peer takes no more than its share"},
}

var faults = []promise{
	{"F1", "a peer is killed"},
	{"F2", "a peer is stopped"},
	{"F3", "the power of a peer fails"},
	{"F4", "a silent partition"},
	{"F5", "one direction is dead"},
	{"F6", "loss, delay and reorder"},
	{"F7", "flaps faster than the poll"},
	{"F8", "restarts"},
	{"F9", "two nodes of one name"},
	{"F10", "our own address among the seeds"},
	{"F11", "the wall clock jumps"},
	{"F12", "descriptors run out"},
	{"F13", "the log takes nothing"},
	{"F14", "a slow consumer"},
	{"F15", "a subscriber dies mid-send"},
	{"F16", "seeds are down"},
	{"F17", "both dial at once"},
	{"F18", "200 join at once"},
	{"F19", "bursts larger than buffers"},
	{"F20", "a control client dies mid-stream"},
	{"F21", "a peer restarts its scope"},
	{"F22", "our own end"},
}

// numbers are those that begin a doc comment; mention is one that a comment holds
// in whatever place, which must be its beginning.
var (
	numbers = regexp.MustCompile(`^([SF][0-9]+(?:, [SF][0-9]+)*): `)
	mention = regexp.MustCompile(`\b[SF][0-9]+:`)
)

// proofsFile is the table: a line "NUMBER what", then a line for each test of it.
var proofsFile = filepath.Join("testdata", "proofs.txt")

// TestProofs holds the table against the tests there are. A proof that was renamed
// or removed by mistake is missed here; where it was on purpose, -update writes the
// table anew, and the diff is read like any other.
func TestProofs(t *testing.T) {
	found := markedTests(t)
	for _, p := range slices.Concat(threats, faults) {
		if len(found[p.number]) == 0 {
			t.Errorf("no test says that it is of %s, %s", p.number, p.text)
		}
	}
	if *update {
		if err := os.WriteFile(proofsFile, []byte(writeProofs(found)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(proofsFile)
	if err != nil {
		t.Fatal(err)
	}
	listed, wrong := readProofs(string(data))
	report(t, wrong)
	report(t, compareProofs(listed, found))
	if !t.Failed() && string(data) != writeProofs(found) {
		t.Errorf("%s is not in its order: go test ./internal/layout -update", proofsFile)
	}
}

// markedTests gives the names of the tests and fuzz targets of each number.
func markedTests(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, path := range testFiles(t) {
		dir, err := filepath.Rel(root(t), filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parse(t, path).file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil {
				continue
			}
			of, wrong := marks(f.Name.Name, f.Doc.Text())
			report(t, wrong)
			for _, number := range of {
				found[number] = append(found[number], filepath.ToSlash(dir)+"."+f.Name.Name)
			}
		}
	}
	for number, tests := range found {
		found[number] = unique(tests)
	}
	return found
}

// marks reads the numbers that a test's comment begins with.
func marks(name, doc string) (of, wrong []string) {
	isTest := strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz")
	head := numbers.FindStringSubmatch(doc)
	switch {
	case head == nil && isTest && mention.MatchString(doc):
		return nil, []string{fmt.Sprintf("%s: the comment has %q, but not in its first words", name, mention.FindString(doc))}
	case head == nil:
		return nil, nil
	case mention.MatchString(doc[len(head[0]):]):
		return nil, []string{fmt.Sprintf("%s: %q stands behind the first words: write S1, S2: instead", name, mention.FindString(doc[len(head[0]):]))}
	case !isTest:
		return nil, []string{fmt.Sprintf("%s has a number, %s, and is no test", name, head[1])}
	}
	for _, number := range strings.Split(head[1], ", ") {
		if !isPromise(number) {
			wrong = append(wrong, fmt.Sprintf("%s: %s is no promise we know", name, number))
			continue
		}
		of = append(of, number)
	}
	return of, wrong
}

func isPromise(number string) bool {
	return slices.ContainsFunc(slices.Concat(threats, faults), func(p promise) bool { return p.number == number })
}

// writeProofs makes the table of what was found.
func writeProofs(found map[string][]string) string {
	var b strings.Builder
	for _, p := range slices.Concat(threats, faults) {
		fmt.Fprintf(&b, "%s %s\n", p.number, p.text)
		for _, name := range found[p.number] {
			fmt.Fprintf(&b, "\t%s\n", name)
		}
	}
	return b.String()
}

// readProofs reads the table.
func readProofs(text string) (listed map[string][]string, wrong []string) {
	listed = map[string][]string{}
	lines, number := bufio.NewScanner(strings.NewReader(text)), ""
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "\t"); ok {
			listed[number] = append(listed[number], name)
			continue
		}
		number, _, _ = strings.Cut(lines.Text(), " ")
		if !isPromise(number) {
			wrong = append(wrong, fmt.Sprintf("%s: %q is no promise we know", proofsFile, lines.Text()))
		}
	}
	return listed, wrong
}

// compareProofs says what one has and the other has not.
func compareProofs(listed, found map[string][]string) (wrong []string) {
	all := maps.Clone(found)
	maps.Copy(all, listed)
	for _, number := range slices.Sorted(maps.Keys(all)) {
		for _, name := range listed[number] {
			if !slices.Contains(found[number], name) {
				wrong = append(wrong, fmt.Sprintf("%s: %s is listed, and no such test says that it is of %s", proofsFile, name, number))
			}
		}
		for _, name := range found[number] {
			if !slices.Contains(listed[number], name) {
				wrong = append(wrong, fmt.Sprintf("%s: %s says that it is of %s and is not listed: go test ./internal/layout -update", proofsFile, name, number))
			}
		}
	}
	return wrong
}

// TestProofRules shows that each rule can fail.
func TestProofRules(t *testing.T) {
	for _, tc := range []struct{ name, doc, of, want string }{
		{"TestA", "TestA does it.\n", "", ""},
		{"TestA", "S1: nothing runs.\n", "S1", ""},
		{"FuzzA", "S9, S10, F2: three at once.\n", "S9 S10 F2", ""},
		{"TestA", "Nothing runs. S1: or so.\n", "", "not in its first words"},
		{"TestA", "S1: and S2: or so.\n", "", "behind the first words"},
		{"helper", "it is of S1: mostly.\n", "", ""},
		{"helper", "S1: it helps.\n", "", "is no test"},
		{"TestA", "S21: one too many.\n", "", "no promise we know"},
	} {
		of, wrong := marks(tc.name, tc.doc)
		if got := strings.Join(of, " "); got != tc.of {
			t.Errorf("%q: %q, want %q", tc.doc, got, tc.of)
		}
		expect(t, tc.doc, wrong, tc.want)
	}
	found := map[string][]string{"S1": {"node.TestA"}, "F2": {"cli.TestB"}}
	listed, wrong := readProofs(writeProofs(found))
	expect(t, "as written", slices.Concat(wrong, compareProofs(listed, found)), "")
	expect(t, "gone", compareProofs(listed, map[string][]string{"S1": {"node.TestA"}}), "cli.TestB is listed")
	expect(t, "new", compareProofs(map[string][]string{"S1": {"node.TestA"}}, found), "cli.TestB says that it is of F2")
	_, wrong = readProofs("S99 more\n")
	expect(t, "unknown", wrong, "no promise we know")
}

// testFiles lists the files of tests of the whole repository.
func testFiles(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(root(t), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil || !slices.ContainsFunc(files, func(p string) bool { return strings.HasSuffix(p, "proofs_test.go") }) {
		t.Fatalf("%d test files, %v", len(files), err)
	}
	return files
}
