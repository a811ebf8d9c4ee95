package discovery

import (
	"regexp"
	"testing"
)

// nameForm is what names of nodes may be.
var nameForm = regexp.MustCompile(`\A[A-Za-z0-9_.-]+@[A-Za-z0-9_.:-]+\z`)

// S12: FuzzValidName: no name passes that is anything else than its alphabet and
// 255 bytes, and the two halves make the whole.
func FuzzValidName(f *testing.F) {
	for _, s := range []string{"a@h", "a@", "@h", "a@b@c", "a\n@h", "a@h\x00", "a@[::1]", "a@::1", "é@h", "a@h "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		short, host, err := SplitName(name)
		if want := nameForm.MatchString(name) && len(name) <= MaxName; want != (err == nil) {
			t.Fatalf("%q: %v, want it let in: %t", name, err, want)
		}
		if err == nil && short+"@"+host != name {
			t.Fatalf("%q is split into %q and %q", name, short, host)
		}
	})
}
