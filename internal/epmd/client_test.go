package epmd

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// S11: an epmd that is silent, huge, wrong or gone costs two seconds at most.
func TestLookup(t *testing.T) {
	for _, tt := range []struct {
		name  string
		serve func([]byte, net.Conn)
		port  int
		err   error
		took  time.Duration
	}{
		{"found", answer(portReply), 0x9cb9, nil, 0},
		{"found in pieces, not closed", pieces(portReply), 0x9cb9, nil, 0},
		{"unknown", answer(noSuchName), 0, ErrNoSuchName, 0},
		{"closed without a word", answer(""), 0, ErrBadReply, 0},
		{"silence", hang, 0, ErrNoEPMD, 2 * time.Second},
		{"half an answer, then silence", pieces(portReply[:7]), 0, ErrNoEPMD, 2 * time.Second},
		{"huge", flood(portReply[:14] + "\xff\xff"), 0, ErrBadReply, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{serve: tt.serve}
				start := time.Now()
				port, err := f.client().Lookup(t.Context(), "host", "ab")
				f.group.Wait()
				if port != tt.port || !errors.Is(err, tt.err) || time.Since(start) != tt.took {
					t.Errorf("%d, %v after %v; want %d, %v after %v", port, err, time.Since(start), tt.port, tt.err, tt.took)
				}
				if got := string(f.requests[0]); got != "\x7aab" {
					t.Errorf("request %q", got)
				}
			})
		})
	}
}

func TestNames(t *testing.T) {
	const head = "\x00\x00\x11\x11"
	for _, tt := range []struct {
		name  string
		serve func([]byte, net.Conn)
		n     int
		err   error
		took  time.Duration
	}{
		{"none", answer(head), 0, nil, 0},
		{"two", answer(head + "name a at port 1\nname b at port 2\n"), 2, nil, 0},
		{"a full host", answer(head + strings.Repeat("name "+strings.Repeat("x", 255)+" at port 65535\n", 230)), 230, nil, 0},
		{"huge", flood(head + "name a at port 1\n"), 0, ErrBadReply, 0},
		{"not closed", pieces(head), 0, ErrNoEPMD, 2 * time.Second},
		{"silence", hang, 0, ErrNoEPMD, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{serve: tt.serve}
				start := time.Now()
				entries, err := f.client().Names(t.Context(), "host")
				f.group.Wait()
				if len(entries) != tt.n || !errors.Is(err, tt.err) || time.Since(start) != tt.took {
					t.Errorf("%d entries, %v after %v; want %d, %v after %v", len(entries), err, time.Since(start), tt.n, tt.err, tt.took)
				}
			})
		})
	}
}

func TestAddress(t *testing.T) {
	var got []string
	c := Client{Dial: func(_ context.Context, network, addr string) (net.Conn, error) {
		got = append(got, network+" "+addr)
		return nil, os.ErrPermission
	}}
	_, err := c.Lookup(t.Context(), "::1", "a")
	wantErr(t, err, ErrNoEPMD)
	wantErr(t, err, os.ErrPermission)
	c.Port = 5000
	c.Names(t.Context(), "h")
	if want := "tcp [::1]:4369,tcp h:5000"; strings.Join(got, ",") != want {
		t.Errorf("dialled %v, want %s", got, want)
	}
}

// The caller's cancel is not silence: it says nothing about epmd.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{serve: hang}
		stopped := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(stopped) })
		_, err := f.client().Lookup(ctx, "host", "a")
		wantErr(t, err, stopped)
		if errors.Is(err, ErrNoEPMD) {
			t.Errorf("%v blames epmd", err)
		}
		f.group.Wait()
	})
}

func TestCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{serve: hang}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := f.client().Lookup(ctx, "host", "a")
		wantErr(t, err, ErrNoEPMD)
		wantErr(t, err, context.DeadlineExceeded)
		if d := time.Since(start); d != time.Second {
			t.Errorf("took %v", d)
		}
		f.group.Wait()
	})
}

func TestNameLength(t *testing.T) {
	for _, name := range []string{"", strings.Repeat("a", 256)} {
		if _, err := (Client{}).Lookup(t.Context(), "127.0.0.1", name); err == nil {
			t.Errorf("name of %d bytes was looked up", len(name))
		}
	}
}

func TestRefused(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	ln.Close()
	_, err = Client{Port: port}.Lookup(t.Context(), "127.0.0.1", "a")
	wantErr(t, err, ErrNoEPMD)
}
