package node

import (
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

// callKind is a question that we ask other nodes.
type callKind uint8

const (
	callPeers callKind = iota // of a liminal peer: its peers
	callNodes                 // of an OTP node: nodes()
	callAuth                  // of an OTP node: is_auth, as net_adm:ping asks
)

// questions is how each is asked, and who takes the answer.
var questions = [...]struct {
	to      string // registered name
	request func(n *Node) []byte
	answer  func(n *Node, from string, r *etf.Reader) error
	mesh    bool // asked only while the mesh is wanted
}{
	callPeers: {selfName, requestPeers, (*Node).gotPeers, true},
	callNodes: {"rex", requestNodes, (*Node).gotNodes, true},
	callAuth:  {"net_kernel", requestAuth, nil, false},
}

// callTime is how long an answer may take before it is no longer waited for.
const callTime = 30 * time.Second

// maxCalls bounds the questions that are out.
const maxCalls = 8192

// call is a question that is out. Guarded by Node.mu.
type call struct {
	kind   callKind
	link   *dist.Link
	peer   string
	number uint64 // of a probe
	until  time.Time
	take   func(*etf.Reader) error // takes the answer, in place of the row in questions
}

func requestPeers(*Node) []byte { return etf.AppendAtom(nil, "peers") }

// requestNodes is {call, erlang, nodes, [], user}. The group leader is an atom
// of the peer, so that what the call prints does not come to us.
// A look asks for nodes(connected), which has the hidden ones too.
func requestNodes(n *Node) []byte {
	b := etf.AppendAtom(etf.AppendTuple(nil, 5), "call")
	b = etf.AppendAtom(etf.AppendAtom(b, "erlang"), "nodes")
	if n.cfg.look {
		b = etf.AppendAtom(etf.AppendListHeader(b, 1), "connected")
	}
	return etf.AppendAtom(etf.AppendNil(b), "user")
}

func requestAuth(n *Node) []byte {
	return etf.AppendAtom(etf.AppendAtom(etf.AppendTuple(nil, 2), "is_auth"), n.name)
}

// ask sends a question over l.
func (n *Node) ask(l *dist.Link, name string, kind callKind) { n.askNumbered(l, name, kind, 0) }

func (n *Node) askNumbered(l *dist.Link, name string, kind callKind, number uint64) {
	q := questions[kind]
	if q.mesh && n.cfg.NoMesh {
		return
	}
	n.put(&call{kind: kind, link: l, peer: name, number: number}, q.to, q.request(n))
}

// put sends a question to a registered name and files it until it is answered,
// the link ends, or callTime has passed.
func (n *Node) put(c *call, to string, request []byte) {
	n.mu.Lock()
	if len(n.calls) >= maxCalls {
		n.mu.Unlock()
		n.counts.callsRefused.Add(1)
		return
	}
	n.lastRef++
	id := n.lastRef
	c.until = time.Now().Add(callTime)
	n.calls[id] = c
	n.mu.Unlock()
	// An error means that the link has ended, which drops its calls.
	_ = c.link.SendName(n.self, to, encodeCall(n.self, n.ref(id), request))
}

// ref is our reference of that number. OTP keeps 18 bits in the first word.
func (n *Node) ref(id uint64) etf.Ref {
	return etf.Ref{
		Node: etf.Atom(n.name), Creation: n.creation, Len: 3,
		Words: [5]uint32{uint32(id & 0x3ffff), uint32(id >> 18), uint32(id >> 50)},
	}
}

// refNumber is the number that ref was made of.
func refNumber(r etf.Ref) uint64 {
	return uint64(r.Words[0]) | uint64(r.Words[1])<<18 | uint64(r.Words[2])<<50
}

// answer takes {Ref, Result} if Ref is a question of ours to that link.
func (n *Node) answer(l *dist.Link, msg []byte) bool {
	r := etf.NewReader(msg, etf.WireLimits())
	if arity, err := r.TupleHeader(); err != nil || arity != 2 {
		return false
	}
	ref, err := r.RefView()
	if err != nil || ref.Len != 3 {
		return false
	}
	id := refNumber(ref.Ref())
	n.mu.Lock()
	c := n.calls[id]
	if c == nil || c.link != l {
		n.mu.Unlock()
		n.counts.lateAnswers.Add(1)
		return true
	}
	delete(n.calls, id)
	n.taking++
	n.mu.Unlock()
	defer n.answered()
	if c.take != nil {
		n.note(c.take(&r))
		return true
	}
	if c.kind == callAuth {
		n.probeAnswered(l, c.number)
		return true
	}
	n.note(questions[c.kind].answer(n, c.peer, &r))
	return true
}

// answered ends the taking of an answer, for which a look waits.
func (n *Node) answered() {
	n.mu.Lock()
	n.taking--
	n.mu.Unlock()
	if n.cfg.look {
		signal(n.settled)
	}
}

// dropCalls forgets what was asked over a link. The caller holds n.mu.
func (n *Node) dropCalls(l *dist.Link) {
	for id, c := range n.calls {
		if c.link == l {
			delete(n.calls, id)
		}
	}
}

// expireCalls forgets questions that were not answered.
func (n *Node) expireCalls(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, c := range n.calls {
		if now.After(c.until) {
			delete(n.calls, id)
			n.counts.callsExpired.Add(1)
		}
	}
}
