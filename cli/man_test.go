package cli

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/config"
)

// manPages are the page of all and the one of each command and group.
func manPages(t *testing.T) map[string]string {
	env, pages := testEnv(t), map[string]string{}
	for _, page := range helpPages(testApp(t)) {
		if len(page) > 0 && page[0] == "help" && (len(page) == 1 || topics[page[1]] == nil) {
			r := runIn(t, env, append([]string{"man"}, page[1:]...)...)
			if r.code != 0 || r.stderr != "" {
				t.Fatalf("man %q: %+v", page[1:], r)
			}
			pages[strings.Join(page[1:], " ")] = r.stdout
		}
	}
	return pages
}

// macros are the requests that a page may have.
var macros = regexp.MustCompile(`^\.(TH|ad l|SH "|SS "|PP$|TP$|RS$|RE$|EX$|EE$|br$|BR )`)

// roffText is text in which each escape is one of ours.
var roffText = regexp.MustCompile(`^(?:[ -[\]-~]|\\(?:-|e|&|:|%|\(aq|\(ga|\(ha|\(ti|\(dq|fB|fR))*$`)

func TestManStructure(t *testing.T) {
	for name, page := range manPages(t) {
		depth, tag := 0, false
		for i, l := range strings.Split(strings.TrimSuffix(page, "\n"), "\n") {
			if (i == 0) != strings.HasPrefix(l, ".TH ") {
				t.Errorf("%q: line %d: %s", name, i, l)
			}
			if strings.HasPrefix(l, ".") && !macros.MatchString(l) || strings.HasPrefix(l, "'") || !roffText.MatchString(l) || l == "" {
				t.Errorf("%q: line %d is not plain: %q", name, i, l)
			}
			if tag && strings.HasPrefix(l, ".") {
				t.Errorf("%q: line %d: a tag is missing: %q", name, i, l)
			}
			tag = l == ".TP"
			depth += map[string]int{".RS": 1, ".EX": 1, ".RE": -1, ".EE": -1}[l]
		}
		if depth != 0 {
			t.Errorf("%q: %d of .RS and .EX stay open", name, depth)
		}
		for _, head := range []string{"NAME", "SYNOPSIS", "COMMON FLAGS", "EXIT STATUS", "ENVIRONMENT", "FILES"} {
			if strings.Count(page, "\n.SH \""+head+"\"\n") != 1 {
				t.Errorf("%q: no section %s", name, head)
			}
		}
	}
}

// TestManIsWhole: what help has, the page of all has.
func TestManIsWhole(t *testing.T) {
	page := manPages(t)[""]
	want := []string{"exits 78"}
	for _, c := range leaves(testApp(t).cli.Commands) {
		want = append(want, "\n.SS \""+escapeRoff(usageLine(c))+"\"\n")
		for _, row := range flagRows(c.Flags) {
			want = append(want, `\fB`+escapeRoff(strings.TrimSpace(row.lead))+`\fR`, fillRoff(row.text))
		}
	}
	for _, s := range config.Settings() {
		want = append(want, `\fB`+s.Env+`\fR`)
	}
	for _, exit := range []string{"0", "1", "64", "69", "124", "143"} {
		want = append(want, ".TP\n\\fB"+exit+"\\fR\n")
	}
	for _, w := range want {
		if !strings.Contains(strings.ToLower(page), strings.ToLower(w)) {
			t.Errorf("the page lacks %q", w)
		}
	}
}

func TestEscapeRoff(t *testing.T) {
	for in, want := range map[string]string{
		".x": `\&.x`, `a\b`: `a\eb`, "it's": `it\(aqs`, "--a": `\-\-a`, "~/x": `\(ti/x`, `"q"`: `\(dqq\(dq`,
	} {
		if got := escapeRoff(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		".x y.": `\&.x y.`, "an --a,": `an \%\-\-a,`, "rtt_us,b": `\%rtt_us,\:b`, "(LIMINAL_NODE; x)": `\%(LIMINAL_NODE; x)`, "./x": `\%./x`,
		"SIGTERM": `\%SIGTERM`, "word": "word",
	} {
		if got := fillRoff(in); got != want {
			t.Errorf("filled, %q became %q, want %q", in, got, want)
		}
	}
}

// TestManGroff has groff read the pages, with all its warnings.
func TestManGroff(t *testing.T) {
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("no groff here: the pages were checked by their structure alone")
	}
	for name, page := range manPages(t) {
		var stderr strings.Builder
		cmd := exec.Command(groff, "-man", "-Tascii", "-ww", "-P-cbou")
		cmd.Stdin, cmd.Stderr = strings.NewReader(page), &stderr
		out, err := cmd.Output()
		if err != nil || stderr.Len() > 0 || !strings.Contains(string(out), "\nEXIT STATUS\n") {
			t.Errorf("%q: %v\n%s", name, err, &stderr)
		}
	}
}
