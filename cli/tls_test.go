package cli

import (
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/tlstest"
)

// tlsFlags writes the files of a node and gives the flags that name them.
func tlsFlags(t *testing.T, ca *tlstest.CA, trusted *tlstest.CA, changes ...tlstest.Change) []string {
	t.Helper()
	dir := t.TempDir()
	cert, key := tlstest.Write(t, dir, "node", ca.Issue(t, "127.0.0.1", changes...))
	return []string{"--tls-cert", cert, "--tls-key", key, "--tls-ca", trusted.WriteCA(t, filepath.Join(dir, "ca.pem"))}
}

func tlsMismatchTrouble(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	flags := tlsFlags(t, ca, ca)
	w, there := newWorld(t), newWorld(t)
	under := there.node(append(long("b"), flags...)...)
	a, _ := w.start(append([]string{"node", "start"}, long("a")...))
	e := w.trouble("tls_mismatch", "join", under)
	// It ends the node in the clear to start one with the same files.
	a.signals <- syscall.SIGTERM
	a.exits(0)
	a.code <- 0 // for the clean-up
	command := strings.Replace(e.Try, "--tls-cert PATH --tls-key PATH --tls-ca PATH", strings.Join(append(flags, long("a")...), " "), 1)
	w.follow(&control.Error{Try: command})
	w.obey([]string{"join", under})
	third := newWorld(t)
	plain := third.node(long("c")...)
	if e := w.trouble("tls_mismatch", "join", plain); !strings.Contains(e.Message, "does not speak TLS") {
		t.Errorf("the other way round: %+v", e)
	}
}

func tlsUntrustedTrouble(t *testing.T) {
	ours, theirs := tlstest.NewCA(t, "Example CA"), tlstest.NewCA(t, "Other CA")
	w, there := newWorld(t), newWorld(t)
	flags := tlsFlags(t, ours, ours)
	address := there.node(append(long("b"), tlsFlags(t, theirs, ours)...)...)
	w.node(append(long("a"), flags...)...)
	e := w.trouble("tls_untrusted", "join", "b@"+address)
	if want := `signed by "Other CA", which ` + flags[5] + " lacks"; e.Message != "b@127.0.0.1's certificate is not trusted" || e.Why != want {
		t.Errorf("%+v, want why %q", e, want)
	}
	expired := newWorld(t)
	address = expired.node(append(long("c"), tlsFlags(t, ours, ours, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})...)...)
	if e := w.trouble("tls_untrusted", "join", "c@"+address); !strings.HasPrefix(e.Why, "it expired on 20") {
		t.Errorf("%+v", e)
	}
}

func tlsRefusedTrouble(t *testing.T) {
	ours, theirs := tlstest.NewCA(t, "Example CA"), tlstest.NewCA(t, "Other CA")
	w, there := newWorld(t), newWorld(t)
	address := there.node(append(long("b"), tlsFlags(t, theirs, theirs)...)...)
	w.node(append(long("a"), tlsFlags(t, ours, theirs)...)...)
	w.trouble("tls_refused", "join", "b@"+address)
}

func tlsFileTrouble(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	w := newWorld(t)
	flags := tlsFlags(t, ca, ca)
	if err := os.Chmod(flags[3], 0o644); err != nil {
		t.Fatal(err)
	}
	start := append(append([]string{"node", "start"}, long("a")...), flags...)
	e := w.trouble("tls_file", start...)
	if !strings.Contains(e.Message, flags[3]) || !strings.Contains(e.Why, "can be read by others (0644)") {
		t.Errorf("%+v", e)
	}
	w.shell(e.Try)
	w.obey(start)
	if err := os.WriteFile(flags[1], nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e = w.trouble("tls_file", "probe", "127.0.0.1:1", flags[0], flags[1], flags[2], flags[3], flags[4], flags[5])
	w.follow(e)
}

// TestTLSStatus: the certificate is in status in all forms, and what is to be said
// of it.
func TestTLSStatus(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	w := newWorld(t)
	r, _ := w.start(append([]string{"node", "start", "--name", "a@127.0.0.1", "--listen", "0.0.0.0:0"}, tlsFlags(t, ca, ca)...))
	if line := r.line(r.stderr, "expires on"); !strings.Contains(line, "in 0 days") {
		t.Errorf("log: %s", line)
	}
	var s control.Status
	if err := json.Unmarshal([]byte(w.run("status", "--json").stdout), &s); err != nil || s.TLS == nil {
		t.Fatalf("%v, %+v", err, s)
	}
	warnings := strings.Join(s.Warnings, "; ")
	if s.TLS.Issuer != "Example CA" || s.TLS.NotAfter.IsZero() || !strings.Contains(warnings, "expires on") || strings.Contains(warnings, "without TLS") {
		t.Errorf("%+v, %q", s.TLS, warnings)
	}
	plain := w.run("status", "--plain").stdout
	if !strings.Contains(plain, "\ntls\tmutual\ntls_not_after\t"+s.TLS.NotAfter.Format(time.RFC3339)) {
		t.Errorf("plain:\n%s", plain)
	}
	env := w.env
	env.StdoutTTY = true
	if text := runIn(t, env, "status").stdout; !strings.Contains(text, `mutual, certificate for 127.0.0.1, signed by "Example CA", until `) {
		t.Errorf("terminal:\n%s", text)
	}
}

// S9: without TLS, beyond this machine, the log and status say so.
func TestNoTLSIsSaid(t *testing.T) {
	w := newWorld(t)
	r, _ := w.start([]string{"node", "start", "--name", "a@127.0.0.1", "--listen", "0.0.0.0:0"})
	r.line(r.stderr, "listening beyond this machine without TLS")
	if s := w.run("status", "--json").stdout; !strings.Contains(s, "without TLS") || !strings.Contains(s, `"tls":null`) {
		t.Errorf("status: %s", s)
	}
	safe := newWorld(t)
	safe.node(long("b")...)
	if s := safe.run("status", "--json").stdout; strings.Contains(s, "without TLS") {
		t.Errorf("on loopback: %s", s)
	}
}

// TestTLSProbe: the stage does TLS, and says what for and why not. --attach takes
// the same files.
func TestTLSProbe(t *testing.T) {
	ca, other := tlstest.NewCA(t, "Example CA"), tlstest.NewCA(t, "Other CA")
	flags := tlsFlags(t, ca, ca)
	w := newWorld(t)
	address := w.node(append(long("a"), flags...)...)
	probe := func(more ...string) result { return w.run(append([]string{"probe", "a@" + address}, more...)...) }
	good := probe(flags...)
	if good.code != 0 || !strings.Contains(good.stdout, "\ntls\tok\t") || !strings.Contains(good.stdout, `TLS 1.3, its certificate is for 127.0.0.1`) {
		t.Errorf("%+v", good)
	}
	for _, test := range []struct {
		what  string
		flags []string
		want  string
	}{
		{"in the clear", nil, "speaks TLS and this node does not"},
		{"another authority", tlsFlags(t, ca, other), `signed by "Example CA", which `},
		{"not let in", tlsFlags(t, other, ca), `refused the certificate of this node`},
	} {
		r := probe(test.flags...)
		if r.code != 23 || !strings.Contains(r.stdout, "\ntls\tfail\t") || !strings.Contains(r.stderr, test.want) {
			t.Errorf("%s: %+v", test.what, r)
		}
	}
	if r := w.run(append([]string{"peers", "--attach", "a@" + address}, flags...)...); r.code != 0 || !strings.Contains(r.stdout, "a@127.0.0.1\tup\tliminal") {
		t.Errorf("--attach: %+v", r)
	}
	if r := w.run("peers", "--attach", "a@"+address); r.code != 76 || !strings.Contains(r.stderr, "peers --attach a@"+address+" --tls-cert PATH") {
		t.Errorf("--attach in the clear: %+v", r)
	}
}

// S15: SIGHUP takes new files and keeps links; files that cannot be used change
// nothing, and a node does not go over to or from TLS.
func TestTLSReload(t *testing.T) {
	old, next := tlstest.NewCA(t, "Old CA"), tlstest.NewCA(t, "Next CA")
	flags := tlsFlags(t, old, old)
	dir := filepath.Dir(flags[1])
	w, there := newWorld(t), newWorld(t)
	r, address := w.start(append(append([]string{"node", "start"}, long("a")...), flags...))
	there.node(append(long("b"), append(tlsFlags(t, old, old), "--seed", address)...)...)
	r.line(r.stdout, `"peer.join"`)

	good, err := os.ReadFile(flags[3])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(flags[3], []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.signals <- syscall.SIGHUP
	if line := r.line(r.stderr, "reload: nothing changed"); !strings.Contains(line, flags[3]) || strings.Contains(line, string(good)) {
		t.Errorf("log: %s", line)
	}
	if s := w.run("status", "--json").stdout; !strings.Contains(s, `"issuer":"Old CA"`) {
		t.Errorf("the old certificate is not in force: %s", s)
	}

	tlstest.Write(t, dir, "node", next.Issue(t, "127.0.0.1"))
	next.WriteCA(t, flags[5])
	r.signals <- syscall.SIGHUP
	r.line(r.stderr, "certificate reloaded")
	if s := w.run("status", "--json").stdout; !strings.Contains(s, `"issuer":"Next CA"`) || !strings.Contains(s, `"up":1`) {
		t.Errorf("new certificate, and the link stays: %s", s)
	}
	third := newWorld(t)
	third.node(append(long("c"), append(tlsFlags(t, next, next), "--seed", address, "--mesh=false")...)...)
}

// TestTLSIsNotTurnedOff by a file: that waits for a restart.
func TestTLSIsNotTurnedOff(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	flags := tlsFlags(t, ca, ca)
	file := filepath.Join(t.TempDir(), "config.toml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t)
	write("tls = { cert = \"" + flags[1] + "\", key = \"" + flags[3] + "\", ca = \"" + flags[5] + "\" }\n")
	r, _ := w.start(append([]string{"node", "start", "--config", file}, long("a")...))
	write("")
	r.signals <- syscall.SIGHUP
	if line := r.line(r.stderr, "need a restart"); !strings.Contains(line, "tls.cert") {
		t.Errorf("log: %s", line)
	}
	if s := w.run("status", "--json").stdout; !strings.Contains(s, `"issuer":"Example CA"`) {
		t.Errorf("TLS is gone: %s", s)
	}
}
