package links

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

func TestDialByNameAndByLabel(t *testing.T) {
	a, b, c := open(t, "a@h", 11, nil), open(t, "b@h", 22, nil), open(t, "c@h", 33, nil)
	v0, rows := a.Snapshot()
	if len(rows) != 0 {
		t.Fatalf("a new table has rows: %v", rows)
	}
	info := a.mustDial(t, c, "")
	if info.Name != "c@h" || info.Creation != 33 || info.Generation != 1 || !info.Up || !info.Outgoing ||
		info.Addr != c.addr || info.Link == nil || info.RTT <= 0 || info.Since.IsZero() || info.Reason != "" {
		t.Errorf("by label: %+v", info)
	}
	a.mustDial(t, b, "b@h")
	in := b.await(t, "a@h")
	if in.Outgoing || in.Creation != 11 || in.Generation != 1 || in.Addr.Addr() != a.addr.Addr() {
		t.Errorf("b has a as %+v", in)
	}
	v, rows := a.Snapshot()
	if len(rows) != 2 || rows[0].Name != "b@h" || rows[1].Name != "c@h" {
		t.Errorf("snapshot %v, want b and c", rows)
	}
	if v != v0+2 || v != a.Version() {
		t.Errorf("version %d after two links, began at %d", v, v0)
	}
	if again, err := a.reach(b, "b@h"); !errors.Is(err, ErrUp) || again.Generation != 1 {
		t.Errorf("second dial by name: %+v, %v", again, err)
	}
	if again, err := a.reach(c, ""); !errors.Is(err, ErrUp) || again.Name != "c@h" {
		t.Errorf("second dial by label: %+v, %v", again, err)
	}
	if again, err := b.reach(a, ""); !errors.Is(err, ErrUp) || again.Name != "a@h" {
		t.Errorf("dial by label of a peer that dialled us: %+v, %v", again, err)
	}
	if _, err := a.reach(b, "x@h"); !errors.Is(err, dist.ErrWrongName) {
		t.Errorf("dial of another name: %v", err)
	}
	if a.Version() != v || a.log.ups() != 2 {
		t.Errorf("dials that changed nothing changed the version, %d to %d", v, a.Version())
	}
}

func TestGenerationsAndVersions(t *testing.T) {
	a, b := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil)
	for g := uint64(1); g <= 3; g++ {
		v := a.Version()
		info := a.mustDial(t, b, "b@h")
		if info.Generation != g || a.Version() != v+1 {
			t.Fatalf("generation %d, version %d to %d, want %d and one more", info.Generation, v, a.Version(), g)
		}
		b.await(t, "a@h")
		info.Link.Close(dist.ReasonClosed, nil)
		a.downs(t, int(g))
		b.downs(t, int(g))
		row, _ := a.Lookup("b@h")
		if row.Up || row.Link != nil || row.Reason != dist.ReasonClosed || row.Detail == "" || row.Ended.IsZero() || a.Version() != v+2 {
			t.Fatalf("after the end: %+v, version %d", row, a.Version())
		}
	}
	v := a.Version()
	if !a.Forget("b@h") || a.Version() != v+1 {
		t.Error("a row that is down was not forgotten, or without a change")
	}
	if a.Forget("b@h") || a.Version() != v+1 {
		t.Error("forgotten twice")
	}
	a.mustDial(t, b, "b@h")
	if a.Forget("b@h") || !a.Up("b@h") {
		t.Error("a live row was forgotten")
	}
}

func TestAwait(t *testing.T) {
	a, b := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	cancel(why)
	if _, err := a.Await(ctx, "b@h"); err != why {
		t.Errorf("await of a context that has ended: %v", err)
	}
	got := make(chan Info, 1)
	go func() { got <- a.await(t, "b@h") }()
	b.mustDial(t, a, "")
	if i := <-got; i.Name != "b@h" || i.Link == nil {
		t.Errorf("awaited %+v", i)
	}
	end := make(chan error, 1)
	go func() {
		_, err := a.Await(t.Context(), "nobody@h")
		end <- err
	}()
	a.CloseListeners()
	if err := <-end; !errors.Is(err, ErrClosed) {
		t.Errorf("await in a closed table: %v", err)
	}
	if i := a.await(t, "b@h"); !i.Up {
		t.Error("closing the listeners touched a live link")
	}
}

func TestRefusals(t *testing.T) {
	wrong := func(c *Config) { c.Local.Cookie = dist.NewCookie("another one") }
	veto := errors.New("veto")
	for _, tt := range []struct {
		name       string
		from       func(*Config)
		to         func(*Config)
		before     func(a, b *end)
		err        error
		theirs     error
		fromName   string
		toCreation uint32
	}{
		{name: "cookie", from: wrong, err: dist.ErrCookie, theirs: dist.ErrCookie},
		{name: "vet", from: func(c *Config) { c.Vet = func(string) error { return veto } }, err: veto, theirs: dist.ErrClosed},
		{name: "alone", before: func(_, b *end) { b.SetAlone(true) }, err: dist.ErrNotAllowed, theirs: dist.ErrNotAllowed},
		{name: "same name", fromName: "b@h", err: dist.ErrNotAllowed, theirs: dist.ErrSameName},
		{name: "self", fromName: "b@h", toCreation: 1, err: dist.ErrSelf, theirs: dist.ErrSelf},
	} {
		for _, want := range []string{"", "b@h"} {
			t.Run(tt.name+" "+want, func(t *testing.T) {
				from, life := "a@h", uint32(2)
				if tt.fromName != "" {
					from = tt.fromName
				}
				if tt.toCreation != 0 {
					life = tt.toCreation
				}
				a, b := open(t, from, 1, tt.from), open(t, "b@h", life, tt.to)
				if tt.before != nil {
					tt.before(a, b)
				}
				v := b.Version()
				if _, err := a.reach(b, want); !errors.Is(err, tt.err) {
					t.Errorf("dial: %v, want %v", err, tt.err)
				}
				if r := b.refusals(t, 1)[0]; !errors.Is(r.Err, tt.theirs) || !r.Addr.IsValid() {
					t.Errorf("refused as %+v, want %v", r, tt.theirs)
				}
				_, rows := b.Snapshot()
				if len(rows) > 0 || a.log.ups()+b.log.ups() > 0 || b.Version() != v {
					t.Errorf("a refused peer left a trace: %v", rows)
				}
			})
		}
	}
}

func TestAloneDialsButIsNotDialled(t *testing.T) {
	a, b := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil)
	a.SetAlone(true)
	a.mustDial(t, b, "").Link.Close(dist.ReasonClosed, nil)
	b.downs(t, 1)
	if _, err := b.reach(a, "a@h"); !errors.Is(err, dist.ErrNotAllowed) {
		t.Errorf("dialled while alone: %v", err)
	}
	a.SetAlone(false)
	b.mustDial(t, a, "a@h")
	if a.Counters()["handshakes_refused_alone"] != 1 {
		t.Errorf("counters %v", a.Counters())
	}
}

// S20: a full table refuses and dials nobody more; a dial by name does not even
// connect.
func TestMaxPeers(t *testing.T) {
	hub := open(t, "hub@h", 1, func(c *Config) { c.MaxPeers = 1 })
	a, b := open(t, "a@h", 2, nil), open(t, "b@h", 3, nil)
	a.mustDial(t, hub, "")
	if _, err := b.reach(hub, ""); !errors.Is(err, dist.ErrNotAllowed) {
		t.Errorf("dial of a full table: %v", err)
	}
	if _, err := hub.reach(b, ""); !errors.Is(err, ErrFull) {
		t.Errorf("dial by a full table: %v", err)
	}
	b.refusals(t, 1)
	if b.log.ups() != 0 {
		t.Error("the peer had a link with a table that was full")
	}
	if _, err := hub.reach(a, ""); !errors.Is(err, ErrUp) {
		t.Errorf("dial of the one peer: %v", err)
	}
	b.CloseListeners() // a dial by name does not get as far as to find that out
	if _, err := hub.reach(b, "b@h"); !errors.Is(err, ErrFull) {
		t.Errorf("dial by name by a full table: %v", err)
	}
}

func TestDialErrors(t *testing.T) {
	a, b := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil)
	b.CloseListeners()
	_, err := a.reach(b, "b@h")
	var ce *ConnectError
	if !errors.As(err, &ce) || ce.Addr != b.addr || ce.Error() == "" {
		t.Errorf("closed port: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel, never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	silent := &end{addr: l.Addr().(*net.TCPAddr).AddrPort()}
	a.setup = 50 * time.Millisecond
	if _, err := a.reach(silent, ""); !errors.Is(err, dist.ErrTimeout) {
		t.Errorf("silent peer: %v", err)
	}
	a.setup = dist.SetupTime
	l.Close()
	if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	silent.addr = l.Addr().(*net.TCPAddr).AddrPort()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	go func() {
		conn, err := l.Accept()
		if err == nil {
			conn.Read(make([]byte, 1)) // its name: it is in the handshake
			defer conn.Close()
		}
		cancel(why)
	}()
	if _, err := a.Dial(ctx, time.Second, silent.addr, "s@h"); !errors.Is(err, why) {
		t.Errorf("dial whose context ended: %v", err)
	}
	a.CloseListeners()
	if _, err := a.reach(b, ""); !errors.Is(err, ErrClosed) {
		t.Errorf("dial of a closed table: %v", err)
	}
}

// Close ends dials in every stage, and returns only after each Down.
func TestCloseEndsEverything(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	silent := &end{addr: l.Addr().(*net.TCPAddr).AddrPort()}
	a, b := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil)
	a.mustDial(t, b, "")
	errs := make(chan error, 2)
	for _, want := range []string{"", "s@h"} {
		go func() {
			_, err := a.reach(silent, want)
			errs <- err
		}()
	}
	for range 2 {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Read(make([]byte, 4)) // its name is on the way: it is in the handshake
	}
	mute, err := net.Dial("tcp", a.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	start := time.Now()
	a.Close(dist.ReasonStopped)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("close took %v", took)
	}
	for range 2 {
		if err := <-errs; !errors.Is(err, ErrClosed) {
			t.Errorf("dial ended with %v", err)
		}
	}
	notes, _ := a.log.all()
	if len(notes) != 2 || notes[1].info.Reason != dist.ReasonStopped {
		t.Errorf("notes when Close returns: %v", notes)
	}
	a.Close(dist.ReasonStopped) // again
	ls, err := Listen(t.Context(), "127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	a.Serve(ls)
	if _, err := ls[0].Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed table took a listener: %v", err)
	}
}

// A link may end before its Up has returned, and Dial still returns it.
func TestLinkThatDiesAtOnce(t *testing.T) {
	var a *end
	a = bare(t, "a@h", 1, func(c *Config) {
		up := c.Up
		c.Up = func(i Info) {
			i.Link.Close(dist.ReasonQuota, nil)
			if a.Up(i.Name) || a.Forget(i.Name) {
				t.Error("still up, or forgotten before its Down")
			}
			up(i)
		}
	})
	defer a.Close(dist.ReasonStopped)
	b := open(t, "b@h", 2, nil)
	for g := range uint64(5) {
		info := a.mustDial(t, b, "")
		if info.Link == nil || info.Generation != g+1 {
			t.Fatalf("dial gave %+v", info)
		}
		a.downs(t, int(g)+1)
		b.downs(t, int(g)+1)
	}
	a.log.checkOrder()
	notes, _ := a.log.all()
	if slices.ContainsFunc(notes, func(n note) bool { return !n.up && n.info.Reason != dist.ReasonQuota }) {
		t.Errorf("notes %v", notes)
	}
}

func TestDownOfReplacedComesBeforeUp(t *testing.T) {
	// The old link ends in its own goroutine, which is held inside Down, while
	// its successor is already through.
	hold, inDown := make(chan struct{}), make(chan struct{}, 8)
	b := open(t, "b@h", 2, func(c *Config) {
		down := c.Down
		c.Down = func(i Info) {
			inDown <- struct{}{}
			<-hold
			down(i)
		}
	})
	a := open(t, "a@h", 1, nil)
	a.mustDial(t, b, "")
	first := b.await(t, "a@h")
	go first.Link.Close(dist.ReasonQuota, nil)
	<-inDown
	a.downs(t, 1)
	got := make(chan Info)
	go func() {
		info, err := a.reach(b, "")
		if err != nil {
			t.Error(err)
		}
		got <- info
	}()
	second := b.await(t, "a@h")
	if n := b.log.ups(); n != 1 || second.Generation != 2 {
		t.Errorf("%d ups while the Down of the first is under way", n)
	}
	close(hold)
	<-got
	b.log.await("second up", func(n []note, _ []Refusal) bool { return count(n, true) == 2 })
	b.log.checkOrder()
}
