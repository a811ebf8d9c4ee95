package cli

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

// S10: keys of TLS that are known go through the making of certificates, links,
// reloads and every file in the wrong place, and show nowhere.
func TestCanaryKey(t *testing.T) {
	c := newCanary(t)
	own := c.secret("own", canaryOwn+"\n", 0o400)
	dir := c.path("tls")
	for _, form := range []string{"", "--json"} {
		c.say(0, c.processes, append([]string{"tls", "init", "a@127.0.0.1", "b@127.0.0.1", "--dir", dir}, strings.Fields(form)...)...)
		c.say(0, c.processes, append([]string{"tls", "show", "--dir", dir}, strings.Fields(form)...)...)
	}
	a, b := c.tlsFiles("a@127.0.0.1"), c.tlsFiles("b@127.0.0.1")
	for _, key := range []string{a.key, b.key, c.path("tls", "ca.key")} {
		c.searchKey(key)
	}
	cookie := []string{"--cookie-file", own}
	c.node(c.processes, "a", append(a.flags(), append(cookie, "--http", "127.0.0.1:0")...)...)
	c.node(c.processes, "b", append(b.flags(), append(cookie, "--seed", "a", "--log-format", "json")...)...)
	c.node(c.processes, "x", append(cookie, "--seed", "a", "--retry-join")...) // in the clear
	c.say(0, c.processes, "peers", "--node", "a", "--wait", "1")
	c.await("x", "TLS", 1)
	c.under(a)
	c.pages()
	c.reloadKeys(a)
	c.wrongFiles(a, b)
	c.procs()
	c.quit()
	c.nothingShows()
	text, err := os.ReadFile(a.key)
	if err != nil || len(c.found(text)) < 3 {
		t.Errorf("%v: in a key file itself are found %q", err, c.found(text))
	}
	said := c.said.String() + c.out("a")
	for _, want := range []string{"certificate reloaded", "reload: nothing changed", "can be read by others", "not_after", "is not that of the certificate", "goroutine 1 "} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing said %q", want)
		}
	}
}

// keyFiles are the three files of a node.
type keyFiles struct{ cert, key, ca string }

func (c *canary) tlsFiles(name string) keyFiles {
	return keyFiles{c.path("tls", name+".pem"), c.path("tls", name+".key"), c.path("tls", "ca.pem")}
}

func (f keyFiles) flags() []string {
	return []string{"--tls-cert", f.cert, "--tls-key", f.key, "--tls-ca", f.ca}
}

// under asks nodes under TLS, with certificates and without.
func (c *canary) under(f keyFiles) {
	cookie := c.with("LIMINAL_COOKIE_FILE=" + c.path("secret", "own"))
	for _, form := range c.forms() {
		c.say(anyStatus, cookie, "status", "--node", "a", form)
		c.say(anyStatus, cookie, "status", "--node", "x", form)
		c.say(0, c.with("LIMINAL_TLS_CERT="+f.cert, "LIMINAL_TLS_KEY="+f.key, "LIMINAL_TLS_CA="+f.ca), "config", "show", form)
		c.say(0, cookie, append(append([]string{"probe", c.address("b")}, f.flags()...), form)...)
		c.say(0, cookie, append(append([]string{"peers", "--attach", c.address("b")}, f.flags()...), form)...)
		c.say(23, cookie, "probe", c.address("b"), form)
		c.say(23, cookie, append(append([]string{"probe", c.address("x")}, f.flags()...), form)...)
		c.say(76, cookie, "join", c.address("x"), "--node", "a", form)
		c.say(76, cookie, "join", c.address("a"), "--node", "x", form)
	}
}

// reloadKeys puts other files in place of a node's, good and bad.
func (c *canary) reloadKeys(f keyFiles) {
	c.t.Helper()
	key, err := os.ReadFile(f.key)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, bad := range []string{string(key[:len(key)/2]), strings.Replace(string(key), "PRIVATE", "SECRET", 2), "", canaryOwn, strings.ToUpper(string(key))} {
		c.write(f.key, bad, 0o600)
		c.signal("a", syscall.SIGHUP, "reload: nothing changed")
	}
	c.write(f.key, string(key), 0o644)
	c.signal("a", syscall.SIGHUP, "reload: nothing changed")
	c.write(f.key, string(key), 0o600)
	c.signal("a", syscall.SIGHUP, "certificate reloaded")
}

func (c *canary) write(path, text string, mode os.FileMode) {
	c.t.Helper()
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
		c.t.Fatal(err)
	}
}

// wrongFiles are files of keys where others should be, and the reverse.
func (c *canary) wrongFiles(a, b keyFiles) {
	text, err := os.ReadFile(a.key)
	if err != nil {
		c.t.Fatal(err)
	}
	open := c.secret("open.key", string(text), 0o644)
	for _, f := range []keyFiles{{a.key, a.key, a.ca}, {a.cert, a.cert, a.ca}, {a.cert, b.key, a.ca}, {a.cert, a.key, a.key}, {a.cert, open, a.ca}, {a.key, a.cert, a.ca}, {a.cert, c.path("secret", "own"), a.ca}} {
		start := append([]string{"node", "start", "--name", "n@127.0.0.1", "--listen", "127.0.0.1:0", "--cookie-file", c.path("secret", "own")}, f.flags()...)
		for _, form := range c.forms() {
			c.say(78, c.processes, append(start, form)...)
		}
	}
	c.say(77, c.processes, "node", "start", "--name", "n@127.0.0.1", "--listen", "127.0.0.1:0", "--cookie-file", a.key)
	c.say(78, c.processes, "node", "start", "--name", "n@127.0.0.1", "--listen", "127.0.0.1:0", "--config", a.key)
	c.say(78, c.processes, "config", "check", "--config", a.key)
	c.say(anyStatus, c.processes, "tls", "show", a.key)
}
