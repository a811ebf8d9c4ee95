package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/liminal-bus/liminal/node"
)

func TestCookiesAccepted(t *testing.T) {
	w := newWorld(t)
	put(t, filepath.Join(w.home, ".erlang.cookie"), secret, 0o400)
	path := filepath.Join(w.home, "accept")
	w.file(t, `node.cookie_accept_file = "~/accept"`)
	long := strings.Repeat("x", 255)
	for _, k := range []struct {
		text string
		want []string
		why  string
	}{
		{"", nil, ""}, {"\n\n", nil, ""}, {"  \n", nil, ""},
		{secret + "1", []string{secret + "1"}, ""},
		{secret + "1\r\n\r\n" + secret + "2\n", []string{secret + "1", secret + "2"}, ""},
		{secret + "1 \n", []string{secret + "1 "}, ""}, // as erl reads one
		{secret + "\n" + secret + "\n", []string{secret, secret}, ""},
		{long + "\n" + long + "\n" + long, []string{long, long, long}, ""},
		{"a\nb\nc\nd\n", nil, "it has 4 of them, and 3 are allowed"},
		{"a\n\nb\tc\n", nil, "line 3: it has characters that are not printable ASCII"},
		{"a\rb\n", nil, "line 1: it has characters that are not printable ASCII"},
		{long + "x", nil, "line 1: it is longer than 255 bytes"},
		{strings.Repeat(" ", 4090) + "\nabcdefgh", nil, "it is longer than 4095 bytes"},
	} {
		os.Remove(path)
		put(t, path, k.text, 0o400)
		c, err := w.load(t).Cookie()
		var r *Refusal
		if k.why != "" {
			if !errors.As(err, &r) || r.Code != "cookie_file" || r.Exit != 77 || r.Why != k.why || r.Message != "the cookies in ~/accept cannot be used" {
				t.Errorf("%.20q: %v", k.text, err)
			}
			continue
		}
		if err != nil || len(c.Accept) != len(k.want) || c.From != "~/accept" || c.Length != len(secret) {
			t.Errorf("%.20q: %d, %v", k.text, len(c.Accept), err)
			continue
		}
		for i, want := range k.want {
			if !c.Accept[i].Same(node.NewCookie(want)) {
				t.Errorf("%.20q: line %d is another", k.text, i)
			}
		}
	}
}

// S16: what keeps a cookie file from being read keeps this one too, and nothing hangs.
func TestCookiesAcceptedFileRefused(t *testing.T) {
	w := newWorld(t)
	w.env["LIMINAL_COOKIE"] = secret
	path := filepath.Join(w.home, "accept")
	w.env["LIMINAL_COOKIE_ACCEPT_FILE"] = path
	refused := func(code string, exit int, message string) {
		t.Helper()
		_, err := w.load(t).Cookie()
		var r *Refusal
		if !errors.As(err, &r) || r.Code != code || r.Exit != exit || r.Message != message || r.Why == "" || strings.Contains(r.Try, "--cookie-file") {
			t.Errorf("%+v", err)
		}
		if strings.Contains(fmt.Sprintf("%+v %v", r, err), "CANARY") {
			t.Error("a cookie shows")
		}
	}
	refused("cookie_file", 66, "cannot read the cookie file ~/accept")
	put(t, path, secret, 0o644)
	refused("cookie_mode", 77, "~/accept can be read by others (0644)")
	os.Remove(path)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("cookie_file", 77, "~/accept is not a regular file")
	w.env["LIMINAL_COOKIE_ACCEPT_FILE"] = "/dev/zero"
	refused("cookie_file", 77, "/dev/zero is not a regular file")
}

// A node that runs takes no cookie that it would have to make.
func TestCookieAgainMakesNone(t *testing.T) {
	w := newWorld(t)
	v := w.load(t)
	if _, err := v.CookieAgain(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(w.home); len(left) != 0 {
		t.Errorf("made %v", left)
	}
	first, err := v.Cookie()
	if err != nil || !first.Created {
		t.Fatalf("%v, created %t", err, first.Created)
	}
	if again, err := v.CookieAgain(); err != nil || again.Created || !again.Value.Same(first.Value) {
		t.Errorf("%v, created %t", err, again.Created)
	}
}

func TestShowOfAccepted(t *testing.T) {
	w := newWorld(t)
	w.env["LIMINAL_COOKIE"], w.env["LIMINAL_COOKIE_ACCEPT_FILE"] = secret, "~/accept"
	put(t, filepath.Join(w.home, "accept"), secret+"2\n", 0o400)
	got := w.load(t).Show()
	if !strings.Contains(got, `# accepted besides: [redacted], from "~/accept"`) || strings.Contains(got, "CANARY") {
		t.Error(got)
	}
}

func TestShortCookieAccepted(t *testing.T) {
	w := newWorld(t)
	w.env["LIMINAL_COOKIE"], w.env["LIMINAL_COOKIE_ACCEPT_FILE"] = secret, "~/accept"
	put(t, filepath.Join(w.home, "accept"), "short\n", 0o400)
	c, err := w.load(t).Cookie()
	if err != nil || !strings.Contains(c.Warning, "~/accept has less than 16") {
		t.Errorf("%q, %v", c.Warning, err)
	}
}
