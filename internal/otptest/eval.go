package otptest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What goes wrong between test and node; an *Exception is not among them.
var (
	ErrTimeout  = errors.New("no answer in time")
	ErrNodeDown = errors.New("node is not running")
)

// Exception is what an expression raised.
type Exception struct {
	Text string // "error: badarith", "throw: x", "syntax: ..." for one that does not parse
}

func (e *Exception) Error() string { return "exception " + e.Text }

// Eval evaluates Erlang expressions ("A = 1, A + 1."; the last dot may be left
// out) in the node's process otptest and returns the last value as ~0tp prints
// it, or "exception CLASS: REASON". No answer in time fails the test.
func (n *Node) Eval(t testing.TB, expr string) string {
	t.Helper()
	text, err := n.EvalErr(expr)
	return n.settle(t, expr, text, err)
}

// EvalErr is Eval with its failures told apart: an *Exception, ErrTimeout or
// ErrNodeDown. It may be called from any goroutine.
func (n *Node) EvalErr(expr string) (string, error) {
	n.conn.serial.Lock()
	defer n.conn.serial.Unlock()
	c, err := n.conn.send('e', nil, expr)
	if err != nil {
		return "", err
	}
	return c.wait(n.conn.timeout)
}

// WaitEval evaluates expr again and again, inside the node, until it prints
// want, and fails the test if it has not done so within the given time.
func (n *Node) WaitEval(t testing.TB, expr, want string, within time.Duration) {
	t.Helper()
	n.conn.serial.Lock()
	defer n.conn.serial.Unlock()
	head := binary.BigEndian.AppendUint32(nil, uint32(within.Milliseconds()))
	head = binary.BigEndian.AppendUint32(head, uint32(len(want)))
	c, err := n.conn.send('w', append(head, want...), expr)
	if err == nil {
		_, err = c.wait(within + n.conn.timeout) // the node itself reports the first
	}
	var late *lateError
	if errors.As(err, &late) {
		t.Fatalf("otptest: %s: %s\nafter %v: %s\n   want: %s", n.Name, expr, within, late.last, want)
	}
	if err != nil {
		t.Fatalf("otptest: %s: wait for %s: %v", n.Name, expr, err)
	}
}

// Call is an evaluation under way.
type Call struct {
	node *Node
	expr string
	c    *call
	err  error
}

// Spawn begins to evaluate expr in a process of its own. Any number may be under
// way, beside Eval; it may be called from any goroutine.
func (n *Node) Spawn(expr string) *Call {
	c, err := n.conn.send('s', nil, expr)
	return &Call{node: n, expr: expr, c: c, err: err}
}

// Result waits for the answer, as EvalErr does; call it once.
func (c *Call) Result() (string, error) {
	if c.err != nil {
		return "", c.err
	}
	return c.c.wait(c.node.conn.timeout)
}

// Get is Result with the failures of Eval.
func (c *Call) Get(t testing.TB) string {
	t.Helper()
	text, err := c.Result()
	return c.node.settle(t, c.expr, text, err)
}

func (n *Node) settle(t testing.TB, expr, text string, err error) string {
	t.Helper()
	var ex *Exception
	if errors.As(err, &ex) {
		return ex.Error()
	}
	if err != nil {
		t.Fatalf("otptest: %s: %s: %v", n.Name, expr, err)
	}
	return text
}

// Port is the port the node's distribution listens on, as epmd tells it.
func (n *Node) Port(t testing.TB) int {
	t.Helper()
	text := n.Eval(t, `{port, P, _} = erl_epmd:port_please("`+n.Alive+`", {127,0,0,1}), P.`)
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("otptest: %s: port: %s", n.Name, text)
	}
	return port
}

// Addr is "127.0.0.1:PORT" of the node's distribution listener.
func (n *Node) Addr(t testing.TB) string {
	t.Helper()
	return "127.0.0.1:" + strconv.Itoa(n.Port(t))
}

// evalConn is the pair of pipes to loop.eval, whose head tells the packets.
type evalConn struct {
	timeout time.Duration
	hello   chan reply
	serial  sync.Mutex // held for a call of the process otptest

	in      *os.File // replies
	started bool
	done    chan struct{} // closed by the reader

	mu      sync.Mutex // guards the rest
	out     *os.File
	lastID  uint32
	pending map[uint32]chan reply
	down    bool
}

type reply struct {
	kind byte
	text string
}

// lateError is a WaitEval whose time is up; last is what it printed last.
type lateError struct{ last string }

func (e *lateError) Error() string { return "still " + e.last }

// newEvalConn makes the pipes; childEnds become descriptors 3 and 4 of the node.
func newEvalConn(timeout time.Duration) (conn *evalConn, childEnds []*os.File, err error) {
	r3, w3, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	r4, w4, err := os.Pipe()
	if err != nil {
		r3.Close()
		w3.Close()
		return nil, nil, err
	}
	return &evalConn{
		timeout: timeout, hello: make(chan reply, 1), in: r4, out: w3,
		done: make(chan struct{}), pending: map[uint32]chan reply{},
	}, []*os.File{r3, w4}, nil
}

// start runs the only reader; close waits for it.
func (c *evalConn) start() {
	c.started = true
	go c.readLoop()
}

func (c *evalConn) close() {
	c.out.Close()
	c.in.Close() // unblocks the reader
	if c.started {
		<-c.done
	}
}

func (c *evalConn) readLoop() {
	defer close(c.done)
	for {
		id, r, err := readReply(c.in)
		if err != nil {
			c.fail()
			return
		}
		c.deliver(id, r)
	}
}

func (c *evalConn) deliver(id uint32, r reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id == 0 {
		c.hello <- r
		return
	}
	if ch := c.pending[id]; ch != nil { // else its caller has given up
		ch <- r // has room for one, and gets one
		delete(c.pending, id)
	}
}

// fail ends every call under way: the node's end of the pipe is gone.
func (c *evalConn) fail() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = true
	for id, ch := range c.pending {
		close(ch)
		delete(c.pending, id)
	}
}

// call is one packet on its way and the place its answer comes to.
type call struct {
	conn *evalConn
	id   uint32
	ch   chan reply
}

func (c *evalConn) send(kind byte, head []byte, expr string) (*call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return nil, ErrNodeDown
	}
	c.lastID++
	k := &call{conn: c, id: c.lastID, ch: make(chan reply, 1)}
	if err := c.write(kind, k.id, head, withDot(expr)); err != nil {
		return nil, err
	}
	c.pending[k.id] = k.ch
	return k, nil
}

// write sends one packet; a stopped node lets its pipe fill, hence the deadline.
func (c *evalConn) write(kind byte, id uint32, head []byte, expr string) error {
	p := binary.BigEndian.AppendUint32(nil, uint32(5+len(head)+len(expr)))
	p = append(p, kind)
	p = binary.BigEndian.AppendUint32(p, id)
	p = append(append(p, head...), expr...)
	_ = c.out.SetWriteDeadline(time.Now().Add(c.timeout))
	if _, err := c.out.Write(p); err != nil {
		return fmt.Errorf("%w: %w", ErrNodeDown, err)
	}
	return nil
}

func (k *call) wait(within time.Duration) (string, error) {
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	select {
	case r, ok := <-k.ch:
		if !ok {
			return "", ErrNodeDown
		}
		return r.result()
	case <-timeout.C:
		k.giveUp()
		return "", fmt.Errorf("%w (%v)", ErrTimeout, within)
	}
}

// giveUp forgets the answer and has the process that works on it killed.
func (k *call) giveUp() {
	k.conn.mu.Lock()
	defer k.conn.mu.Unlock()
	delete(k.conn.pending, k.id)
	_ = k.conn.write('x', k.id, nil, "")
}

func (r reply) result() (string, error) {
	switch r.kind {
	case 'v':
		return r.text, nil
	case 't':
		return "", &lateError{last: r.text}
	default:
		return "", &Exception{Text: r.text}
	}
}

// readReply reads <<Len:32, Id:32, Kind, Text>>. The node is ours, so its lengths
// are believed.
func readReply(r io.Reader) (id uint32, rep reply, err error) {
	var head [9]byte
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return 0, rep, err
	}
	text := make([]byte, binary.BigEndian.Uint32(head[:4])-5)
	_, err = io.ReadFull(r, text)
	return binary.BigEndian.Uint32(head[4:8]), reply{kind: head[8], text: string(text)}, err
}

func withDot(expr string) string {
	expr = strings.TrimSpace(expr)
	if !strings.HasSuffix(expr, ".") {
		expr += "."
	}
	return expr
}
