package bus

import "sync"

// moved is what Sample has to look at: channels that were used since the last
// one, and subscribers whose ring grew. On the way of a message it costs one
// load, and once a Sample an append.
type moved struct {
	mu       sync.Mutex
	channels []*Channel
	subs     []*Subscriber
	spare    []*Channel // the list of the last Sample, empty
}

func (m *moved) channel(c *Channel) {
	if c.moved.Load() || !c.moved.CompareAndSwap(false, true) {
		return
	}
	m.mu.Lock()
	m.channels = append(m.channels, c)
	m.mu.Unlock()
}

func (m *moved) subscriber(s *Subscriber) {
	m.mu.Lock()
	m.subs = append(m.subs, s)
	m.mu.Unlock()
}

// take hands over the lists. Channels may report again from here on, which is
// before their counters are read, so nothing goes unseen.
func (m *moved) take() ([]*Channel, []*Subscriber) {
	m.mu.Lock()
	channels, subs := m.channels, m.subs
	m.channels, m.subs, m.spare = m.spare, nil, nil
	m.mu.Unlock()
	for _, c := range channels {
		c.moved.Store(false)
	}
	return channels, subs
}

// maxSpare is the longest list that is kept to be filled again.
const maxSpare = 4096

// recycle takes back the list of channels that take handed over.
func (m *moved) recycle(list []*Channel) {
	if cap(list) > maxSpare {
		return
	}
	clear(list) // lets go of forgotten channels
	m.mu.Lock()
	m.spare = list[:0]
	m.mu.Unlock()
}
