package pg

import "github.com/liminal-bus/liminal/internal/etf"

// The four messages that are sent beside the sync of ledger.go, and nothing
// else: OTP's scope dies of what it does not know.

// encodeDiscover writes {discover, Me}. Never longer: OTP 25 dies of it.
func encodeDiscover(me etf.Pid) []byte {
	b := etf.AppendTuple(nil, 2)
	b = etf.AppendAtom(b, "discover")
	return etf.AppendPid(b, me)
}

// encodeJoin writes {join, Me, Group, Pid}.
func encodeJoin(me etf.Pid, k Key, pid etf.Pid) []byte {
	b := etf.AppendTuple(make([]byte, 0, messageSize(me, k)), 4)
	b = etf.AppendAtom(b, "join")
	b = etf.AppendPid(b, me)
	b = append(b, k...)
	return etf.AppendPid(b, pid)
}

// encodeLeave writes {leave, Me, Pid, [Group]}.
func encodeLeave(me etf.Pid, k Key, pid etf.Pid) []byte {
	b := etf.AppendTuple(make([]byte, 0, messageSize(me, k)), 4)
	b = etf.AppendAtom(b, "leave")
	b = etf.AppendPid(b, me)
	b = etf.AppendPid(b, pid)
	b = etf.AppendListHeader(b, 1)
	return etf.AppendNil(append(b, k...))
}

// encodeSync writes {'$gen_cast', {sync, Me, [{Group, [Pid]}]}}.
func encodeSync(me etf.Pid, entries []entry) []byte {
	size := 64 + pidSize(me)
	for _, e := range entries {
		size += entrySize(me, e.key)
	}
	b := etf.AppendTuple(make([]byte, 0, size), 2)
	b = etf.AppendAtom(b, "$gen_cast")
	b = etf.AppendTuple(b, 3)
	b = etf.AppendAtom(b, "sync")
	b = etf.AppendPid(b, me)
	b = etf.AppendListHeader(b, len(entries))
	for _, e := range entries {
		b = etf.AppendTuple(b, 2)
		b = append(b, e.key...)
		b = etf.AppendListHeader(b, 1)
		b = etf.AppendPid(b, e.pid)
		b = etf.AppendNil(b)
	}
	return etf.AppendNil(b)
}

// maxSync is how long a sync may be: a peer takes 64 MiB in one message.
const maxSync = 63 << 20

// entrySize is at least what one of our memberships takes in a sync.
func entrySize(me etf.Pid, k Key) int { return 8 + len(k) + pidSize(me) }

// pidSize is at least what a pid takes.
func pidSize(p etf.Pid) int { return 16 + len(p.Node) }

// messageSize is at least what a join or leave takes.
func messageSize(me etf.Pid, k Key) int { return 15 + 2*pidSize(me) + len(k) }
