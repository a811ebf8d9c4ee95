package node

import (
	"errors"
	"testing"
)

// TestHopelessJoinIsNotKept: what no later dial can mend is told, and not dialled
// again; a seed of that kind stays, since it is configured.
func TestHopelessJoinIsNotKept(t *testing.T) {
	short := quiet(t, "other")
	short.Name = "other@short"
	other := start(t, short)
	n := start(t, quiet(t, "a"))
	for address, want := range map[string]error{
		"other@short":       ErrNameMode,
		other.testAddr():    ErrNameMode, // its name shows only in the handshake
		"a":                 ErrSelf,
		n.testAddr():        ErrSelf,
		"a@" + n.testAddr(): ErrSelf,
		"b@@x":              ErrBadAddress,
		"b@short:" + "1":    ErrNameMode,
	} {
		if j := n.Join(t.Context(), address); !errors.Is(j.Err, want) {
			t.Errorf("%s: %v, want %v", address, j.Err, want)
		}
		if s := n.Status().Seeds; len(s) > 0 {
			t.Errorf("%s is kept: %+v", address, s)
		}
		if p := n.Peers(); len(p) > 0 {
			t.Errorf("%s is listed: %+v", address, p)
		}
	}
}
