package epmd

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func newRegistrar(t *testing.T, cfg Config) *Registrar {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name, cfg.Port = "a", 9100
	}
	r, err := NewRegistrar(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRegister(t *testing.T) {
	taken := func(req []byte, nc net.Conn) {
		if req[0] == reqPortPlease2 {
			answer(portReply)(req, nc)
			return
		}
		pieces(aliveTaken)(req, nc)
	}
	for _, tt := range []struct {
		name       string
		mode       Mode
		down       bool
		serve      func([]byte, net.Conn)
		err        error
		registered bool
	}{
		{"long form", ModeAuto, false, keep(aliveLong, nil), nil, true},
		{"short form", ModeRequire, false, keep(aliveShort, nil), nil, true},
		{"in pieces", ModeRequire, false, pieces(aliveLong), nil, true},
		{"taken", ModeAuto, false, taken, ErrNameInUse, false},
		{"taken, require", ModeRequire, false, taken, ErrNameInUse, false},
		{"absent, auto", ModeAuto, true, nil, nil, false},
		{"absent, require", ModeRequire, true, nil, ErrNoEPMD, false},
		{"silent, auto", ModeAuto, false, hang, nil, false},
		{"silent, require", ModeRequire, false, hang, ErrNoEPMD, false},
		{"garbage, auto", ModeAuto, false, answer("HTTP/1.1 400"), nil, false},
		{"garbage, require", ModeRequire, false, answer("HTTP/1.1 400"), ErrBadReply, false},
		{"other result", ModeRequire, false, answer("\x76\x02"), ErrBadReply, false},
		{"off", ModeOff, true, nil, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{serve: tt.serve, down: tt.down}
				r := newRegistrar(t, Config{Client: f.client(), Mode: tt.mode})
				err := r.Register(t.Context())
				synctest.Wait()
				if s := r.State(); !errors.Is(err, tt.err) || s.Registered != tt.registered {
					t.Errorf("%v, %+v; want %v, registered %t", err, s, tt.err, tt.registered)
				}
				var inUse *NameInUseError
				if errors.As(err, &inUse) && (inUse.Port != 0x9cb9 || inUse.Name != "a") {
					t.Errorf("%+v, want port %d", inUse, 0x9cb9)
				}
				r.Close()
				f.group.Wait() // hangs if a socket stayed open
				if r.State().Registered {
					t.Error("registered after Close")
				}
			})
		})
	}
}

// Cut at each byte of the answer, a required registration fails and an
// automatic one is tried again.
func TestRegisterCutAnswer(t *testing.T) {
	for n := range len(aliveLong) {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{serve: answer(aliveLong[:n])}
			require := newRegistrar(t, Config{Client: f.client(), Mode: ModeRequire})
			wantErr(t, require.Register(t.Context()), ErrBadReply)
			auto := newRegistrar(t, Config{Client: f.client()})
			if err := auto.Register(t.Context()); err != nil {
				t.Error(err)
			}
			f.set(false, keep(aliveLong, nil))
			time.Sleep(retryBroken + 1)
			if s := auto.State(); !s.Registered || s.Attempts != 2 {
				t.Errorf("cut at %d: %+v", n, s)
			}
			require.Close()
			auto.Close()
			f.group.Wait()
		})
	}
}

func TestReRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kill := make(chan struct{})
		f := &fake{serve: keep(aliveLong, kill)}
		var states []State
		r := newRegistrar(t, Config{Client: f.client(), OnState: func(s State) { states = append(states, s) }})
		if err := r.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // nothing is sent, nothing happens
		if n := f.count(); n != 1 {
			t.Fatalf("%d requests in an hour, want 1", n)
		}

		f.set(true, nil)
		close(kill)
		synctest.Wait()
		if s := r.State(); s.Registered || s.Lost != 1 || !errors.Is(s.Err, io.EOF) {
			t.Errorf("after the loss: %+v", s)
		}
		time.Sleep(2*time.Second + 3*5*time.Second + 1) // tries at 2, 7, 12, 17 s
		if s := r.State(); s.Attempts != 5 || !errors.Is(s.Err, ErrNoEPMD) {
			t.Errorf("while absent: %+v", s)
		}
		f.set(false, keep(aliveLong, nil))
		time.Sleep(5 * time.Second)
		if s := r.State(); !s.Registered || s.Attempts != 6 || s.Err != nil || time.Since(s.Since) > 5*time.Second {
			t.Errorf("after the return: %+v", s)
		}
		r.Close()
		r.Close()
		f.group.Wait()

		var words []string
		for _, s := range states {
			word := "registered"
			if !s.Registered {
				word = "lost"
				if errors.Is(s.Err, ErrNoEPMD) {
					word = "absent"
				}
			}
			words = append(words, word)
		}
		if got := strings.Join(words, " "); got != "registered lost absent registered" {
			t.Errorf("states: %s", got)
		}
	})
}

// A name taken by another while our socket was broken is counted, told once,
// and tried again.
func TestTakenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kill := make(chan struct{})
		f := &fake{serve: keep(aliveLong, kill)}
		calls := 0
		r := newRegistrar(t, Config{Client: f.client(), Mode: ModeRequire, OnState: func(State) { calls++ }})
		if err := r.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.set(false, answer(aliveTaken))
		close(kill)
		time.Sleep(10*time.Second + 1)
		if s := r.State(); s.Registered || s.Taken != 5 || !errors.Is(s.Err, ErrNameInUse) {
			t.Errorf("while taken: %+v", s)
		}
		f.set(false, keep(aliveLong, nil))
		time.Sleep(2 * time.Second)
		if s := r.State(); !s.Registered || s.Err != nil {
			t.Errorf("when free: %+v", s)
		}
		r.Close()
		f.group.Wait()
		if calls != 4 {
			t.Errorf("%d calls of OnState, want registered, lost, taken, registered", calls)
		}
	})
}

// Bytes from epmd on a registered socket mean nothing and take no answer.
func TestChatterIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		f := &fake{serve: func(_ []byte, nc net.Conn) {
			io.WriteString(nc, aliveLong)
			for range 1000 {
				n, _ := io.WriteString(nc, aliveTaken)
				sent += n
			}
			if n, _ := io.Copy(io.Discard, nc); n != 0 {
				t.Errorf("%d bytes on a registered socket", n)
			}
		}}
		r := newRegistrar(t, Config{Client: f.client()})
		if err := r.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if s := r.State(); !s.Registered || s.Attempts != 1 {
			t.Errorf("%+v", s)
		}
		r.Close()
		f.group.Wait()
		if sent != 6000 {
			t.Errorf("%d bytes taken, want 6000", sent)
		}
	})
}

func TestHiddenType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{serve: keep(aliveLong, nil)}
		r := newRegistrar(t, Config{Client: f.client(), Hidden: true})
		r.Register(t.Context())
		r.Close()
		f.group.Wait()
		if got := f.requests[0][3]; got != 72 {
			t.Errorf("node type %d, want 72", got)
		}
	})
}

func TestCloseEndsRegister(t *testing.T) {
	for _, mode := range []Mode{ModeAuto, ModeRequire} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{serve: hang}
			r := newRegistrar(t, Config{Client: f.client(), Mode: mode})
			done := make(chan error)
			go func() { done <- r.Register(t.Context()) }()
			synctest.Wait()
			start := time.Now()
			r.Close()
			if err := <-done; err == nil || time.Since(start) != 0 {
				t.Errorf("%s: Register returned %v after %v", mode, err, time.Since(start))
			}
			f.group.Wait()
		})
	}
}

func TestCancelledRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{serve: hang}
		r := newRegistrar(t, Config{Client: f.client()})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		wantErr(t, r.Register(ctx), context.Canceled)
		time.Sleep(time.Minute)
		if n := f.count(); n != 1 {
			t.Errorf("%d attempts, want no more after an error", n)
		}
		r.Close()
		f.group.Wait()
	})
}

func TestRegisterTwiceAndAfterClose(t *testing.T) {
	r := newRegistrar(t, Config{Mode: ModeOff})
	if err := r.Register(t.Context()); err != nil {
		t.Error(err)
	}
	if err := r.Register(t.Context()); err == nil {
		t.Error("a second Register succeeded")
	}
	r.Close()
	wantErr(t, r.Register(t.Context()), ErrClosed)
}

func TestNewRegistrarRefuses(t *testing.T) {
	for _, cfg := range []Config{
		{Port: 1}, {Name: strings.Repeat("a", 256), Port: 1}, {Name: "a"}, {Name: "a", Port: 65536},
		{Name: "a", Port: 1, Mode: "on"},
	} {
		if _, err := NewRegistrar(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}
