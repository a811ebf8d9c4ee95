package pg

// Origin is a link's peer as the handshake proved it.
type Origin struct {
	Node     string
	Creation uint32
}

type op uint8

const (
	opNone op = iota
	opDiscover
	opSync
	opJoin
	opLeave
)

// Message is one parsed message of a peer's scope. It shares no memory with what
// it was parsed from. The zero Message is none.
//
// The groups of all kinds lie in the same two arrays, so that a sync of 100,000
// costs a few allocations: group i has its key in names and its pids in pids, up
// to where spans[i] ends and from where the span before it ends. The pids of a
// leave are those of all its groups; there the spans say names only.
//
// Groups whose names are too long are left out: nobody here can join or publish to
// such a group, and the peer that has it is not to be parted from for that.
type Message struct {
	op    op
	from  Origin
	scope proc
	names string
	spans []span
	pids  []proc
	long  int // groups that were left out
}

// span is where a group's key and pids end.
type span struct{ name, pid uint32 }

// key is a view into names: who keeps it clones it, or it keeps all of them.
func (m *Message) key(i int) Key { return Key(m.names[m.start(i).name:m.spans[i].name]) }

// members are the pids of group i of a sync or join.
func (m *Message) members(i int) []proc { return m.pids[m.start(i).pid:m.spans[i].pid] }

func (m *Message) start(i int) span {
	if i == 0 {
		return span{}
	}
	return m.spans[i-1]
}
