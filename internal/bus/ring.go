package bus

import "math/bits"

// minRing is the length of the first ring; a longer one is looked after by
// Sample, which cuts it down again.
const minRing = 8

// ring is a queue of entries in a slice that is a power of two long. Guarded
// by Subscriber.mu.
type ring struct {
	slots []entry
	head  int // the oldest entry
	n     int // entries
	bytes int // of their IDs and payloads
	peak  int // largest n since the last shrink
}

// push adds e as the newest entry and marks the loss before it.
func (r *ring) push(e *entry, lost uint64) {
	if r.n == len(r.slots) {
		r.resize(max(minRing, 2*len(r.slots)))
	}
	slot := r.at(r.n)
	*slot = *e
	slot.lost = lost
	r.n++
	r.bytes += len(e.data)
	r.peak = max(r.peak, r.n)
}

// front is the oldest entry; there must be one.
func (r *ring) front() *entry { return &r.slots[r.head] }

// at is the entry with i older ones before it.
func (r *ring) at(i int) *entry { return &r.slots[(r.head+i)&(len(r.slots)-1)] }

// pop forgets the oldest entry.
func (r *ring) pop() {
	e := r.front()
	r.bytes -= len(e.data)
	*e = entry{} // lets go of the slab
	r.head = (r.head + 1) & (len(r.slots) - 1)
	r.n--
}

// shrink cuts the ring to what was needed since the last time, or less if a
// quarter of it did. It says whether the ring is still longer than the least.
func (r *ring) shrink() bool {
	if r.peak <= len(r.slots)/4 {
		r.resize(ringFor(2 * r.peak))
	}
	r.peak = r.n
	return len(r.slots) > minRing
}

func ringFor(n int) int {
	if n == 0 {
		return 0
	}
	return max(minRing, 1<<bits.Len(uint(n-1)))
}

// resize moves the entries to a ring of length n, which must hold them.
func (r *ring) resize(n int) {
	if n == len(r.slots) {
		return
	}
	var slots []entry
	if n > 0 {
		slots = make([]entry, n)
	}
	if r.n > 0 {
		k := copy(slots, r.slots[r.head:min(r.head+r.n, len(r.slots))])
		copy(slots[k:], r.slots[:r.n-k])
	}
	r.slots, r.head = slots, 0
}
