package links

import "testing"

// A label that is told nok finds its peer all the same, although the attempt
// that was to win has come to nothing here and is not over there yet.
func TestLabelToldNOKAsksAgain(t *testing.T) {
	a, b := open(t, "a@127.0.0.1", 1, nil), open(t, "b@127.0.0.1", 2, nil)
	stuck := b.newAttempt(t.Context(), a.addr)
	stuck.outgoing, stuck.want, stuck.name, stuck.named = true, a.name(), a.name(), true
	b.mu.Lock()
	b.out[a.name()] = stuck
	b.mu.Unlock()
	go func() {
		b.refusals(t, 2) // the first dial, and the one after it
		stuck.leave()
	}()
	if info := a.mustDial(t, b, ""); info.Name != b.name() || info.Generation != 1 {
		t.Errorf("%+v", info)
	}
}
