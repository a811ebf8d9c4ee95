package dist

import (
	"errors"
	"net"
	"testing"
	"time"
)

// faultConn fails its n-th operation, counted from one.
type faultConn struct {
	net.Conn
	left int
	hit  bool
}

func (c *faultConn) fault() error {
	if c.left--; c.left == 0 {
		c.hit = true
		return errHook
	}
	return nil
}

func (c *faultConn) Read(b []byte) (int, error) {
	if err := c.fault(); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *faultConn) Write(b []byte) (int, error) {
	if err := c.fault(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *faultConn) SetDeadline(t time.Time) error {
	if err := c.fault(); err != nil {
		return err
	}
	return c.Conn.SetDeadline(t)
}

// TestEveryFault fails the first, second, ... operation on the conn of each
// role until a run meets no fault: each ends with that error at the stage it
// belongs to, the conn closed and no challenge left.
func TestEveryFault(t *testing.T) {
	for role, want := range map[Role][]Stage{
		RoleInitiator: {StageConnect, StageName, StageStatus, StageStatus, StageStatus, StageChallenge, StageChallenge, StageReply, StageAck, StageAck, StageAck},
		RoleAcceptor:  {StageConnect, StageName, StageName, StageStatus, StageStatus, StageStatus, StageChallenge, StageReply, StageReply, StageAck, StageAck},
	} {
		for n := 1; ; n++ {
			stage, hit := runFault(t, role, n)
			if !hit {
				if n != len(want)+1 {
					t.Errorf("%s: %d operations, want %d", role, n-1, len(want))
				}
				break
			}
			if n > len(want) || stage != want[n-1] {
				t.Errorf("%s: fault %d at stage %q, want %q", role, n, stage, want[min(n, len(want))-1])
			}
		}
	}
}

func runFault(t *testing.T, role Role, n int) (Stage, bool) {
	t.Helper()
	ours, theirs := net.Pipe()
	defer theirs.Close()
	us, them := nodeLocal("us@h", "s"), nodeLocal("them@h", "s")
	peer := make(chan struct{})
	conn := &faultConn{Conn: ours, left: n}
	var err error
	if role == RoleInitiator {
		go func() { defer close(peer); Accept(theirs, time.Time{}, them, AcceptorHooks{Admit: admit(StatusAlive)}) }()
		_, err = Dial(conn, time.Time{}, us, InitiatorHooks{})
	} else {
		go func() { defer close(peer); Dial(theirs, time.Time{}, them, InitiatorHooks{}) }()
		_, err = Accept(conn, time.Time{}, us, AcceptorHooks{Admit: admit(StatusAlive)})
	}
	<-peer
	if us.Challenges.Len() != 0 {
		t.Errorf("%s, fault %d: a challenge stays outstanding", role, n)
	}
	var h *HandshakeError
	if conn.hit && (!errors.As(err, &h) || !errors.Is(err, errHook)) || !conn.hit && err != nil {
		t.Fatalf("%s, fault %d: %v", role, n, err)
	}
	if !conn.hit {
		return "", false
	}
	return h.Stage, true
}

func TestStatusTexts(t *testing.T) {
	for s, want := range map[Status]string{
		StatusOK: "ok", StatusOKSimultaneous: "ok_simultaneous", StatusNOK: "nok",
		StatusNotAllowed: "not_allowed", StatusAlive: "alive", 9: "status(9)",
	} {
		if s.String() != want {
			t.Errorf("%v, want %s", s, want)
		}
	}
}
