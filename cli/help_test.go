package cli

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestParseText(t *testing.T) {
	got := parseText("Two lines\nof prose.\n\n  term    what it\n          means\n  other   thing\n    x  y\n  liminal a | b\nEnd.\n")
	want := []block{
		{text: "Two lines of prose."}, {}, {lead: "  term    ", text: "what it means"}, {lead: "  other   ", text: "thing"},
		{lead: "    x  ", text: "y"}, {text: "  liminal a | b", raw: true}, {text: "End."},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
}

func TestFill(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"one two three", 8, "one two\nthree\n"},
		{"  term  one two three four five six", 32, "  term  one two three four five\n        six\n"},
		{"  a term that is long  one two", 40, "  a term that is long\n      one two\n"},
		{"  raw stays as it is", 5, "  raw stays as it is\n"},
		{"name,state,kind", 11, "name,state,\nkind\n"},
		{"abcdefgh", 3, "abc\ndef\ngh\n"},
		{"漢字漢字", 5, "漢字\n漢字\n"},
		{"漢", 1, "漢\n"},
	} {
		if got := fill(parseText(test.text), test.width); got != test.want {
			t.Errorf("%q in %d:\n%swant\n%s", test.text, test.width, got, test.want)
		}
	}
}

// TestWrap: nothing is lost, nothing is too long.
func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab, -ü漢"))).Draw(t, "text")
		width := rapid.IntRange(2, 20).Draw(t, "width")
		lines := wrap(text, width)
		for _, l := range lines {
			if textWidth(l) > width {
				t.Fatalf("%q is wider than %d", l, width)
			}
		}
		if squeezed(strings.Join(lines, " ")) != squeezed(text) {
			t.Fatalf("%q became %q", text, lines)
		}
	})
}

// squeezed is text without blanks.
func squeezed(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}

// helpPages are the words of every page.
func helpPages(a *app) [][]string {
	pages := [][]string{{}, {"help"}}
	for _, name := range topicNames() {
		pages = append(pages, []string{"help", name})
	}
	for _, c := range shown(a.cli.Commands) {
		pages = append(pages, []string{"help", c.Name})
		for _, sub := range c.Subcommands {
			pages = append(pages, []string{"help", c.Name, sub.Name})
		}
	}
	return pages
}

// TestHelpFits: no page has a line that is wider than its terminal, and all
// widths show the same words.
func TestHelpFits(t *testing.T) {
	for _, page := range helpPages(testApp(t)) {
		words := ""
		for _, width := range []int{0, 80, 100, 120, 200} {
			env := testEnv(t)
			env.StdoutTTY, env.Width = width > 0, func() int { return width }
			r := runIn(t, env, page...)
			if r.code != 0 || r.stderr != "" || len(r.stdout) < 50 {
				t.Fatalf("%q: %+v", page, r)
			}
			limit := 80
			if width > 80 {
				limit = min(width, pageMost)
			}
			for l := range strings.Lines(r.stdout) {
				l = strings.TrimSuffix(l, "\n")
				if textWidth(l) > limit || strings.TrimRight(l, " ") != l || !printable(l) {
					t.Errorf("%q at %d: %q is %d wide", page, width, l, textWidth(l))
				}
			}
			if words == "" {
				words = squeezed(r.stdout)
			}
			if squeezed(r.stdout) != words {
				t.Errorf("%q at %d has other words", page, width)
			}
		}
	}
}

// TestHelpTwice: `help COMMAND` is `COMMAND --help`.
func TestHelpTwice(t *testing.T) {
	env := testEnv(t)
	for _, page := range helpPages(testApp(t)) {
		if len(page) < 2 || topics[page[1]] != nil {
			continue
		}
		asked, flag := runIn(t, env, page...), runIn(t, env, append(page[1:], "--help")...)
		if asked != flag {
			t.Errorf("%q: %+v\n%+v", page, asked, flag)
		}
	}
}

func TestHelpIsWhole(t *testing.T) {
	a := testApp(t)
	for _, g := range groupCommands(a.cli.Commands) {
		if g.title == "More" {
			t.Errorf("without a group: %v", commandNames(g.commands))
		}
	}
	whole := helpText(a.cli.Commands, 80)
	for _, c := range leaves(a.cli.Commands) {
		if !strings.Contains(whole, "\n  "+fullName(c)+" ") {
			t.Errorf("help does not list %s", fullName(c))
		}
		own, common := flagLists(c)
		if len(own)+len(common) != len(c.Flags) {
			t.Errorf("%s: %d own flags, %d common ones, %d in all", fullName(c), len(own), len(common), len(c.Flags))
		}
	}
	for _, name := range topicNames() {
		if topicDocs[name] == "" || !strings.Contains(whole, "\n  help "+name+" ") {
			t.Errorf("help does not say what %s is about", name)
		}
	}
	if lines := strings.Count(runIn(t, testEnv(t)).stdout, "\n"); lines > 23 {
		t.Errorf("liminal alone prints %d lines, more than a screen with a prompt", lines)
	}
}

func TestHiddenStaysHidden(t *testing.T) {
	env := testEnv(t)
	for _, args := range [][]string{{}, {"help"}, {"man"}, {"complet"}, {"zzz"}, {"peers", "--breaks"}, {"complete", "--for=zsh", "--word="}} {
		r := runIn(t, env, args...)
		if text := r.stdout + r.stderr; strings.Contains(text, "complete ") || strings.Contains(text, "complete,") || strings.Contains(text, "complete\t") {
			t.Errorf("%q tells of complete: %s", args, text)
		}
	}
}
