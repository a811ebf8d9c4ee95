package etf

// Limits bounds what one term may cost. A field of zero takes the value of
// WireLimits, so the zero Limits is the strict one. LOCAL_EXT is refused under
// all limits.
type Limits struct {
	Depth       int  // containers inside each other
	Terms       int  // terms in all, each element of a string included
	BigBytes    int  // bytes of magnitude of one integer
	Compressed  bool // a compressed term may follow the version byte
	MaxInflated int  // bytes, stated and real, of a compressed term
}

// WireLimits is for everything that comes from a peer.
func WireLimits() Limits {
	return Limits{Depth: 256, Terms: 1_000_000, BigBytes: 1 << 10}
}

// FileLimits is for our own files and test vectors.
func FileLimits() Limits {
	return Limits{
		Depth:       maxDepth,
		Terms:       16_000_000,
		BigBytes:    64 << 10,
		Compressed:  true,
		MaxInflated: 64 << 20,
	}
}

// maxDepth bounds recursion whatever the caller asked for: at some 300 bytes
// of stack a level this stays far below the runtime's fatal limit.
const maxDepth = 10_000

// filled sets the fields left at zero and holds Depth to what the stack allows.
func (l Limits) filled() Limits {
	w := WireLimits()
	l.Depth = min(positive(l.Depth, w.Depth), maxDepth)
	l.Terms = positive(l.Terms, w.Terms)
	l.BigBytes = positive(l.BigBytes, w.BigBytes)
	return l
}

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}
