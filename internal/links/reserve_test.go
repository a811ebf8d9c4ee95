package links

import "testing"

// F12: the last descriptors are not for those who dial in.
func TestReservedDescriptors(t *testing.T) {
	for _, c := range []struct {
		fd, limit uint64
		want      bool
	}{
		{0, 1024, false}, {991, 1024, false}, {992, 1024, true}, {1023, 1024, true}, {5000, 1024, true},
		{47, 64, false}, {48, 64, true}, {3, 1 << 63, false}, {3, ^uint64(0), false}, {0, 1, false}, {7, 0, true},
	} {
		if got := isReserved(c.fd, c.limit); got != c.want {
			t.Errorf("descriptor %d of %d: %t", c.fd, c.limit, got)
		}
	}
}
