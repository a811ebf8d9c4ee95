package links

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// S7: a stranger says hello under the name and creation of a peer, and says no
// more: our dials to that peer are delayed by yieldTime at most, not stopped.
func TestStrangerCannotStopDials(t *testing.T) {
	for _, tt := range []struct {
		peer, want string
		delay      time.Duration
	}{
		{"z@h", "", yieldTime},
		{"z@h", "z@h", yieldTime},
		{"a@h", "", 0},
		{"a@h", "a@h", yieldTime},
	} {
		t.Run(tt.peer+" "+tt.want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				us, peer := bare(t, "m@h", 1, nil), bare(t, tt.peer, 2, nil)
				in := us.newAttempt(context.Background(), testAddr)
				in.conn = handConn{h: &half{}}
				in.admit(dist.Hello{Name: tt.peer, Creation: 2})
				x, y := net.Pipe()
				peer.take(y)
				start := time.Now()
				if _, err := us.over(x, tt.want); err != nil {
					t.Errorf("dial: %v", err)
				}
				if took := time.Since(start); took != tt.delay {
					t.Errorf("dial took %v, want %v", took, tt.delay)
				}
				in.leave()
				us.Close(dist.ReasonStopped)
				peer.Close(dist.ReasonStopped)
			})
		})
	}
}

// Told nok under a label, the dial lets the peer's attempt finish and then
// finds out who is there.
func TestDialByLabelAfterNOK(t *testing.T) {
	us, peer := open(t, "z@h", 1, nil), open(t, "a@h", 2, nil)
	theirs := peer.newAttempt(context.Background(), testAddr)
	theirs.outgoing, theirs.name, theirs.creation = true, "z@h", 1
	if wait, err := theirs.mayProve(dist.Hello{Name: "z@h", Creation: 1}, true); wait != nil || err != nil {
		t.Fatal(wait, err)
	}
	in := us.newAttempt(context.Background(), testAddr)
	in.conn = handConn{h: &half{}}
	in.admit(dist.Hello{Name: "a@h", Creation: 2})
	done := make(chan error, 1)
	go func() {
		_, err := us.reach(peer, "")
		done <- err
	}()
	peer.refusals(t, 1)
	theirs.leave()
	in.leave()
	if err := <-done; err != nil {
		t.Errorf("dial: %v", err)
	}
	if us.await(t, "a@h"); len(peer.refusals(t, 1)) != 1 {
		t.Error("it dialled more than once more")
	}
}
