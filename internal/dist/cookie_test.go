package dist

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const canary = "CANARYcanary0123456789"

func TestDigestVector(t *testing.T) {
	got := NewCookie("secret").digest(1292156744)
	if hex.EncodeToString(got[:]) != "25f5ab18098474e7af059e2152489b3a" {
		t.Errorf("digest %x", got)
	}
}

func TestProves(t *testing.T) {
	c := NewCookie("secret")
	good := c.digest(7)
	if !c.proves(7, good) {
		t.Error("the right digest is refused")
	}
	if c.proves(8, good) || NewCookie("Secret").proves(7, good) {
		t.Error("a digest of another challenge or cookie is taken")
	}
	for i := range good {
		bad := good
		bad[i] ^= 1
		if c.proves(7, bad) {
			t.Errorf("byte %d does not count", i)
		}
	}
}

func TestCookieLen(t *testing.T) {
	var zero Cookie
	if !zero.Empty() || zero.Len() != 0 || !NewCookie("").Empty() {
		t.Error("an empty cookie is not empty")
	}
	if c := NewCookie("abc"); c.Empty() || c.Len() != 3 {
		t.Errorf("len %d, empty %t", c.Len(), c.Empty())
	}
}

// holders are values around a cookie that some log line might show.
func holders() map[string]any {
	c := NewCookie(canary)
	type open struct{ C Cookie }
	type shut struct{ c Cookie }
	l := Local{Name: "a@h", Cookie: c, Challenges: new(Challenges)}
	i, _ := NewInitiator(l, InitiatorHooks{})
	a, _ := NewAcceptor(l, AcceptorHooks{})
	return map[string]any{
		"cookie": c, "pointer": &c, "open": open{c}, "shut": shut{c}, "pointer to shut": &shut{c},
		"local": l, "pointer to local": &l, "slice": []Cookie{c}, "map": map[string]Cookie{"k": c},
		"any": []any{c, &c}, "nested": struct{ X struct{ l Local } }{struct{ l Local }{l}},
		"initiator": i, "acceptor": *a, "driver": driver{m: i, s: i.base()},
	}
}

// S10: no verb prints a cookie.
func TestCookieNeverPrintsByFmt(t *testing.T) {
	noVerb := strings.Repeat("x", 2) // an extra argument on purpose, out of vet's sight
	flags := []string{"", "+", "#", "-", " ", "0", "40", "-40.3", "+#"}
	for name, v := range holders() {
		for verb := 'A'; verb <= 'z'; verb++ {
			for _, f := range flags {
				checkSilent(t, name+" %"+f+string(verb), fmt.Sprintf("%"+f+string(verb), v))
			}
		}
		checkSilent(t, name+" extra", fmt.Sprintf(noVerb, v))
		checkSilent(t, name+" Sprint", fmt.Sprint(v))
		checkSilent(t, name+" error", fmt.Errorf("wrap: %v", v).Error())
	}
}

// S10: no encoder and no logger prints one.
func TestCookieNeverPrintsByEncoders(t *testing.T) {
	for name, v := range holders() {
		if b, err := json.Marshal(v); err == nil {
			checkSilent(t, name+" json", string(b))
		}
		if b, err := xml.Marshal(v); err == nil {
			checkSilent(t, name+" xml", string(b))
		}
		var out bytes.Buffer
		opts := &slog.HandlerOptions{Level: slog.LevelDebug}
		slog.New(slog.NewTextHandler(&out, opts)).Debug("x", "v", v, slog.Any("w", v))
		slog.New(slog.NewJSONHandler(&out, opts)).Debug("x", "v", v, slog.Group("g", "w", v))
		checkSilent(t, name+" slog", out.String())
	}
}

func TestCookieShowsAsRedacted(t *testing.T) {
	c := NewCookie(canary)
	text, _ := c.MarshalText()
	js, _ := json.Marshal(c)
	for how, got := range map[string]string{
		"String": c.String(), "GoString": c.GoString(), "v": fmt.Sprintf("%v", c), "#v": fmt.Sprintf("%#v", c),
		"x": fmt.Sprintf("%x", c), "d": fmt.Sprintf("%d", c), "text": string(text), "log": c.LogValue().String(),
	} {
		if got != "[redacted]" {
			t.Errorf("%s: %s", how, got)
		}
	}
	if string(js) != `"[redacted]"` {
		t.Errorf("json %s", js)
	}
}

// checkSilent looks for the canary in the forms that printing gives text.
func checkSilent(t *testing.T, how, out string) {
	t.Helper()
	hexed := hex.EncodeToString([]byte(canary[:8]))
	bytesOf := strings.Trim(fmt.Sprint([]byte(canary[:8])), "[]")
	for _, leak := range []string{canary[:8], hexed, strings.ToUpper(hexed), bytesOf} {
		if strings.Contains(out, leak) {
			t.Errorf("%s shows the cookie: %s", how, out)
		}
	}
}
