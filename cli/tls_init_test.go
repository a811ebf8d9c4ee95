package cli

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/certs"
)

func TestNextSteps(t *testing.T) {
	own := shortHost()
	for _, test := range []struct {
		names []string
		start []string // after "liminal node start --name ", before --tls-cert
		erl   []string // after "erl ", before -ssl_dist_optfile
	}{
		{[]string{"a@" + own, "b@" + own}, []string{"a", "b --seed a"}, []string{"-sname a -proto_dist inet_tls", "-sname b -proto_dist inet_tls"}},
		{[]string{"a@127.0.0.1", "b@127.0.0.1"}, []string{"a@127.0.0.1", "b@127.0.0.1 --seed a@127.0.0.1"},
			[]string{"-name a@127.0.0.1 -proto_dist inet_tls", "-name b@127.0.0.1 -proto_dist inet_tls"}},
		{[]string{"a@10.0.0.5", "b@10.0.0.5", "c@db1.example.net"},
			[]string{"a@10.0.0.5 --listen :9100", "b@10.0.0.5 --listen :9101 --seed a@10.0.0.5:9100",
				"c@db1.example.net --listen :9100 --seed a@10.0.0.5:9100"},
			[]string{"-name a@10.0.0.5 -proto_dist inet_tls", "-name b@10.0.0.5 -proto_dist inet_tls", "-name c@db1.example.net -proto_dist inet_tls"}},
		{[]string{"a@" + own, "b@other"}, []string{"a --listen :9100", "b@other --listen :9100 --seed a@" + own + ":9100"},
			[]string{"-sname a -proto_dist inet_tls", "-sname b@other -proto_dist inet_tls"}},
		{[]string{"a@fd00::1", "b@fd00::2"}, []string{"a@fd00::1 --listen :9100", "b@fd00::2 --listen :9100 --seed 'a@[fd00::1]:9100'"},
			[]string{"-name a@fd00::1 -proto_dist inet6_tls", "-name b@fd00::2 -proto_dist inet6_tls"}},
		{[]string{"a@" + own, "b@127.0.0.1"}, []string{"a", "b@127.0.0.1"}, []string{"-sname a -proto_dist inet_tls", "-name b@127.0.0.1 -proto_dist inet_tls"}},
	} {
		done := certs.Result{CA: certs.Authority{Cert: "/it's/ca.pem"}}
		for _, name := range test.names {
			done.Nodes = append(done.Nodes, certs.Node{Name: name, Cert: "/d/" + name + ".pem", Key: "/d/" + name + ".key", OptFile: "/d/" + name + ".inet_tls.conf"})
		}
		a := testApp(t)
		for i, n := range nextSteps(done) {
			name := test.names[i]
			files := typedWords([]string{"--tls-cert", "/d/" + name + ".pem", "--tls-key", "/d/" + name + ".key", "--tls-ca", "/it's/ca.pem"})
			if want := "liminal node start --name " + test.start[i] + " " + files; n.Start != want {
				t.Errorf("%s\nwant\n%s", n.Start, want)
			}
			if want := "erl " + test.erl[i] + " -ssl_dist_optfile /d/" + name + ".inet_tls.conf"; n.Erl != want {
				t.Errorf("%s\nwant\n%s", n.Erl, want)
			}
			words, err := splitWords(strings.TrimPrefix(n.Start, "liminal "))
			if err != nil {
				t.Fatal(err)
			}
			l, err := a.grammar.arrange(words)
			if err != nil {
				t.Errorf("%s: %v", n.Start, err)
			}
			for _, flag := range []string{"--tls-cert=/d/" + name + ".pem", "--tls-key=/d/" + name + ".key", "--tls-ca=/it's/ca.pem"} {
				if !slices.Contains(l.flags, flag) || len(l.args) > 0 {
					t.Errorf("%s: %q lacks %s", n.Start, l.flags, flag)
				}
			}
		}
	}
}

// TestCertNotes: what is on the terminal, with a certificate that is about to end.
func TestCertNotes(t *testing.T) {
	env := terminal(testEnv(t))
	begin := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	env.Now = func() time.Time { return begin }
	dir := filepath.Join(t.TempDir(), "tls")
	args := []string{"tls", "init", "a@127.0.0.1", "--days", "40", "--dir", dir, "--color", "never"}
	first := runIn(t, env, args...)
	for _, want := range []string{"NAME         OUTCOME  HOST       GOOD UNTIL", "\nca           made     -          2036-01-15, in 10 years", "\na@127.0.0.1  made     127.0.0.1  2026-02-24, in 39 days"} {
		if !strings.Contains(first.stdout, want) {
			t.Errorf("%s\nlacks %q", first.stdout, want)
		}
	}
	if strings.Contains(first.stderr, "expires") || !strings.HasPrefix(first.stderr, "next, where each node runs:\n  liminal node start --name a@127.0.0.1 --tls-cert ") {
		t.Errorf("notes\n%s", first.stderr)
	}
	for _, test := range []struct {
		days int
		note string
		code int
		show string
	}{
		{9, "", 0, "good"},
		{10, "liminal: the certificate of a@127.0.0.1 expires in 29 days; liminal tls init --force a@127.0.0.1 --dir DIR makes a new one\n", 0, "good"},
		{41, "liminal: the certificate of a@127.0.0.1 has expired; liminal tls init --force a@127.0.0.1 --dir DIR makes a new one\n", 1, "expired"},
		{-1, "", 1, "early"},
	} {
		env.Now = func() time.Time { return begin.AddDate(0, 0, test.days) }
		if r := runIn(t, env, args...); r.code != 0 || !strings.HasPrefix(strings.ReplaceAll(r.stderr, dir, "DIR"), test.note+"next, ") {
			t.Errorf("after %d days: %+v", test.days, r)
		}
		show := runIn(t, env, "tls", "show", "--plain", filepath.Join(dir, "a@127.0.0.1.pem"))
		if show.code != test.code || !strings.HasPrefix(show.stdout, "a@127.0.0.1\t"+test.show+"\t") {
			t.Errorf("after %d days: %+v", test.days, show)
		}
		if told := strings.HasPrefix(show.stderr, "liminal: the certificate of a@127.0.0.1 "); told != (test.code == 1) {
			t.Errorf("after %d days: %s", test.days, show.stderr)
		}
	}
	env.Now = func() time.Time { return begin.AddDate(11, 0, 0) }
	if r := runIn(t, env, args...); r.code != 77 || !strings.Contains(r.stderr, "ca.pem has expired") {
		t.Errorf("after the CA's end: %+v", r)
	}
}
