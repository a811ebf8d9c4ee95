package config

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/tlstest"
)

const day = 24 * time.Hour

// filesWorld is a world all of whose files are good.
func filesWorld(t *testing.T) (w *world, home func(string) string) {
	w = newWorld(t)
	home = func(name string) string { return filepath.Join(w.home, name) }
	ca := tlstest.NewCA(t, "Example CA")
	long := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(90 * day) }
	tlstest.Write(t, w.home, "node", ca.Issue(t, "127.0.0.1", long))
	tlstest.Write(t, w.home, "other", ca.Issue(t, "127.0.0.1"))
	ca.WriteCA(t, home("ca.pem"))
	put(t, home("cookie"), secret, 0o600)
	put(t, home("accept"), secret+"2\n"+secret+"3\n", 0o600)
	w.file(t, `
tls = { cert = "~/node.pem", key = "~/node.key", ca = "~/ca.pem" }
[node]
name = "a@127.0.0.1"
cookie_file = "~/cookie"
cookie_accept_file = "~/accept"
`)
	return w, home
}

// TestCheckFiles: each file that a start would be refused for, in the same words,
// all of them at once; and none is made or touched.
func TestCheckFiles(t *testing.T) {
	now := time.Now()
	chmod := func(name string, mode os.FileMode) func(*world, func(string) string) error {
		return func(_ *world, home func(string) string) error { return os.Chmod(home(name), mode) }
	}
	for _, k := range []struct {
		what   string
		change func(w *world, home func(string) string) error
		want   []string // "CODE: MESSAGE: WHY", the beginning of each
	}{
		{"good", nil, nil},
		{"a key that others can read", chmod("node.key", 0o644), []string{"tls_file: cannot use ~/node.key for TLS: it can be read by others (0644)"}},
		{"another's key", func(w *world, home func(string) string) error { return os.Rename(home("other.key"), home("node.key")) },
			[]string{"tls_file: cannot use ~/node.key for TLS: the key is not that of the certificate in "}},
		{"no authority", func(w *world, home func(string) string) error { return os.Remove(home("ca.pem")) },
			[]string{"tls_file: cannot use ~/ca.pem for TLS: no such file"}},
		{"a cookie that others can read", chmod("cookie", 0o640), []string{"cookie_mode: ~/cookie can be read by others (0640): a cookie gives"}},
		{"no cookie", func(w *world, home func(string) string) error { return os.Remove(home("cookie")) },
			[]string{"cookie_file: cannot read the cookie file ~/cookie: no such file"}},
		{"accepted cookies that others can read", chmod("accept", 0o604), []string{"cookie_mode: ~/accept can be read by others (0604)"}},
		{"no accepted cookies", func(w *world, home func(string) string) error { return os.Remove(home("accept")) },
			[]string{"cookie_file: cannot read the cookie file ~/accept"}},
		{"a cookie that is none", func(w *world, home func(string) string) error {
			w.env["LIMINAL_COOKIE_FILE"] = ""
			w.env["LIMINAL_COOKIE"] = "a\tb"
			return nil
		},
			[]string{"cookie_file: the cookie in LIMINAL_COOKIE cannot be used"}},
		{"all three", func(w *world, home func(string) string) error {
			for _, name := range []string{"node.key", "cookie", "accept"} {
				if err := os.Chmod(home(name), 0o644); err != nil {
					return err
				}
			}
			return nil
		}, []string{"cookie_mode: ~/cookie ", "cookie_mode: ~/accept ", "tls_file: "}},
	} {
		w, home := filesWorld(t)
		if k.change != nil {
			if err := k.change(w, home); err != nil {
				t.Fatal(err)
			}
		}
		before := listing(t, w.home)
		notes, problems := w.load(t).CheckFiles(now)
		ok := len(problems) == len(k.want) && (len(notes) == 0 || len(problems) > 0)
		for i := range min(len(problems), len(k.want)) {
			ok = ok && strings.HasPrefix(problems[i].Code+": "+problems[i].Error(), k.want[i]) && problems[i].Try != ""
		}
		if !ok || strings.Contains(strings.Join(notes, "")+told(problems), "CANARY") {
			t.Errorf("%s: %s; notes %q", k.what, told(problems), notes)
		}
		if after := listing(t, w.home); after != before {
			t.Errorf("%s: made something: %s, was %s", k.what, after, before)
		}
	}
}

func told(problems []*Refusal) (s string) {
	for _, p := range problems {
		s += p.Code + ": " + p.Error() + "; try " + p.Try + "\n"
	}
	return s
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

// TestCheckFilesNotes: what a start would warn of is a note, and the file that erl
// makes as well may be missing, also beside accepted cookies that are not good.
func TestCheckFilesNotes(t *testing.T) {
	w, home := filesWorld(t)
	put(t, home("accept"), "short\n", 0o600)
	notes, problems := w.load(t).CheckFiles(time.Now().Add(90*day - time.Hour))
	if all := strings.Join(notes, "\n"); len(problems) > 0 || len(notes) != 2 || !strings.Contains(all, "a cookie in ~/accept has less than") || !strings.Contains(all, "in 0 days") {
		t.Errorf("%q, %s", notes, told(problems))
	}
	w.flags["node.name"] = "a@127.0.0.2"
	if notes, _ := w.load(t).CheckFiles(time.Now().Add(91 * day)); !strings.Contains(strings.Join(notes, "\n"), "not for the address 127.0.0.2") || !strings.Contains(strings.Join(notes, "\n"), "expired on") {
		t.Errorf("%q", notes)
	}
	bare := newWorld(t)
	if notes, problems := bare.load(t).CheckFiles(time.Now()); len(notes)+len(problems) > 0 || listing(t, bare.home) != bare.home {
		t.Errorf("nothing there: %q, %s", notes, told(problems))
	}
	put(t, filepath.Join(bare.home, "accept"), "x\ty\n", 0o600)
	bare.flags["node.cookie_accept_file"] = "~/accept"
	if _, problems := bare.load(t).CheckFiles(time.Now()); len(problems) != 1 || !strings.Contains(problems[0].Message, "~/accept") {
		t.Errorf("accepted cookies without a cookie yet: %s", told(problems))
	}
}
