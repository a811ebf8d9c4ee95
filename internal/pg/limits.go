package pg

import "errors"

// What an error of Parse or Receive wraps.
var (
	// ErrUnknown: none of the five messages of a scope.
	ErrUnknown = errors.New("pg: unknown message")
	// ErrBad: one of the five, with contents it cannot have.
	ErrBad = errors.New("pg: malformed message")
	// ErrForged: a pid that is not of the peer's node and creation.
	ErrForged = errors.New("pg: forged pid")
	// ErrQuota: over a limit; the link is to be closed.
	ErrQuota = errors.New("pg: over the quota")
)

// Limits is what one peer may have and do. A field of zero or less takes its default.
type Limits struct {
	Groups     int // groups with a member of the peer; 262,144
	Members    int // memberships in all groups; 262,144
	GroupBytes int // bytes in the name of a group that is a binary; 255. See keyBytes
	Rate       int // messages a second; 20,000
	Burst      int // messages at once; 262,144
}

func (l Limits) filled() Limits {
	l.Groups = positive(l.Groups, 1<<18)
	l.Members = positive(l.Members, 1<<18)
	l.GroupBytes = positive(l.GroupBytes, maxName)
	l.Rate = positive(l.Rate, 20_000)
	l.Burst = positive(l.Burst, 1<<18)
	return l
}

// keyBytes is the longest canonical encoding of a group, of whatever term.
func (l Limits) keyBytes() int { return l.GroupBytes + binaryHeader }

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// bucket bounds a peer's rate. It counts thousandths of a message, which is
// what a millisecond adds a part of.
type bucket struct {
	level int64
	at    int64 // ms, when it was last filled
}

const unit = 1000

func fullBucket(l Limits, now int64) bucket { return bucket{int64(l.Burst) * unit, now} }

// sameGroups is how many groups that a sync leaves as they were cost as much as
// one message.
const sameGroups = 16

// spend takes what n messages more would have cost. What is missing is owed, up
// to another burst: no message is taken before it has come in.
func (b *bucket) spend(l Limits, n int) {
	b.level = max(b.level-int64(n)*unit, -int64(l.Burst)*unit)
}

// take reports whether there was room for one message more.
func (b *bucket) take(l Limits, now int64) bool {
	full := int64(l.Burst) * unit
	if passed := now - b.at; passed > 0 {
		// Bounded before it is multiplied: a clock may begin anywhere.
		passed = min(passed, full/int64(l.Rate)+1)
		b.level = min(full, b.level+passed*int64(l.Rate))
		b.at = now
	}
	if b.level < unit {
		return false
	}
	b.level -= unit
	return true
}
