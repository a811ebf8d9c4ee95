package links

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// attempt is one handshake under way, in either direction.
type attempt struct {
	t        *Table
	addr     netip.AddrPort
	outgoing bool
	want     string // the name dialled, "" under a throw-away label
	tries    *tries // what it shows of us; outgoing: shared with the attempts before it in one dial

	// Guarded by Table.mu, though nobody but the attempt's own goroutine
	// changes them.
	name     string // claimed by the peer, or wanted
	creation uint32 // claimed by the peer; 0 while unknown
	insisted bool   // it was told alive and came on: its side has no link any more
	named    bool   // outgoing: our name message may be with the peer
	proving  bool   // outgoing: our digest may be with the peer
	crowded  bool   // outgoing: another dial of ours has met the same name since
	hasty    bool   // outgoing: proving while an inbound one was under way
	newLife  bool   // outgoing: not to the life that was disowned, see DialNew
	barred   bool   // inbound: refused as the first of a life that was disowned
	over     bool   // ended is closed

	waited time.Duration // outgoing: how long it has stood back; of its own goroutine alone

	ended chan struct{}   // closed when it has left the table
	ctx   context.Context // done when it was cancelled, with the cause
	stop  context.CancelCauseFunc

	mu     sync.Mutex
	conn   net.Conn // nil while a dial connects
	linked bool     // the conn belongs to a link: cancel comes too late
}

func (t *Table) newAttempt(ctx context.Context, addr netip.AddrPort) *attempt {
	a := &attempt{t: t, addr: addr, tries: t.newTries(), ended: make(chan struct{})}
	a.ctx, a.stop = context.WithCancelCause(ctx)
	return a
}

// cancel ends the handshake from outside: what it waits for fails. It never
// touches the conn of a link.
func (a *attempt) cancel(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.linked {
		return
	}
	a.stop(cause)
	if a.conn != nil {
		a.conn.Close()
	}
}

// attach gives a dial its socket, or closes it if the dial has been cancelled
// meanwhile.
func (a *attempt) attach(conn net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conn = conn
	if a.ctx.Err() != nil {
		conn.Close()
	}
}

// commit turns the handshake into a link, unless it was cancelled before.
func (a *attempt) commit() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	a.linked = true
	return nil
}

// explain puts the cause of cancel in place of the I/O error it brought about.
func (a *attempt) explain(err error) error {
	if cause := context.Cause(a.ctx); cause != nil {
		return cause
	}
	return err
}

// leave takes the attempt off the table.
func (a *attempt) leave() {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	a.t.drop(a)
	a.stop(nil)
}

// drop takes a off the table and lets those go that waited for its end. The
// caller holds t.mu.
func (t *Table) drop(a *attempt) {
	delete(t.in, a)
	delete(t.dials, a)
	if t.out[a.name] == a {
		delete(t.out, a.name)
	}
	if !a.over {
		a.over = true
		close(a.ended)
	}
}

// heard is the name the other side gave, or the one wanted.
func (a *attempt) heard() string {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	return a.name
}

// admit answers the name message of an inbound handshake.
func (a *attempt) admit(h dist.Hello) dist.Status {
	t := a.t
	t.mu.Lock()
	defer t.mu.Unlock()
	a.name, a.creation = h.Name, h.Creation
	status := t.judge(h)
	switch status {
	case dist.StatusNotAllowed:
		a.barred = t.firstRefusal(h)
	case dist.StatusOK, dist.StatusOKSimultaneous, dist.StatusAlive:
		t.in[a] = true
	}
	a.insisted = status == dist.StatusAlive // it only goes on from there by insisting
	return status
}
