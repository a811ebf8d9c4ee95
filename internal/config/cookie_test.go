package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const secret = "CANARYCANARYCANARYCANARY"

func TestCookieIsCreated(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(w.home, ".erlang.cookie")
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	c, err := w.load(t).Cookie()
	if err != nil {
		t.Fatal(err)
	}
	if !c.Created || c.String() != "~/.erlang.cookie, created" || c.Length != 52 || c.Value.Len() != 52 || c.Warning != "" {
		t.Errorf("%s, created %t, %d bytes, %q", c, c.Created, c.Length, c.Warning)
	}
	fi, err := os.Lstat(path)
	text, _ := os.ReadFile(path)
	if err != nil || fi.Mode() != 0o400 || !regexp.MustCompile(`^[A-Z2-7]{52}\n$`).Match(text) {
		t.Errorf("mode %v, %d bytes, %v", fi.Mode(), len(text), err)
	}
	again, err := w.load(t).Cookie()
	if err != nil || again.Created || again.String() != "~/.erlang.cookie" {
		t.Errorf("second time: %s, %v", again, err)
	}
	if left, _ := os.ReadDir(w.home); len(left) != 1 {
		t.Errorf("left over: %v", left)
	}
	other := newWorld(t)
	if _, err := other.load(t).Cookie(); err != nil {
		t.Fatal(err)
	}
	if text2, _ := os.ReadFile(filepath.Join(other.home, ".erlang.cookie")); string(text2) == string(text) {
		t.Error("two homes got the same cookie")
	}
}

// Nodes that start at once must end with one cookie, never with half a file.
func TestCookieIsCreatedOnce(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	var group sync.WaitGroup
	created := 0
	for range 16 {
		v := w.load(t)
		group.Go(func() {
			c, err := v.Cookie()
			mu.Lock()
			defer mu.Unlock()
			if err != nil || c.Length != 52 {
				t.Errorf("%d bytes, %v", c.Length, err)
			}
			if c.Created {
				created++
			}
		})
	}
	group.Wait()
	if created != 1 {
		t.Errorf("created %d times", created)
	}
}

func TestCookieSources(t *testing.T) {
	w := newWorld(t)
	is := func(text, source string) {
		t.Helper()
		c, err := w.load(t).Cookie()
		if err != nil || c.Source != source || c.Length != len(text) {
			t.Errorf("%s of %d bytes, %v; want %s of %d", c.Source, c.Length, err, source, len(text))
		}
	}
	home := func(name string) string { return filepath.Join(w.home, name) }
	put(t, home(".config/erlang/.erlang.cookie"), secret+"X\n", 0o400)
	is(secret+"X", "~/.config/erlang/.erlang.cookie") // what erl takes where the other is missing
	put(t, home("elsewhere/erlang/.erlang.cookie"), secret+"XX\n", 0o400)
	w.env["XDG_CONFIG_HOME"] = home("elsewhere")
	is(secret+"XX", "~/elsewhere/erlang/.erlang.cookie")
	put(t, home(".erlang.cookie"), secret, 0o400)
	is(secret, "~/.erlang.cookie")
	delete(w.env, "XDG_CONFIG_HOME")
	put(t, home("file"), secret+"1", 0o600)
	w.file(t, `node.cookie_file = "~/file"`)
	is(secret+"1", "~/file")
	w.env["LIMINAL_COOKIE"] = secret + "22"
	is(secret+"22", "LIMINAL_COOKIE") // over the file's setting
	w.env["LIMINAL_COOKIE"] = ""
	put(t, home("env"), secret+"333", 0o600)
	w.env["LIMINAL_COOKIE_FILE"] = home("env")
	is(secret+"333", "~/env")
	delete(w.env, "LIMINAL_COOKIE_FILE")
	w.env["LIMINAL_COOKIE"] = secret + "22"
	put(t, home("flag"), secret+"4444", 0o600)
	w.flags["node.cookie_file"] = home("flag")
	is(secret+"4444", "~/flag")
	if got := w.load(t).CookieOrigin().String(); got != "--cookie-file" {
		t.Errorf("origin %s", got)
	}
}

// The text as erl takes it: what stands before the line end, blanks included.
func TestCookieText(t *testing.T) {
	for _, k := range []struct {
		text   string
		length int    // if it is taken
		why    string // else
	}{
		{"abc\n", 3, ""},
		{"abc", 3, ""},
		{"abc\r\n", 3, ""},
		{"abc\n\n \n", 3, ""},
		{"A b C \r\n", 6, ""},
		{strings.Repeat("x", 255) + "\n", 255, ""},
		{strings.Repeat("x", 256) + "\n", 0, "it is longer than 255 bytes"},
		{strings.Repeat("x", 5000), 0, "it is longer than 255 bytes"},
		{"", 0, "it is empty"},
		{"\n", 0, "it is empty"},
		{"\nabc\n", 0, "it has more than one line"},
		{"abc\ndef\n", 0, "it has more than one line"},
		{"ab\tc\n", 0, "it has characters that are not printable ASCII"},
		{"ab\x00c\n", 0, "it has characters that are not printable ASCII"},
		{"ab\x7f\n", 0, "it has characters that are not printable ASCII"},
		{"abé\n", 0, "it has characters that are not printable ASCII"},
		{"ab\xff\n", 0, "it has characters that are not printable ASCII"},
	} {
		w := newWorld(t)
		put(t, filepath.Join(w.home, ".erlang.cookie"), k.text, 0o400)
		c, err := w.load(t).Cookie()
		var r *Refusal
		switch {
		case k.why == "" && (err != nil || c.Length != k.length || c.Value.Len() != k.length):
			t.Errorf("%.20q: %d bytes, %v; want %d", k.text, c.Length, err, k.length)
		case k.why != "" && (!errors.As(err, &r) || r.Code != "cookie_file" || r.Why != k.why || r.Message != "the cookie in ~/.erlang.cookie cannot be used"):
			t.Errorf("%.20q: %v, want %s", k.text, err, k.why)
		}
	}
}

// S9: a short cookie is warned about, never refused.
func TestShortCookieIsWarnedAbout(t *testing.T) {
	w := newWorld(t)
	w.env["LIMINAL_COOKIE"] = "secret"
	c, err := w.load(t).Cookie()
	if err != nil || !strings.Contains(c.Warning, "only 6 characters") || strings.Contains(c.Warning, "secret") {
		t.Errorf("%q, %v", c.Warning, err)
	}
	w.env["LIMINAL_COOKIE"] = "0123456789abcdef"
	if c, err := w.load(t).Cookie(); err != nil || c.Warning != "" {
		t.Errorf("%q, %v", c.Warning, err)
	}
}

// S16: a cookie that others can read, or that is not ours, is not used.
func TestCookieFileIsRefused(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(w.home, "cookie")
	w.flags["node.cookie_file"] = path
	refused := func(code string, exit int, message string) {
		t.Helper()
		c, err := w.load(t).Cookie()
		var r *Refusal
		if !errors.As(err, &r) || r.Code != code || r.Exit != exit || r.Message != message {
			t.Errorf("got %+v, want %s, %d, %s", err, code, exit, message)
		}
		if strings.Contains(fmt.Sprintf("%v %+v %#v %v", err, r, r, c), "CANARY") {
			t.Error("the value shows")
		}
	}
	refused("cookie_file", 66, "cannot read the cookie file ~/cookie") // only the default is made
	for _, mode := range []os.FileMode{0o644, 0o440, 0o404, 0o420, 0o601} {
		put(t, path, secret, mode)
		refused("cookie_mode", 77, fmt.Sprintf("~/cookie can be read by others (%04o)", mode))
	}
	put(t, path, secret+"\n"+secret, 0o400)
	refused("cookie_file", 77, "the cookie in ~/cookie cannot be used")
	os.Remove(path)
	os.Mkdir(path, 0o700)
	refused("cookie_file", 77, "~/cookie is not a regular file")
	os.Remove(path)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("cookie_file", 77, "~/cookie is not a regular file")
	os.Remove(path)
	if os.Geteuid() == 0 {
		put(t, path, secret, 0o400)
		os.Chown(path, 1001, 1001)
		refused("cookie_mode", 77, "~/cookie belongs to uid 1001")
	} else {
		t.Log("SKIPPED: only root can make a file of another user")
	}
}

func TestCookieWithoutHome(t *testing.T) {
	v, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var r *Refusal
	if _, err := v.Cookie(); !errors.As(err, &r) || r.Message != "no home directory is known" {
		t.Errorf("%v", err)
	}
	if v, err = Load(Options{Home: filepath.Join(t.TempDir(), "none")}); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Cookie(); !errors.As(err, &r) || r.Message != "cannot create ~/.erlang.cookie" {
		t.Errorf("%v", err)
	}
}
