package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// S16: every bad file there is, given to the commands that read one: exit status
// 78, the file, the line, and no bug.
func TestBadFilesOnTheCommandLine(t *testing.T) {
	raw, err := os.ReadFile("../internal/config/testdata/bad.txt")
	if err != nil {
		t.Fatal(err)
	}
	env, path, count := testEnv(t), filepath.Join(t.TempDir(), "c.toml"), 0
	for block := range strings.SplitSeq(strings.TrimSuffix(string(raw), "=====\n"), "=====\n") {
		text, want, _ := strings.Cut(block, "-----\n")
		if strings.Contains(text, "<") {
			continue // stands for what a text file cannot hold
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, first, _ := strings.Cut(strings.SplitN(want, "\n", 2)[0], " ") // after the place: the problem, which names its line
		line, problem, _ := strings.Cut(first, ": ")
		problem, _, _ = strings.Cut(problem, "; did you mean") // which stands apart in some
		all := [][]string{{"config", "check"}, {"node", "start"}, {"peers"}, {"config", "show"}}
		if slack > 1 { // by turns
			all = all[count%4:][:1]
		}
		for _, args := range all {
			r := runIn(t, env, append(args, "--config", path)...)
			if r.code != exitConfig || r.stdout != "" || !strings.Contains(r.stderr, line+": "+problem) || !strings.Contains(r.stderr, path) {
				t.Errorf("liminal %s with\n%s\n%+v, want %q", strings.Join(args, " "), text, r, first)
			}
		}
		count++
	}
	if count < 60 {
		t.Errorf("%d files, want 60", count)
	}
}
