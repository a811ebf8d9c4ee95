package dist

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func nodeLocal(name, cookie string) Local {
	return Local{Name: name, Creation: NewCreation(), Flags: Offer(false), Cookie: NewCookie(cookie), Challenges: new(Challenges)}
}

// meeting is what both ends of a handshake came to.
type meeting struct {
	dialled, accepted       Remote
	dialErr, acceptErr      error
	established, learned    int
	dialConn, acceptConn    net.Conn
	initiatorSet, acceptSet *Challenges
}

// meet lets two honest nodes shake hands over a pipe.
func meet(i, a Local, ih InitiatorHooks, ah AcceptorHooks) meeting {
	var o meeting
	o.initiatorSet, o.acceptSet = i.Challenges, a.Challenges
	o.dialConn, o.acceptConn = net.Pipe()
	learned, established := ih.Learned, ah.Established
	ih.Learned = func(h Hello) error {
		o.learned++
		if learned != nil {
			return learned(h)
		}
		return nil
	}
	ah.Established = func(r Remote) error {
		o.established++
		if established != nil {
			return established(r)
		}
		return nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.accepted, o.acceptErr = Accept(o.acceptConn, time.Time{}, a, ah)
	}()
	o.dialled, o.dialErr = Dial(o.dialConn, time.Time{}, i, ih)
	<-done
	return o
}

func admit(s Status) func(Hello) Status { return func(Hello) Status { return s } }

func TestTwoHonestNodes(t *testing.T) {
	yes, no := func() bool { return true }, func() bool { return false }
	for what, c := range map[string]struct {
		status     Status
		alive      func() bool
		want       error
		cookie     string
		dial, took error // by hooks
	}{
		"ok":                 {status: StatusOK},
		"ok_simultaneous":    {status: StatusOKSimultaneous},
		"nok":                {status: StatusNOK, want: ErrNOK},
		"not_allowed":        {status: StatusNotAllowed, want: ErrNotAllowed},
		"alive, true":        {status: StatusAlive, alive: yes},
		"alive, nobody asks": {status: StatusAlive},
		"alive, false":       {status: StatusAlive, alive: no, want: ErrAlive},
		"another cookie":     {status: StatusOK, cookie: "other", want: ErrCookie},
		"another on alive":   {status: StatusAlive, cookie: "other", want: ErrCookie},
	} {
		t.Run(what, func(t *testing.T) {
			i, a := nodeLocal("i@h", "secret"), nodeLocal("a@h", "secret")
			if c.cookie != "" {
				i.Cookie = NewCookie(c.cookie)
			}
			o := meet(i, a, InitiatorHooks{Want: "a@h", Alive: c.alive}, AcceptorHooks{Admit: admit(c.status)})
			if !errors.Is(o.dialErr, c.want) || !errors.Is(o.acceptErr, c.want) {
				t.Fatalf("dial %v, accept %v, want %v", o.dialErr, o.acceptErr, c.want)
			}
			if n := o.initiatorSet.Len() + o.acceptSet.Len(); n != 0 {
				t.Errorf("%d challenges outstanding", n)
			}
			if c.want == nil {
				checkMet(t, o, i, a)
			} else {
				checkClosed(t, o)
			}
		})
	}
}

func checkMet(t *testing.T, o meeting, i, a Local) {
	t.Helper()
	o.dialled.RTT, o.accepted.RTT = 0, 0
	agreed := i.Flags & a.Flags
	if o.dialled != (Remote{Name: a.Name, Creation: a.Creation, Flags: a.Flags, Agreed: agreed}) {
		t.Errorf("dialled %+v", o.dialled)
	}
	if o.accepted != (Remote{Name: i.Name, Creation: i.Creation, Flags: i.Flags, Agreed: agreed}) {
		t.Errorf("accepted %+v", o.accepted)
	}
	if o.established != 1 || o.learned != 1 {
		t.Errorf("established %d, learned %d", o.established, o.learned)
	}
	go func() { o.acceptConn.Write([]byte("link")); o.acceptConn.Close() }()
	if rest, _ := io.ReadAll(o.dialConn); string(rest) != "link" {
		t.Errorf("the link reads %q", rest)
	}
}

func checkClosed(t *testing.T, o meeting) {
	t.Helper()
	if o.established != 0 || o.dialled != (Remote{}) || o.accepted != (Remote{}) {
		t.Errorf("something came of it: %+v", o)
	}
	for _, c := range []net.Conn{o.dialConn, o.acceptConn} {
		if _, err := c.Write([]byte{0}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("conn is open: %v", err)
		}
	}
}

func TestHooksEndIt(t *testing.T) {
	i, a := nodeLocal("i@h", "s"), nodeLocal("a@h", "s")
	o := meet(i, a, InitiatorHooks{Learned: func(Hello) error { return errHook }}, AcceptorHooks{})
	if !errors.Is(o.dialErr, errHook) || !errors.Is(o.acceptErr, ErrClosed) {
		t.Errorf("learned: %v, %v", o.dialErr, o.acceptErr)
	}
	checkClosed(t, o)
	o = meet(i, a, InitiatorHooks{}, AcceptorHooks{Established: func(Remote) error { return errHook }})
	if !errors.Is(o.acceptErr, errHook) || !errors.Is(o.dialErr, ErrCookie) || o.accepted != (Remote{}) {
		t.Errorf("established: %v, %v", o.dialErr, o.acceptErr)
	}
}

// TestMeetingOneself: one node at both ends. The dialling half learns it from
// the challenge, the accepting half from the name; nobody asks the table.
func TestMeetingOneself(t *testing.T) {
	l := nodeLocal("a@h", "s")
	o := meet(l, l, InitiatorHooks{}, AcceptorHooks{Admit: func(Hello) Status { t.Error("admitted"); return StatusOK }})
	if !errors.Is(o.dialErr, ErrSelf) || !errors.Is(o.acceptErr, ErrSelf) || o.established+o.learned != 0 {
		t.Errorf("%v, %v", o.dialErr, o.acceptErr)
	}
	other := nodeLocal("a@h", "s")
	other.Creation = l.Creation + 1
	o = meet(l, other, InitiatorHooks{}, AcceptorHooks{})
	if !errors.Is(o.dialErr, ErrNotAllowed) || !errors.Is(o.acceptErr, ErrSameName) {
		t.Errorf("%v, %v", o.dialErr, o.acceptErr)
	}
}

// S7: TestDigestBeforeTable: Established runs before the ack is on the wire, and
// what it does is done when the initiator knows.
func TestDigestBeforeTable(t *testing.T) {
	i, a := nodeLocal("i@h", "s"), nodeLocal("a@h", "s")
	ours, theirs := net.Pipe()
	defer theirs.Close()
	replaced := false
	go Accept(ours, time.Time{}, a, AcceptorHooks{Admit: admit(StatusAlive), Established: func(Remote) error { replaced = true; return nil }})
	if _, err := Dial(theirs, time.Time{}, i, InitiatorHooks{}); err != nil || !replaced {
		t.Errorf("%v, replaced %t", err, replaced)
	}
}

// TestRTT: each side's round trip is from its question to the answer, and not
// the whole handshake.
func TestRTT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lag = 30 * time.Millisecond
		o := meet(nodeLocal("i@h", "s"), nodeLocal("a@h", "s"),
			InitiatorHooks{Learned: func(Hello) error { time.Sleep(lag); return nil }},
			AcceptorHooks{Admit: func(Hello) Status { time.Sleep(time.Second); return StatusOK }})
		if o.dialErr != nil || o.dialled.RTT != 0 || o.accepted.RTT != lag {
			t.Errorf("%v: rtt %v and %v", o.dialErr, o.dialled.RTT, o.accepted.RTT)
		}
	})
}

// S5: TestTotalDeadline: a peer that drips a byte a second, or says nothing, or
// stops after any message, is gone after seven seconds in all.
func TestTotalDeadline(t *testing.T) {
	name := withLength(rawName("p@h", Offer(false)))
	status := withLength(statusMessage("ok"))
	challenge := withLength(challengeMessage(peerLocal("p@h"), 1))
	for what, c := range map[string]struct {
		dial  bool
		bytes []byte
		pause time.Duration
		stage Stage
	}{
		"mute initiator":          {false, nil, 0, StageName},
		"dripped name":            {false, name, time.Second, StageName},
		"name, then nothing":      {false, name, 0, StageReply},
		"mute acceptor":           {true, nil, 0, StageStatus},
		"dripped status":          {true, status, 2 * time.Second, StageStatus},
		"dripped challenge":       {true, append(status, challenge...), 500 * time.Millisecond, StageChallenge},
		"challenge, then nothing": {true, append(status, challenge...), 0, StageAck},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				checkDeadline(t, c.dial, c.bytes, c.pause, c.stage)
			})
		})
	}
}

func checkDeadline(t *testing.T, dial bool, stream []byte, pause time.Duration, stage Stage) {
	ours, theirs := net.Pipe()
	go io.Copy(io.Discard, theirs)
	var drip sync.WaitGroup
	drip.Go(func() {
		for _, b := range stream {
			time.Sleep(pause)
			theirs.Write([]byte{b})
		}
	})
	defer drip.Wait()
	defer theirs.Close()
	l := nodeLocal("us@host", "s")
	start, err := time.Now(), error(nil)
	if dial {
		_, err = Dial(ours, time.Time{}, l, InitiatorHooks{})
	} else {
		_, err = Accept(ours, time.Now().Add(SetupTime), l, AcceptorHooks{})
	}
	var h *HandshakeError
	if !errors.As(err, &h) || h.Stage != stage || !errors.Is(err, ErrTimeout) || time.Since(start) != SetupTime {
		t.Errorf("after %v: %v, want %s after %v", time.Since(start), err, stage, SetupTime)
	}
	if l.Challenges.Len() != 0 {
		t.Error("a challenge stays outstanding")
	}
}

// S5: TestDeadReader: a peer that never reads cannot hold us longer either.
func TestDeadReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		start := time.Now()
		_, err := Dial(ours, time.Time{}, nodeLocal("us@host", "s"), InitiatorHooks{})
		var h *HandshakeError
		if !errors.As(err, &h) || h.Stage != StageName || !errors.Is(err, ErrTimeout) || time.Since(start) != SetupTime {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// TestByteByByte: a slow line within the deadline is no error, the deadline is
// lifted at the end, and the frame behind the ack stays for the link.
func TestByteByByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		near, far := net.Pipe()
		drip := func(dst, src net.Conn) {
			b := make([]byte, 1)
			for {
				if _, err := src.Read(b); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
				dst.Write(b)
			}
		}
		var lines sync.WaitGroup
		lines.Go(func() { drip(near, theirs) })
		lines.Go(func() { drip(theirs, near) })
		lines.Go(func() {
			Accept(far, time.Time{}, nodeLocal("a@h", "s"), AcceptorHooks{})
			far.Write([]byte("tick"))
		})
		defer lines.Wait()
		r, err := Dial(ours, time.Time{}, nodeLocal("i@h", "s"), InitiatorHooks{})
		if err != nil || r.RTT < 170*time.Millisecond {
			t.Fatalf("%+v, %v", r, err)
		}
		time.Sleep(time.Minute)
		got := make([]byte, 4)
		if _, err := io.ReadFull(ours, got); err != nil || string(got) != "tick" {
			t.Errorf("%q, %v", got, err)
		}
		for _, c := range []net.Conn{ours, theirs, near, far} {
			c.Close()
		}
	})
}

func withLength(body []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
}

// failReader ends a script with an error of its own.
type failReader struct{ err error }

func (f failReader) Read([]byte) (int, error) { return 0, f.err }

func TestHowItEnds(t *testing.T) {
	okName := withLength(rawName("p@h", Offer(false)))
	okBoth := append(withLength(statusMessage("ok")), withLength(challengeMessage(peerLocal("p@h"), 1))...)
	reset := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	for what, c := range map[string]struct {
		dial  bool
		bytes []byte
		end   error
		want  error
		stage Stage
	}{
		"acceptor, end at once":        {false, nil, io.EOF, ErrClosed, StageName},
		"acceptor, end in the name":    {false, okName[:9], io.EOF, ErrClosed, StageName},
		"acceptor, end for the reply":  {false, okName, io.EOF, ErrClosed, StageReply},
		"acceptor, reset":              {false, okName, reset, ErrClosed, StageReply},
		"initiator, end at once":       {true, nil, io.EOF, ErrClosed, StageStatus},
		"initiator, end for challenge": {true, withLength(statusMessage("ok")), io.EOF, ErrClosed, StageChallenge},
		"initiator, end for the ack":   {true, okBoth, io.EOF, ErrCookie, StageAck},
		"initiator, reset for the ack": {true, okBoth, reset, ErrCookie, StageAck},
		"initiator, end in the ack":    {true, append(bytes.Clone(okBoth), 0), io.EOF, ErrClosed, StageAck},
		"initiator, end behind length": {true, append(bytes.Clone(okBoth), 0, 17), io.EOF, ErrClosed, StageAck},
		"initiator, reset in the ack":  {true, append(bytes.Clone(okBoth), 0), reset, ErrClosed, StageAck},
		"initiator, closed by us":      {true, okBoth, net.ErrClosed, ErrClosed, StageAck},
		"initiator, odd error":         {true, okBoth, errHook, errHook, StageAck},
		"ack too long":                 {true, append(bytes.Clone(okBoth), 0, 65), io.EOF, ErrProtocol, StageAck},
		"name too long":                {false, []byte{0x04, 0x4d, 'N'}, io.EOF, ErrNotDist, StageName},
		"challenge too long":           {true, append(withLength(statusMessage("ok")), 0xff, 0xff), io.EOF, ErrProtocol, StageChallenge},
	} {
		conn := &scriptConn{in: io.MultiReader(bytes.NewReader(c.bytes), failReader{c.end})}
		l := nodeLocal("us@host", "s")
		var err error
		if c.dial {
			_, err = Dial(conn, time.Time{}, l, InitiatorHooks{})
		} else {
			_, err = Accept(conn, time.Time{}, l, AcceptorHooks{})
		}
		var h *HandshakeError
		if !errors.As(err, &h) || !errors.Is(err, c.want) || h.Stage != c.stage || !conn.closed {
			t.Errorf("%s: %v, closed %t", what, err, conn.closed)
		}
		if c.want != ErrCookie && errors.Is(err, ErrCookie) {
			t.Errorf("%s blames the cookie: %v", what, err)
		}
		if l.Challenges.Len() != 0 {
			t.Errorf("%s: a challenge stays outstanding", what)
		}
	}
}

func TestOtherProtocols(t *testing.T) {
	for seen, looks := range map[string]string{
		"GET / HTTP/1.1\r\n": "HTTP", "HTTP/1.1 400 Bad": "HTTP", "SSH-2.0-x": "SSH", "\x16\x03\x01\x02\x00": "TLS",
		"\x15\x03\x03\x00\x02\x02\x46": "TLS", "220 mail ESMTP": "a mail or FTP server", "\xff\xff\xff\xff": "",
		"\x7fELF": "",
	} {
		for _, run := range []func(net.Conn) (Remote, error){
			func(c net.Conn) (Remote, error) { return Accept(c, time.Time{}, testLocal(), AcceptorHooks{}) },
			func(c net.Conn) (Remote, error) { return Dial(c, time.Time{}, testLocal(), InitiatorHooks{}) },
		} {
			conn := &scriptConn{in: strings.NewReader(seen)}
			_, err := run(conn)
			var n *NotDistError
			if !errors.As(err, &n) || n.Looks != looks || !strings.Contains(err.Error(), "127.0.0.1:4711") {
				t.Errorf("%q: %v", seen, err)
			}
			checkPlainText(t, err.Error())
		}
	}
}

func TestUnusableLocalClosesConn(t *testing.T) {
	for _, run := range []func(net.Conn) error{
		func(c net.Conn) error { _, err := Dial(c, time.Time{}, Local{}, InitiatorHooks{}); return err },
		func(c net.Conn) error { _, err := Accept(c, time.Time{}, Local{}, AcceptorHooks{}); return err },
	} {
		conn := &scriptConn{}
		if err := run(conn); err == nil || !conn.closed || conn.out.Len() != 0 {
			t.Errorf("%v, closed %t", err, conn.closed)
		}
	}
}

// TestOverTCP: the acceptor's first frame follows the ack in one segment.
func TestOverTCP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	errs := make(chan error, 1)
	go func() {
		c, err := ln.Accept()
		if err == nil {
			defer c.Close()
			_, err = Accept(c, time.Time{}, nodeLocal("a@h", "s"), AcceptorHooks{})
		}
		if err == nil {
			_, err = c.Write(bytes.Repeat([]byte("frame"), 1000))
		}
		errs <- err
	}()
	c, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, err := Dial(c, time.Time{}, nodeLocal("i@h", "s"), InitiatorHooks{Want: "a@h"})
	if err != nil || r.RTT <= 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	rest, err := io.ReadAll(c)
	if err != nil || len(rest) != 5000 || <-errs != nil {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
}
