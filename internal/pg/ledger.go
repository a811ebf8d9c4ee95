package pg

import "github.com/liminal-bus/liminal/internal/etf"

// ledger holds our own members, and with them what every scope that was sent a
// sync has been told since: it is their common shadow. Its methods are the only
// way to a join, leave or sync, and each message is the change of an entry: no
// leave without the entry it takes, no group twice, no group without a member.
type ledger struct {
	me      etf.Pid
	entries []entry     // in the order of a sync
	at      map[Key]int // where in entries
	size    int         // bytes of the entries in a sync
	cached  []byte      // the sync of these entries, nil if not written yet
}

// entry is our one member of a group.
type entry struct {
	key Key
	pid etf.Pid
}

func newLedger(me etf.Pid) ledger { return ledger{me: me, at: map[Key]int{}} }

// join enters pid and gives the message that says so; nil if the group has our
// member already.
func (d *ledger) join(k Key, pid etf.Pid) []byte {
	if _, ok := d.at[k]; ok {
		return nil
	}
	d.at[k] = len(d.entries)
	d.entries = append(d.entries, entry{k, pid})
	d.size += entrySize(d.me, k)
	d.cached = nil
	return encodeJoin(d.me, k, pid)
}

// member is our member of the group, if it has one.
func (d *ledger) member(k Key) (pid etf.Pid, ok bool) {
	i, ok := d.at[k]
	if ok {
		pid = d.entries[i].pid
	}
	return pid, ok
}

// leave takes our member out and gives the message that says so; nil if there
// was none.
func (d *ledger) leave(k Key) []byte {
	i, ok := d.at[k]
	if !ok {
		return nil
	}
	d.size -= entrySize(d.me, k)
	gone, last := d.entries[i], len(d.entries)-1
	d.entries[i] = d.entries[last]
	d.at[d.entries[i].key] = i
	d.entries[last] = entry{}
	d.entries = d.entries[:last]
	delete(d.at, k)
	d.cached = nil
	return encodeLeave(d.me, k, gone.pid)
}

// sync gives all entries as one message, which is shared until the next change:
// many newcomers at once cost one encoding.
func (d *ledger) sync() []byte {
	if d.cached == nil {
		d.cached = encodeSync(d.me, d.entries)
	}
	return d.cached
}

func (d *ledger) has(k Key) bool { _, ok := d.at[k]; return ok }
