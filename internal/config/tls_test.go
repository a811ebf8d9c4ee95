package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/tlstest"
)

// S16: TestTLS: a key that others can read is not used, and there is no start without.
// The files come from all three levels at once, with ~, and none at all.
func TestTLS(t *testing.T) {
	w := newWorld(t)
	if got, err := w.load(t).TLS(); got != nil || err != nil {
		t.Errorf("without settings: %v, %v", got, err)
	}
	ca := tlstest.NewCA(t, "Example CA")
	cert, key := tlstest.Write(t, w.home, "node", ca.Issue(t, "dev"))
	w.file(t, "tls = { cert = \"~/node.pem\", key = \"/nowhere\" }")
	w.env["LIMINAL_TLS_KEY"] = key
	w.flags["tls.ca"] = ca.WriteCA(t, filepath.Join(w.home, "ca.pem"))
	v := w.load(t)
	got, err := v.TLS()
	if err != nil || got.Info().Files.Cert != cert || got.Info().Issuer != "Example CA" {
		t.Fatalf("%+v, %v", v.TLSFiles(), err)
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	var r *Refusal
	if _, err := v.TLS(); !errors.As(err, &r) || r.Code != "tls_file" || r.Exit != 78 || r.Try != "chmod 600 ~/node.key" {
		t.Errorf("a key for all to read: %v", err)
	}
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	if _, err := v.TLS(); !errors.As(err, &r) || !strings.Contains(r.Message, "~/node.pem") || r.Why != "no such file or directory" {
		t.Errorf("no certificate: %v", err)
	}
}
