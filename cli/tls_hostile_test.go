package cli

import (
	"crypto/x509"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/display"
	"github.com/liminal-bus/liminal/internal/tlstest"
)

// quiet holds what a command has printed against a terminal: nothing steers it,
// and no name fills it.
func quiet(t *testing.T, what string, r result) {
	t.Helper()
	for stream, text := range map[string]string{"stdout": r.stdout, "stderr": r.stderr} {
		if i := strings.IndexFunc(text, func(c rune) bool { return c != '\n' && c != '\t' && display.Harmful(c) }); i >= 0 {
			t.Errorf("%s: %s: %q", what, stream, text[max(0, i-20):min(len(text), i+20)])
		}
		if len(text) > 16<<10 && !strings.HasPrefix(what, "tls show") { // which shows a file whole
			t.Errorf("%s: %s: %d bytes", what, stream, len(text))
		}
		if strings.Contains(text, "\nforged") {
			t.Errorf("%s: %s: a line of its own: %q", what, stream, text)
		}
	}
}

// S12: what authorities and certificates are called reaches neither terminal nor
// log as it is, of our own ones and of peers', in every form of output.
func TestHostileCertificateNames(t *testing.T) {
	hostHosts := tlstest.For("127.0.0.1", "\x1b[2J\nforged", strings.Repeat("h\x1b", 5000))
	for _, name := range []string{
		"\x1b]0;owned\a\x1b[2J\nforged", "\u202egnp.exe\u2066\u009b31m\u200b", strings.Repeat("A\x1b[2J", 2000),
	} {
		ca, hostile := tlstest.NewCA(t, "Example CA"), tlstest.NewCA(t, name)
		w, there := newWorld(t), newWorld(t)
		forms := [][]string{{"--json"}, {"--plain"}, {"--verbose"}, {"--json", "--verbose"}}
		both := func(what string, w *world, args ...string) {
			t.Helper()
			for _, form := range forms {
				quiet(t, what+strings.Join(form, " "), w.run(append(append([]string{}, args...), form...)...))
			}
			env := w.env
			env.StdoutTTY, env.StderrTTY = true, true
			quiet(t, what+" on a terminal", runIn(t, env, append(args, "--color", "never")...))
		}
		// A node that has been given such files itself.
		log, address := there.start(append(append([]string{"node", "start"}, long("b")...), tlsFlags(t, hostile, hostile, hostHosts)...))
		both("status", there, "status")
		// One that meets it.
		a, _ := w.start(append(append([]string{"node", "start", "--log-level", "debug"}, long("a")...), tlsFlags(t, ca, ca)...))
		both("join", w, "join", "b@"+address)
		both("probe", w, append([]string{"probe", "b@" + address}, tlsFlags(t, ca, ca)...)...)
		both("probe trusting it", w, append([]string{"probe", "b@" + address}, tlsFlags(t, ca, hostile)...)...)
		both("another host's", w, append([]string{"probe", "b@localhost:" + address[strings.LastIndex(address, ":")+1:]}, tlsFlags(t, hostile, hostile)...)...)
		both("attach", w, append([]string{"peers", "--attach", "b@" + address}, tlsFlags(t, ca, ca)...)...)
		quiet(t, "its log", result{stderr: log.line(log.stderr, "refuses our certificate")})
		quiet(t, "our log", result{stderr: a.line(a.stderr, "is signed by")})

		expired := tlsFlags(t, hostile, hostile, hostHosts, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
		both("config check", w, append([]string{"config", "check", "--name", "a@127.0.0.9"}, expired...)...)
		both("tls show", w, "tls", "show", expired[1], filepath.Join(filepath.Dir(expired[1]), "ca.pem"))
	}
}
