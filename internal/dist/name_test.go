package dist

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckName(t *testing.T) {
	long := strings.Repeat("a", maxName-2) + "@h"
	for name, ok := range map[string]bool{
		"a@h": true, "a@127.0.0.1": true, "A_b.c-9@host.example-1.org": true, "a@::1": true, "a@fe80:1": true,
		long: true, "a" + long: false,
		"": false, "a": false, strings.Repeat("x", 300): false, "@": false, "a@": false, "@h": false, "a@h@i": false, "a@@h": false, "@a@h": false,
		"a:b@h": false, "a b@h": false, "a@h i": false, "a@h\n": false, "\x1b[2J@h": false, "ä@h": false,
		"a@h\x00": false, "a@h/": false, "a@\u202eh": false, "a@h%s": false,
	} {
		err := CheckName(name)
		if (err == nil) != ok || (err != nil && !errors.Is(err, ErrName)) {
			t.Errorf("%q: %v", name, err)
		}
		if err != nil {
			checkPlainText(t, err.Error())
		}
	}
}

// checkPlainText holds an error text against what a terminal may be sent.
func checkPlainText(t *testing.T, s string) {
	t.Helper()
	for _, b := range []byte(s) {
		if b < 0x20 || b > 0x7e {
			t.Errorf("byte %#x in %q", b, s)
		}
	}
	if len(s) > 512 {
		t.Errorf("%d bytes of text", len(s))
	}
}
