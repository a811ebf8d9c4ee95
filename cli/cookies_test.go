package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

func TestCookiesText(t *testing.T) {
	for want, s := range map[string]control.Status{
		"": {},
		"1 peer is still on another than ours: x@h":           {OtherCookie: []string{"x@h"}, CookiesAccepted: 1},
		"2 peers are still on another than ours: x@h, y@h":    {OtherCookie: []string{"x@h", "y@h"}},
		"2 accepted besides ours, and every peer up has ours": {CookiesAccepted: 2},
	} {
		if got := cookiesText(s); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestDescribeCookie(t *testing.T) {
	c := config.Cookie{Length: 26, Source: "LIMINAL_COOKIE"}
	if got := describeCookie(c); got != "26 characters from LIMINAL_COOKIE" {
		t.Error(got)
	}
	c.Accept, c.From = []node.Cookie{node.NewCookie("x")}, "~/accept"
	if got := describeCookie(c); got != "26 characters from LIMINAL_COOKIE; 1 more from ~/accept" {
		t.Error(got)
	}
}

// --attach and probe try the cookies as a node does, and probe says which fits.
func TestFromOutsideWithAcceptedCookies(t *testing.T) {
	there := newWorld(t, "LIMINAL_COOKIE=the-old-cookie-of-CANARY")
	address := there.node(long("b")...)
	w := newWorld(t, "LIMINAL_COOKIE=the-new-cookie-of-CANARY")
	accept := filepath.Join(w.env.Home, "accept")
	if err := os.WriteFile(accept, []byte("the-old-cookie-of-CANARY\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	flag := []string{"--cookie-accept-file", accept}
	var said strings.Builder
	run := func(args ...string) result {
		t.Helper()
		r := w.run(args...)
		said.WriteString(r.stdout + r.stderr)
		return r
	}
	if r := run("probe", address); r.code != exits["probe_cookie"] {
		t.Errorf("without the old cookie: %+v", r)
	}
	r := run(append([]string{"probe", address}, flag...)...)
	if r.code != 0 ||
		!strings.Contains(r.stdout, "\tit hung up on our digest; another cookie is tried\n") ||
		!strings.Contains(r.stdout, "\teach side has proved it to the other: not our own, but number 1 of those we accept\n") {
		t.Errorf("probe: %+v", r)
	}
	if r = run(append([]string{"probe", address, "--json"}, flag...)...); r.code != 0 || !strings.Contains(r.stdout, `"cookie":1}`) {
		t.Errorf("probe --json: %+v", r)
	}
	if r = run(append([]string{"peers", "--attach", address}, flag...)...); r.code != 0 || !strings.Contains(r.stdout, "b@127.0.0.1\tup\t") {
		t.Errorf("attach: %+v", r)
	}
	if r = run(append([]string{"config", "show"}, flag...)...); r.code != 0 {
		t.Errorf("config show: %+v", r)
	}
	if strings.Contains(said.String(), "CANARY") {
		t.Error("a cookie shows")
	}
}
