package links

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// within bounds every wait; nothing sleeps for it.
const within = 15 * time.Second

// mute is a Handler on which nothing lives.
type mute struct{}

func (mute) Send(*dist.Link, etf.PidView, []byte)                  {}
func (mute) SendName(*dist.Link, etf.PidView, []byte, []byte)      {}
func (mute) SendAlias(*dist.Link, etf.Ref, []byte)                 {}
func (mute) Limit(etf.PidView) int                                 { return 0 }
func (mute) LimitName([]byte) int                                  { return 0 }
func (mute) Dropped(*dist.Link, etf.PidView, []byte, dist.Drop)    {}
func (mute) Linked(_ *dist.Link, _, _ etf.Pid)                     {}
func (mute) Unlinked(_ *dist.Link, _, _ etf.Pid)                   {}
func (mute) Lives(etf.PidView) bool                                { return false }
func (mute) LivesName([]byte) bool                                 { return false }
func (mute) Monitored(*dist.Link, etf.Pid, dist.Target, etf.Ref)   {}
func (mute) Demonitored(*dist.Link, etf.Pid, dist.Target, etf.Ref) {}
func (mute) MonitorExit(*dist.Link, etf.Ref, []byte)               {}
func (mute) Exit(_ *dist.Link, _, _ etf.Pid, _ []byte)             {}

// note is one call of a hook.
type note struct {
	up   bool
	info Info
}

func (n note) String() string {
	word := map[bool]string{true: "up", false: "down"}[n.up]
	return fmt.Sprintf("%s %s %d %s", word, n.info.Name, n.info.Generation, n.info.Reason)
}

// log is what the hooks of one table were told. wait is told of each note.
type log struct {
	t       testing.TB
	mu      sync.Mutex
	notes   []note
	refused []Refusal
	changed chan struct{}
}

func newLog(t testing.TB) *log { return &log{t: t, changed: make(chan struct{})} }

func (l *log) add(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *log) up(i Info)   { l.add(func() { l.notes = append(l.notes, note{true, i}) }) }
func (l *log) down(i Info) { l.add(func() { l.notes = append(l.notes, note{false, i}) }) }
func (l *log) deny(r Refusal) {
	l.add(func() { l.refused = append(l.refused, r) })
}

func (l *log) all() ([]note, []Refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]note(nil), l.notes...), append([]Refusal(nil), l.refused...)
}

// await returns when ok holds.
func (l *log) await(what string, ok func([]note, []Refusal) bool) {
	l.t.Helper()
	limit := time.After(within)
	for {
		l.mu.Lock()
		done, changed := ok(l.notes, l.refused), l.changed
		l.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-limit:
			n, r := l.all()
			l.t.Fatalf("not within %v: %s; notes %v, refused %v", within, what, n, r)
		}
	}
}

func (l *log) ups() int { n, _ := l.all(); return count(n, true) }

func count(notes []note, up bool) (n int) {
	for _, m := range notes {
		if m.up == up {
			n++
		}
	}
	return n
}

// checkOrder holds the notes against the contract: for each name up and down
// take turns, and a down belongs to the link that came up before it.
func (l *log) checkOrder() {
	l.t.Helper()
	notes, _ := l.all()
	last := map[string]note{}
	for i, n := range notes {
		prev, seen := last[n.info.Name]
		if seen && prev.up == n.up || !seen && !n.up || !n.up && prev.info.Link != n.info.Link {
			l.t.Fatalf("note %d is %v after %v; all: %v", i, n, prev, notes)
		}
		last[n.info.Name] = n
	}
}

// end is a table with what a test wants to know of it.
type end struct {
	*Table
	log  *log
	addr netip.AddrPort
}

func localAs(name, cookie string, creation uint32) dist.Local {
	return dist.Local{
		Name: name, Creation: creation, Flags: dist.Offer(false),
		Cookie: dist.NewCookie(cookie), Challenges: new(dist.Challenges),
	}
}

const testCookie = "a cookie for these tests"

// bare is a table without listeners.
func bare(t testing.TB, name string, creation uint32, change func(*Config)) *end {
	l := newLog(t)
	c := Config{
		Local: localAs(name, testCookie, creation), Handler: mute{}, Tick: time.Minute,
		Up: l.up, Down: l.down, Refused: l.deny,
	}
	if change != nil {
		change(&c)
	}
	return &end{Table: New(c), log: l}
}

// open is a table that listens on host until the test ends.
func open(t testing.TB, name string, creation uint32, change func(*Config)) *end {
	t.Helper()
	e := bare(t, name, creation, change)
	e.serve(t, "127.0.0.1:0")
	t.Cleanup(func() {
		e.Close(dist.ReasonStopped)
		e.log.checkOrder()
	})
	return e
}

func (e *end) serve(t testing.TB, spec string) {
	t.Helper()
	ls, err := Listen(t.Context(), spec, "")
	if err != nil {
		t.Fatal(err)
	}
	e.addr = ls[0].Addr().(*net.TCPAddr).AddrPort()
	e.Serve(ls)
}

func (e *end) name() string { return e.cfg.Local.Name }

func (e *end) reach(to *end, want string) (Info, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return e.Dial(ctx, 2*time.Second, to.addr, want)
}

func (e *end) mustDial(t testing.TB, to *end, want string) Info {
	t.Helper()
	info, err := e.reach(to, want)
	if err != nil {
		t.Fatalf("%s dials %s: %v", e.name(), to.name(), err)
	}
	return info
}

func (e *end) await(t testing.TB, name string) Info {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	info, err := e.Await(ctx, name)
	if err != nil {
		t.Fatalf("%s awaits %s: %v", e.name(), name, err)
	}
	return info
}

func (e *end) downs(t testing.TB, n int) {
	t.Helper()
	e.log.await(fmt.Sprintf("%d downs", n), func(notes []note, _ []Refusal) bool { return count(notes, false) >= n })
}

func (e *end) refusals(t testing.TB, n int) []Refusal {
	t.Helper()
	e.log.await(fmt.Sprintf("%d refusals", n), func(_ []note, r []Refusal) bool { return len(r) >= n })
	_, r := e.log.all()
	return r
}
