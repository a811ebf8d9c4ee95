package dist

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// hall is one node alone among machines of both roles, and one without the
// cookie who hears all they say and chooses all they hear.
type hall struct {
	t          *rapid.T
	local      Local
	machines   []stepper
	over       []bool
	challenges []uint32 // all that were seen, or made up
	digests    [][digestSize]byte
	replies    int // questions that the node answered
	reflected  int // questions of its own that it refused
}

const evilName = "evil@h"

// open starts a handshake, as whoever reaches the port or is dialled can.
func (h *hall) open() {
	var m stepper
	if rapid.Bool().Draw(h.t, "dials") {
		m, _ = NewInitiator(h.local, InitiatorHooks{})
	} else {
		m, _ = NewAcceptor(h.local, AcceptorHooks{Admit: admit(StatusOK)})
	}
	h.machines, h.over = append(h.machines, m), append(h.over, false)
}

// close ends one, as a deadline does: its challenge is out no more.
func (h *hall) close(k int) {
	switch m := h.machines[k].(type) {
	case *Acceptor:
		m.Close()
	case *Initiator:
		m.Close()
	}
	h.over[k] = true
}

// tell gives machine k the message it waits for, made of what was heard.
func (h *hall) tell(k int) {
	evil := Local{Name: evilName, Creation: 5, Flags: Offer(false)}
	n := rapid.SampledFrom(h.challenges).Draw(h.t, "challenge")
	digest := rapid.SampledFrom(h.digests).Draw(h.t, "digest")
	var body []byte
	switch h.machines[k].Stage() {
	case StageName:
		body = nameMessage(evil)
	case StageStatus:
		body = statusMessage("ok")
	case StageChallenge:
		body = challengeMessage(evil, n)
	case StageReply:
		body = replyMessage(n, digest)
	case StageAck:
		body = ackMessage(digest)
	}
	out, done, err := h.machines[k].Step(body, 0)
	if done {
		h.t.Fatalf("a link without the cookie")
	}
	if errors.Is(err, ErrReflection) {
		h.reflected++
	}
	h.over[k] = err != nil
	for _, m := range out {
		h.hear(m)
	}
}

// hear keeps what a message of the node gives away.
func (h *hall) hear(m []byte) {
	switch m[0] {
	case tagName:
		h.challenges = append(h.challenges, binary.BigEndian.Uint32(m[9:]))
	case tagReply:
		h.replies++
		h.challenges = append(h.challenges, binary.BigEndian.Uint32(m[1:]))
		h.digests = append(h.digests, [digestSize]byte(m[5:]))
	case tagAck:
		h.t.Fatal("the node proved itself to one who had not")
	}
}

func (h *hall) step() {
	var waiting []int
	for k, over := range h.over {
		if !over {
			waiting = append(waiting, k)
		}
	}
	switch what := rapid.IntRange(0, 9).Draw(h.t, "what"); {
	case len(waiting) == 0, what == 0 && len(waiting) < 6:
		h.open()
	case what == 1:
		h.close(rapid.SampledFrom(waiting).Draw(h.t, "closes"))
	default:
		h.tell(rapid.SampledFrom(waiting).Draw(h.t, "tells"))
	}
}

// S8: one who knows no cookie, but hears every message of a node in any number
// of handshakes of both roles and answers with any mixture of them, gets no
// link: what the node asks in one it answers in no other.
func TestReflectionModel(t *testing.T) {
	replies, reflected := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		drawn := uint32(1000)
		h := &hall{t: t, challenges: []uint32{1, 2}, digests: [][digestSize]byte{{}}}
		h.local = testLocal()
		h.local.Challenges = &Challenges{draw: func() uint32 { drawn++; return drawn }}
		for range rapid.IntRange(20, 80).Draw(t, "steps") {
			h.step()
		}
		out := 0
		for k, m := range h.machines {
			if !h.over[k] && slices.Contains([]Stage{StageReply, StageAck}, m.Stage()) {
				out++
			}
		}
		if h.local.Challenges.Len() != out {
			t.Fatalf("%d challenges out, %d machines that asked", h.local.Challenges.Len(), out)
		}
		replies, reflected = replies+h.replies, reflected+h.reflected
	})
	if replies == 0 || reflected == 0 {
		t.Errorf("%d questions answered, %d thrown back: the attack was never tried", replies, reflected)
	}
}
