package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"pgregory.net/rapid"

	"github.com/liminal-bus/liminal/internal/control"
)

const bashBreaks = " \t\n\"'@><=;|&(:" // what bash has in COMP_WORDBREAKS

func TestSplitShell(t *testing.T) {
	for _, test := range []struct {
		line, words, last string
		keep              int
		quote             byte
		redirect          bool
	}{
		{"liminal ", "", "", 0, 0, false},
		{"liminal sub or", "sub", "or", 0, 0, false},
		{"liminal sub :or", "sub", ":or", 1, 0, false},
		{"liminal sub a:b:c", "sub", "a:b:c", 4, 0, false},
		{"liminal peers --node=a", "peers", "--node=a", 7, 0, false},
		{"liminal peers b@de", "peers", "b@de", 1, 0, false},
		{`liminal sub a\:b`, "sub", "a:b", 0, 0, false},
		{`liminal sub two\ w`, "sub", "two w", 0, 0, false},
		{`liminal sub "two w`, "sub", "two w", 0, '"', false},
		{`liminal sub 'a:b`, "sub", "a:b", 0, '\'', false},
		{`liminal sub x"a:b`, "sub", "xa:b", 1, '"', false},
		{`liminal sub "a:"b`, "sub", "a:b", 0, 0, false},
		{`liminal pub "" x`, "pub||", "x", 0, 0, false},
		{`liminal pub "\$x\y" z`, `pub|$x\y`, "z", 0, 0, false},
		{`liminal pub a $(rm) `, "", "", 0, 0, false},
		{"liminal pub chat >fi", "pub|chat", "fi", 0, 0, true},
		{"liminal pub chat 2>>fi", "pub|chat", "fi", 0, 0, true},
		{"liminal pub chat < in x", "pub|chat", "x", 0, 0, false},
		{"liminal pub chat 2>&1 x", "pub|chat", "x", 0, 0, false},
		{"x=1; liminal peers --st", "peers", "--st", 0, 0, false},
	} {
		words, last := splitShell(test.line, bashBreaks)
		want := shellWord{test.last, test.keep, test.quote, test.redirect}
		if got := strings.Join(words, "|"); got != strings.TrimSuffix(test.words, "||")+strings.Repeat("|", strings.Count(test.words, "||")) || last != want {
			t.Errorf("%s: %q %+v, want %q %+v", test.line, got, last, test.words, want)
		}
	}
}

// TestBashText: what is put in is read as what was meant, wherever the part
// that bash replaces begins and whatever is in it.
func TestBashText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringOf(rapid.SampledFrom([]rune("ab :=@\"'\\$`!*~;&|<>(){}[]#%^?ü"))).Draw(t, "value")
		typed := rapid.IntRange(0, len([]rune(value))).Draw(t, "typed")
		open := rapid.SampledFrom([]string{"", `"`, "'"}).Draw(t, "quote")
		head := string([]rune(value)[:typed])
		if open == "" {
			head, _ = shellWord{}.bashText(head)
		} else if strings.ContainsAny(head, "'\"\\$`!") {
			return
		}
		line := "liminal sub " + open + head
		_, last := splitShell(line, bashBreaks)
		text, ok := last.bashText(value)
		if !ok && open == "" {
			t.Fatalf("%q was not put in", value)
		}
		if !ok || text == "" {
			return
		}
		start := len(line) // of what bash replaces
		for len(typedSoFar(line[:start])) > last.keep {
			start--
		}
		words, _ := splitShell(line[:start]+text+open+" x", bashBreaks)
		if len(words) != 2 || words[1] != value {
			t.Fatalf("%q at %q becomes %q", value, line, words)
		}
	})
}

func typedSoFar(line string) string {
	_, last := splitShell(line, bashBreaks)
	return last.value
}

// hostileBus is a node whose channels have all the names one could fear.
func hostileBus(t *testing.T) (env []string) {
	t.Helper()
	b := newFakeBus()
	b.listed = func() (doc control.Channels) {
		for _, name := range append(append([]string{}, unprintable...), hostile...) {
			doc.Channels = append(doc.Channels, control.Channel{Name: name})
		}
		return doc
	}
	dir := shortDir(t)
	path := filepath.Join(dir, "x.sock")
	serve(t, b, path)
	return append(os.Environ(), "LIMINAL_SOCKET="+path, "LIMINAL_RUNTIME_DIR="+dir, "HOME="+dir, "XDG_CONFIG_HOME=", "HISTFILE=", "TERM=dumb", "LC_ALL=C.UTF-8", "INPUTRC=/dev/null")
}

func needBash(t *testing.T) string {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here: completion was not tried in the shell itself")
	}
	return bash
}

// TestBashFunction calls the function as bash does.
func TestBashFunction(t *testing.T) {
	bash, env := needBash(t), hostileBus(t)
	for _, test := range []struct{ line, want string }{
		{"liminal stat", "status"},
		{"liminal sub :or", "orders"},
		{"liminal peers --state=le", "left"},
		{"liminal sub two", `two\ \ words`},
		{`liminal sub "two`, "two  words"},
		{`liminal sub \$`, `\$\(touch\ pwned\)`},
		{`liminal sub "\$`, ""},
		{"liminal sub zzz", ""},
		{"liminal nonsense ", ""},
		{"./none/liminal stat", ""},
	} {
		cmd := exec.Command(bash, "--norc", "-c", `eval "$(liminal completion bash)"
COMP_LINE=$1 COMP_POINT=${#1}; COMP_WORDS=($1); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_liminal "${COMP_WORDS[0]}"; printf '%s\n' "${COMPREPLY[@]}"`, "bash", test.line)
		cmd.Env, cmd.Dir = env, t.TempDir()
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSuffix(string(out), "\n"); err != nil || got != test.want {
			t.Errorf("%s: %q, %v, want %q", test.line, got, err, test.want)
		}
	}
}

// shellOnTerminal is an interactive bash in which `fake` completes as liminal
// does and prints what it was given.
type shellOnTerminal struct {
	t    *testing.T
	tty  *os.File
	seen strings.Builder
}

func startShell(t *testing.T, bash string, env []string, dir string) *shellOnTerminal {
	t.Helper()
	cmd := exec.Command(bash, "--norc", "--noprofile", "-i")
	cmd.Env, cmd.Dir = env, dir
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 500})
	if err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(20*time.Second*slack, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		late.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		tty.Close()
	})
	s := &shellOnTerminal{t: t, tty: tty}
	s.types(`PS1=; eval "$(liminal completion bash)"; complete -F _liminal fake; fake() { printf '<%s>' "$@"; echo E''ND; }; fake` + "\r")
	s.until(regexp.MustCompile(`<>END`))
	return s
}

func (s *shellOnTerminal) types(keys string) {
	if _, err := s.tty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// until reads on until what came matches, and gives the match.
func (s *shellOnTerminal) until(want *regexp.Regexp) []string {
	s.t.Helper()
	buf := make([]byte, 4096)
	for {
		if m := want.FindStringSubmatch(s.seen.String()); m != nil {
			s.seen.Reset()
			return m
		}
		n, err := s.tty.Read(buf)
		if err != nil {
			s.t.Fatalf("bash ended: %v: %q", err, s.seen.String())
		}
		s.seen.Write(buf[:n])
	}
}

// TestBashTyped types the beginning of each name, completes it with TAB and
// looks at the argument that the shell makes of the line.
func TestBashTyped(t *testing.T) {
	dir := t.TempDir()
	s := startShell(t, needBash(t), hostileBus(t), dir)
	got := func(line string) string {
		s.types(line + "\t\r")
		return s.until(regexp.MustCompile(`(?s)<sub><(.*?)>END`))[1]
	}
	for _, name := range hostile {
		first := string([]rune(name)[:1])
		typed, _ := shellWord{}.bashText(first)
		if arg := got("fake sub " + typed); arg != name {
			t.Errorf("%s TAB gives %q, want %q", typed, arg, name)
		}
	}
	for typed, want := range map[string]string{
		`"tw`: "two  words", `'tw`: "two  words", ":or": ":orders", "a:b": "a:b=c@d", "a:b=": "a:b=c@d", "a:b=c@": "a:b=c@d", `'a:b=c`: "a:b=c@d", "gr": "grün",
	} {
		if arg := got("fake sub " + typed); arg != want {
			t.Errorf("%s TAB gives %q, want %q", typed, arg, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil {
		t.Error("a name was executed")
	}
	if err := os.WriteFile(filepath.Join(dir, "some file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bash32 := range []string{"", "compopt() { return 1; }\r"} { // which has none
		s.types(bash32)
		if arg := got("fake sub --config som"); arg != "--config><some file" {
			t.Errorf("a path became %q", arg)
		}
	}
	fmt.Fprint(s.tty, "exit\r")
}
