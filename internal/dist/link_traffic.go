package dist

// Traffic counts messages of channels on one link since it was made.
type Traffic struct {
	In    uint64 // that came and were told to Heard
	Out   uint64 // that were put on the link, by Publish and its kin
	Drops uint64 // that these refused; what a later attempt takes counts as Out alone

	Written uint64 // of Out: passed to the kernel whole
	Queued  int    // of Out: waiting; on a live link at rest Out = Written + Queued
}

// Heard counts a message that the handler took for a channel: a link cannot
// tell those from others. It is for the handler's methods.
func (l *Link) Heard() { l.count.heard.Add(1) }

// Traffic reads the counters. It allocates nothing.
func (l *Link) Traffic() Traffic {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := Traffic{
		In: l.count.heard.Load(), Out: l.data.put + l.bulk.put,
		Written: l.data.written.Load() + l.bulk.written.Load(), Queued: l.data.queued + l.bulk.queued,
	}
	t.Drops = l.offered - t.Out // refuse has counted each, once
	return t
}
