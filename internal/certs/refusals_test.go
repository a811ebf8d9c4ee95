package certs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRefusals: what does not fit is named, and nothing is written.
func TestRefusals(t *testing.T) {
	remove := func(path string) func(*testing.T, *Request, Result) {
		return func(t *testing.T, r *Request, _ Result) { os.Remove(filepath.Join(r.Dir, path)) }
	}
	write := func(path, text string) func(*testing.T, *Request, Result) {
		return func(t *testing.T, r *Request, _ Result) {
			if err := os.WriteFile(filepath.Join(r.Dir, path), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	other := func(from, to string) func(*testing.T, *Request, Result) {
		return func(t *testing.T, r *Request, _ Result) {
			another := request(t, "a@dev", "b@dev")
			mustInit(t, another)
			write(to, string(read(t, filepath.Join(another.Dir, from))))(t, r, Result{})
		}
	}
	name := func(name string) func(*testing.T, *Request, Result) {
		return func(_ *testing.T, r *Request, _ Result) { r.Names = []string{name} }
	}
	for _, tc := range []struct {
		name  string
		spoil func(*testing.T, *Request, Result)
		want  error
		file  string // whose it is
	}{
		{"a copy of the CA", remove("ca.key"), ErrNoKey, "ca.pem"},
		{"key of another CA", other("ca.key", "ca.key"), ErrPair, "ca.pem"},
		{"CA is a node", other("a@dev.pem", "ca.pem"), ErrPair, "ca.pem"},
		{"CA of a node's pair", func(t *testing.T, r *Request, d Result) {
			other("a@dev.pem", "ca.pem")(t, r, d)
			write("ca.key", "")(t, r, d)
		}, ErrForm, "ca.key"},
		{"CA is text", write("ca.pem", "hello"), ErrForm, "ca.pem"},
		{"CA has expired", func(_ *testing.T, r *Request, d Result) { r.Now = d.CA.NotAfter.Add(time.Second) }, ErrExpired, "ca.pem"},
		{"key that others read", func(t *testing.T, r *Request, d Result) {
			if err := os.Chmod(d.CA.Key, 0o640); err != nil {
				t.Fatal(err)
			}
		}, ErrOpen, "ca.key"},
		{"node of another CA", other("a@dev.pem", "a@dev.pem"), ErrForeign, "a@dev.pem"},
		{"node without any CA", func(t *testing.T, r *Request, _ Result) {
			remove("ca.key")(t, r, Result{})
			remove("ca.pem")(t, r, Result{})
		}, ErrForeign, "a@dev.pem"},
		{"key of another node", other("b@dev.key", "a@dev.key"), ErrPair, "a@dev.pem"},
		{"key is text", write("a@dev.key", "hello"), ErrForm, "a@dev.key"},
		{"certificate is text", write("a@dev.pem", "hello"), ErrForm, "a@dev.pem"},
		{"of another node", func(t *testing.T, r *Request, d Result) {
			r.Names = []string{"c@dev"}
			mustInit(t, *r)
			write("a@dev.pem", string(read(t, filepath.Join(r.Dir, "c@dev.pem"))))(t, r, d)
			r.Names = []string{"a@dev"}
		}, ErrOther, "a@dev.pem"},
		{"a host of dots", name("a@."), ErrHost, ""},
		{"nothing asked", func(_ *testing.T, r *Request, _ Result) { r.Names = nil }, errMandatory, ""},
		{"too long a life", func(_ *testing.T, r *Request, _ Result) { r.Lifetime++ }, errMandatory, ""},
		{"a relative directory", func(_ *testing.T, r *Request, _ Result) { r.Dir = "tls" }, errMandatory, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := request(t, "a@dev")
			tc.spoil(t, &r, mustInit(t, r))
			before, _ := os.ReadDir(r.Dir)
			r.Names = append(r.Names[:len(r.Names):len(r.Names)], "new@dev")[:max(len(r.Names), min(2*len(r.Names), 2))]
			_, err := Init(r)
			var file *FileError
			if !errors.Is(err, tc.want) || errors.As(err, &file) != (tc.file != "") || file != nil && filepath.Base(file.Path) != tc.file {
				t.Fatalf("%v, want %v of %q", err, tc.want, tc.file)
			}
			if file != nil && file.CA != strings.HasPrefix(tc.file, "ca.") {
				t.Errorf("of the CA: %t", file.CA)
			}
			if after, _ := os.ReadDir(r.Dir); len(after) != len(before) {
				t.Errorf("it wrote: %v, before %v", after, before)
			}
		})
	}
}

// The CA of a pair that is one, but of a node.
func TestNodeAsCA(t *testing.T) {
	r := request(t, "a@dev")
	done := mustInit(t, r)
	r.Dir = t.TempDir()
	for from, to := range map[string]string{done.Nodes[0].Cert: "ca.pem", done.Nodes[0].Key: "ca.key"} {
		if err := os.WriteFile(filepath.Join(r.Dir, to), read(t, from), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Init(r); !errors.Is(err, ErrNotCA) {
		t.Error(err)
	}
}
