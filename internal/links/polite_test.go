package links

import (
	"errors"
	"testing"
)

// A polite table leaves a link alone that the peer has to another node of its
// name; to its own link it gets the usual answer.
func TestPolite(t *testing.T) {
	polite := func(c *Config) { c.Polite = true }
	b := open(t, "b@127.0.0.1", 2, nil)
	first, second := open(t, "a@127.0.0.1", 1, polite), open(t, "a@127.0.0.1", 3, polite)
	first.mustDial(t, b, "")
	for _, want := range []string{"", b.name()} {
		if _, err := second.Dial(t.Context(), within, b.addr, want); !errors.Is(err, ErrTaken) {
			t.Errorf("dial %q under a name that is taken: %v", want, err)
		}
		if info, err := first.Dial(t.Context(), within, b.addr, want); !errors.Is(err, ErrUp) || info.Name != b.name() {
			t.Errorf("dial %q again: %v, %+v", want, err, info)
		}
	}
	if info, ok := b.Lookup("a@127.0.0.1"); !ok || !info.Up || info.Generation != 1 || info.Creation != 1 {
		t.Errorf("the link that was there: %+v", info)
	}
}
