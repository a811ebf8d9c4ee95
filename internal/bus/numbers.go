package bus

import "sync"

// Process numbers of channels: the smaller ones belong to other processes of
// the node, and 28 bits is what every OTP release reads as an id.
const (
	firstID = 1000
	lastID  = 1<<28 - 1
)

// number is the id and the serial of a process; the zero number is none.
type number struct{ id, serial uint32 }

// pack puts a number into one word; no packed number is 0, ids being at least
// firstID.
func (n number) pack() uint64 { return uint64(n.serial)<<32 | uint64(n.id) }

func unpack(w uint64) number { return number{id: uint32(w), serial: uint32(w >> 32)} }

// numbers gives process numbers to channels and finds channels by them.
type numbers struct {
	mu   sync.RWMutex
	last number
	open map[uint64]*Channel // by packed number
}

// give opens c under a number that was never used before in this run.
func (t *numbers) give(c *Channel) number {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.last.id < firstID:
		t.last.id = firstID
	case t.last.id < lastID:
		t.last.id++
	default:
		t.last = number{firstID, t.last.serial + 1}
	}
	t.open[t.last.pack()] = c
	return t.last
}

// void closes n for ever.
func (t *numbers) void(n number) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, n.pack())
}

// find is the channel that is open under n, or nil.
func (t *numbers) find(n number) *Channel {
	t.mu.RLock()
	c := t.open[n.pack()]
	t.mu.RUnlock()
	return c
}
