package config

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/bad.txt with what the code says now")

// tokens stand for bytes that a text file cannot show.
var tokens = strings.NewReplacer(
	"<NUL>", "\x00", "<ESC>", "\x1b", "<BAD>", "\xff", "<OPEN>", `node.name="`+strings.Repeat("[", 40),
	"<DEEP>", strings.Repeat("[", 33)+strings.Repeat("]", 33), "<DOTS>", strings.Repeat("a.", 32)+"a",
	"<LONG>", strings.Repeat("x", 300),
	"<ABYSS>", strings.Repeat("[", 60000), "<TABLES>", strings.Repeat("{a=", 20000), "<PARTS>", strings.Repeat("a.", 30000)+"a", "<BIG>", "#"+strings.Repeat("x", MaxFile))

// S16: testdata/bad.txt has files, and after each the exact problems with their lines;
// the exit status is 78. Bombs are among them.
func TestBadFiles(t *testing.T) {
	raw, err := os.ReadFile("testdata/bad.txt")
	if err != nil {
		t.Fatal(err)
	}
	var again strings.Builder
	count := 0
	for block := range strings.SplitSeq(strings.TrimSuffix(string(raw), "=====\n"), "=====\n") {
		text, want, _ := strings.Cut(block, "-----\n")
		w := newWorld(t)
		w.path = filepath.Join(w.home, "c.toml")
		put(t, w.path, tokens.Replace(text), 0o600)
		_, err := Load(w.options())
		var bad *Error
		if !errors.As(err, &bad) || bad.ExitCode() != 78 || bad.Path != "~/c.toml" {
			t.Errorf("%s: %v, want an *Error of ~/c.toml with exit 78", text, err)
			continue
		}
		got := ""
		for _, p := range bad.Problems {
			got += fmt.Sprintf("%d:%d %s\n", p.Line, p.Column, p)
		}
		if got != want && !*update {
			t.Errorf("%s\ngot\n%swant\n%s", text, got, want)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r != '\n' && (r < ' ' || r == 0x7f || r == 0x202e) }) {
			t.Errorf("control characters come through: %q", got)
		}
		if strings.Contains(got, "verysecret") {
			t.Errorf("a secret comes through: %q", got)
		}
		again.WriteString(text + "-----\n" + got + "=====\n")
		count++
	}
	if count < 60 {
		t.Errorf("%d files, want 60", count)
	}
	if *update {
		os.WriteFile("testdata/bad.txt", []byte(again.String()), 0o644)
	}
}

func TestSummary(t *testing.T) {
	w := newWorld(t)
	w.file(t, "[cluster]\nseed = []\npoll = 1\n")
	_, err := Load(w.options())
	want := `~/.config/liminal/config.toml has 2 problems: line 2: cluster.seed is not a setting; did you mean cluster.seeds?; line 3: cluster.poll must be a duration such as "5s", not the number 1`
	if fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// S16: nesting is bounded before the parser sees it, whose stack is not.
func TestNesting(t *testing.T) {
	for _, k := range []struct {
		text string
		line int
		deep bool
	}{
		{strings.Repeat("[", 32), 0, false},
		{strings.Repeat("[", 33), 1, true},
		{"\n\n" + strings.Repeat("{a=", 33), 3, true},
		{"# " + strings.Repeat("[", 99) + "\nx = 1", 0, false},
		{`x = "` + strings.Repeat("[", 99) + `"`, 0, false},
		{`x = '` + strings.Repeat("[", 99) + `'`, 0, false},
		{`x = "\"` + strings.Repeat("[", 99) + `"`, 0, false},
		{`x = '\'` + strings.Repeat("[", 99), 1, true},
		{"x = \"\"\"\n\n" + strings.Repeat("[", 99) + `"""""` + "\n" + strings.Repeat("[", 99), 4, true},
		{"x = '''" + strings.Repeat("[", 99) + `'''`, 0, false},
		{`x = """\"""` + strings.Repeat("[", 99) + `"""`, 0, false},
		{`x = ""` + strings.Repeat("[", 99), 1, true},
		{`x = "` + "\n" + strings.Repeat("[", 99), 0, false}, // the parser stops at the line end
		{strings.Repeat("[]", 99), 0, false},
		{"x = [" + strings.Repeat("1.5, ", 99) + "]", 0, false},
		{strings.Repeat("a.", 32) + "a = 1", 1, true},
		{strings.Repeat("a.", 31) + "a = 1", 0, false},
	} {
		if line, deep := tooDeep([]byte(k.text)); line != k.line || deep != k.deep {
			t.Errorf("%.40q: line %d, %t; want %d, %t", k.text, line, deep, k.line, k.deep)
		}
	}
}

// S16: any file gives settings or an *Error that can be shown, and never a panic.
func FuzzLoad(f *testing.F) {
	raw, err := os.ReadFile("testdata/bad.txt")
	if err != nil {
		f.Fatal(err)
	}
	for block := range strings.SplitSeq(string(raw), "=====\n") {
		text, _, _ := strings.Cut(block, "-----\n")
		if text = tokens.Replace(text); len(text) < 2000 {
			f.Add([]byte(text))
		}
	}
	f.Add([]byte(Example()))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, problems := parse(data)
		for _, p := range problems {
			if p.Text == "" || strings.ContainsFunc(p.String(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("problem %q", p)
			}
			if most := strings.Count(string(data), "\n") + 1; p.Line > most || p.Line < 0 {
				t.Errorf("line %d of %d: %s", p.Line, most, p)
			}
		}
		l := loader{v: &Values{}, given: map[string]Origin{}}
		l.defaults()
		for i := range settings {
			if g, ok := found[settings[i].Key]; ok {
				l.put(i, g, Origin{Source: SourceFile, Line: g.line})
			}
		}
		l.together()
		if len(l.problems) == 0 {
			shown, problems := parse([]byte(l.v.Show()))
			if len(problems) > 0 || len(shown) != len(settings) {
				t.Errorf("what is shown cannot be read: %v", problems)
			}
		}
	})
}
