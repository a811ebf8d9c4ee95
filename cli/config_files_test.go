package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/tlstest"
)

func configFilesTrouble(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	flags := tlsFlags(t, ca, ca)
	w := newWorld(t, "LIMINAL_COOKIE=")
	cookie := filepath.Join(t.TempDir(), "cookie")
	if err := os.WriteFile(cookie, []byte("a-cookie-of-some-length"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(flags[3], 0o640); err != nil {
		t.Fatal(err)
	}
	check := append([]string{"config", "check", "--cookie-file", cookie}, flags...)
	e := w.trouble("config_files", check...)
	for _, try := range strings.Split(e.Try, "; ") {
		w.shell(try)
	}
	w.obey(check)
}
