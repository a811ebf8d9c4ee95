package node

import (
	"sync"
	"time"
)

// What anybody who reaches the port can have logged as a warning: some at once,
// then one a while, each with how many there were since the last.
const (
	refusalBurst = 10
	refusalPause = 10 * time.Second
)

// seldom keeps strangers from filling a log. It does not tell them apart, since
// the names and addresses that they come under are theirs to choose. The zero
// value is ready.
type seldom struct {
	mu   sync.Mutex
	free int       // lines that may be written at once, less than refusalBurst
	from time.Time // when free was counted; zero at first
	more uint64    // left out since the last line
}

// allow says whether a line may be written now, and how many were left out since
// the last one.
func (s *seldom) allow(now time.Time) (more uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.from.IsZero() {
		s.free, s.from = refusalBurst, now
	}
	if back := int(now.Sub(s.from) / refusalPause); back > 0 {
		s.free = min(refusalBurst, s.free+back)
		s.from = s.from.Add(time.Duration(back) * refusalPause)
	}
	if s.free == 0 {
		s.more++
		return 0, false
	}
	s.free--
	more, s.more = s.more, 0
	return more, true
}
