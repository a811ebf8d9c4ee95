package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func envOf(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestPickRuntime(t *testing.T) {
	const nobody = 59999 // without a /run/user directory
	for _, k := range []struct {
		env  []string
		uid  int
		want string
	}{
		{[]string{"LIMINAL_RUNTIME_DIR", "/l", "RUNTIME_DIRECTORY", "/r", "XDG_RUNTIME_DIR", "/x"}, nobody, "/l"},
		{[]string{"RUNTIME_DIRECTORY", "/run/a:/run/b", "XDG_RUNTIME_DIR", "/x"}, nobody, "/run/a"},
		{[]string{"XDG_RUNTIME_DIR", "/x", "TMPDIR", "/t"}, nobody, "/x/liminal"},
		{[]string{"XDG_RUNTIME_DIR", "/x"}, 0, "/x/liminal"},
		{[]string{"XDG_RUNTIME_DIR", "x", "TMPDIR", "/t"}, nobody, "/t/liminal-59999"},
		{nil, 0, "/run/liminal"},
		{[]string{"TMPDIR", "/t/"}, nobody, "/t/liminal-59999"},
		{[]string{"TMPDIR", "t"}, nobody, "/tmp/liminal-59999"},
		{nil, nobody, "/tmp/liminal-59999"},
	} {
		if got := pickRuntime(envOf(k.env...), k.uid); got != k.want {
			t.Errorf("%v, uid %d: %s, want %s", k.env, k.uid, got, k.want)
		}
	}
	wd, _ := os.Getwd()
	if got := pickRuntime(envOf("LIMINAL_RUNTIME_DIR", "rel"), nobody); got != filepath.Join(wd, "rel") {
		t.Errorf("relative: %s", got)
	}
}

func TestRuntimeDirIsMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	env := envOf("LIMINAL_RUNTIME_DIR", dir)
	if dirs, err := ClientRuntimeDirs(env); err != nil || !slices.Equal(dirs, []string{dir, "/run/liminal"}) {
		t.Errorf("client before: %v, %v", dirs, err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("the client made the directory")
	}
	for range 2 {
		got, err := RuntimeDir(env)
		if err != nil || got != dir {
			t.Fatalf("%s, %v", got, err)
		}
	}
	if fi, err := os.Lstat(dir); err != nil || fi.Mode() != os.ModeDir|0o700 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	if dirs, err := ClientRuntimeDirs(env); err != nil || dirs[0] != dir {
		t.Errorf("client after: %v, %v", dirs, err)
	}
}

func TestRuntimeDirIsRefused(t *testing.T) {
	base := t.TempDir()
	at := func(name string) string { return filepath.Join(base, name) }
	steps := []error{
		os.Mkdir(at("real"), 0o700),
		os.Mkdir(at("group"), 0o700), os.Chmod(at("group"), 0o710),
		os.Mkdir(at("world"), 0o700), os.Chmod(at("world"), 0o1777),
		os.Symlink(at("real"), at("link")),
		os.Symlink(at("gone"), at("dangling")),
		os.WriteFile(at("file"), nil, 0o700),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, says, try string }{
		{"group", "can be entered or read by others (0710)", "chmod 700 " + at("group")},
		{"world", "can be entered or read by others (0777)", "chmod 700 " + at("world")},
		{"link", "is a symbolic link", "set LIMINAL_RUNTIME_DIR to a directory of yours"},
		{"dangling", "", "set LIMINAL_RUNTIME_DIR to a directory of yours"},
		{"file", "", "set LIMINAL_RUNTIME_DIR to a directory of yours"},
		{"file/below", "", "set LIMINAL_RUNTIME_DIR to a directory of yours"},
	}
	if os.Geteuid() == 0 {
		if err := errors.Join(os.Mkdir(at("theirs"), 0o700), os.Chown(at("theirs"), 1001, 1001)); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, struct{ name, says, try string }{"theirs", "belongs to uid 1001", "set LIMINAL_RUNTIME_DIR to a directory of yours"})
	} else {
		t.Log("SKIPPED: only root can make a directory of another user")
	}
	for _, k := range cases {
		env := envOf("LIMINAL_RUNTIME_DIR", at(k.name))
		_, err := RuntimeDir(env)
		var r *Refusal
		if !errors.As(err, &r) || r.Code != "runtime_dir" || r.Exit != 77 || !strings.Contains(r.Message, k.says) || r.Try != k.try {
			t.Errorf("%s: %+v, want runtime_dir, 77, %q, %q", k.name, err, k.says, k.try)
		}
		if _, err := ClientRuntimeDirs(env); !errors.As(err, &r) || r.Code != "runtime_dir" {
			t.Errorf("%s for a client: %v", k.name, err)
		}
	}
	if left, err := os.ReadDir(at("real")); err != nil || len(left) != 0 {
		t.Errorf("the target of the link was touched: %v, %v", left, err)
	}
}

func TestCheckRuntimeOfAnotherUser(t *testing.T) {
	dir := t.TempDir()
	os.Chmod(dir, 0o700)
	err := checkRuntime(dir, os.Geteuid()+1)
	if want := fmt.Sprintf("%s belongs to uid %d: another user made it; a socket there could be read", dir, os.Geteuid()); fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestSocketPath(t *testing.T) {
	if got, err := SocketPath("/run/liminal", "a"); got != "/run/liminal/a.sock" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	long := strings.Repeat("x", MaxSocketPath)
	if err := CheckSocketPath(long); err != nil {
		t.Errorf("%d bytes: %v", len(long), err)
	}
	var r *Refusal
	_, err := SocketPath("/"+long, "a")
	if !errors.As(err, &r) || r.Code != "socket_path" || r.Exit != 73 ||
		r.Message != "the socket path is "+strconv.Itoa(MaxSocketPath+8)+" bytes long" || r.Why != "this system allows "+strconv.Itoa(MaxSocketPath) {
		t.Errorf("%+v", err)
	}
	if MaxSocketPath != 107 && MaxSocketPath != 103 {
		t.Errorf("this system allows %d", MaxSocketPath)
	}
}
