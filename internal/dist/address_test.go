package dist

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/etf"
)

// limited is a link on which process 7 takes 100 bytes, the name "small" 50,
// and all others what they get.
func limited() (*Link, *recorder) {
	h := &recorder{limits: map[string]int{"7": 100, "small": 50}}
	return idleLink(allAgreed, h), h
}

// cut makes n fragments of a message to someone.
func cut(control, payload []byte, n int) (frames [][]byte) {
	size := (len(payload) + n - 1) / n
	for i := range n {
		piece := payload[min(i*size, len(payload)):min((i+1)*size, len(payload))]
		if i == 0 {
			frames = append(frames, fragment(typeFirst, 1, uint64(n), join(nil, control, piece)))
		} else {
			frames = append(frames, fragment(typeNext, 1, uint64(n-i), piece))
		}
	}
	return frames
}

// An addressee's bound counts for all the ways to reach it, whole or cut; what
// is over it is dropped and told, and the connection goes on.
func TestAddresseeBound(t *testing.T) {
	lostPid, lostName := "dropped us@h 7.0.11223344 too_long", "dropped small too_long"
	for _, c := range []struct {
		name    string
		control []byte
		most    int
		lost    string // "" where there is no bound
	}{
		{"send", controlOf(OpSend, unused, ourPid(7)), 100, lostPid},
		{"send, token", controlOf(OpSendTT, unused, ourPid(7), token), 100, lostPid},
		{"send, sender", controlOf(OpSendSender, peerPid(5), ourPid(7)), 100, lostPid},
		{"send, sender, token", controlOf(OpSendSenderTT, peerPid(5), ourPid(7), token), 100, lostPid},
		{"altact", controlOf(OpAltactSigSend, int64(1), peerPid(5), ourPid(7)), 100, lostPid},
		{"altact, more", controlOf(OpAltactSigSend, int64(3), peerPid(5), ourPid(7), token, atom("new")), 100, lostPid},
		{"name", controlOf(OpRegSend, peerPid(5), unused, atom("small")), 50, lostName},
		{"name, token", controlOf(OpRegSendTT, peerPid(5), unused, atom("small"), token), 50, lostName},
		{"altact name", controlOf(OpAltactSigSend, int64(8), peerPid(5), atom("small")), 50, lostName},
		{"another process", controlOf(OpSend, unused, ourPid(8)), 1000, ""},
		{"another name", controlOf(OpRegSend, peerPid(5), unused, atom("large")), 1000, ""},
		{"alias", controlOf(OpAliasSend, peerPid(5), ourRef(1)), 1000, ""},
		{"exit", controlOf(OpPayloadExit, peerPid(5), ourPid(7)), 1000, ""},
		{"altact exit", controlOf(OpAltactSigSend, int64(16), peerPid(5), ourPid(7)), 1000, ""},
	} {
		for _, n := range []int{0, 1, 2, 7} { // 0: no fragments
			t.Run(fmt.Sprintf("%s in %d", c.name, n), func(t *testing.T) {
				l, h := limited()
				send := func(size int) string {
					frames := [][]byte{frameOf(allAgreed, c.control, payloadOf(size))[4:]}
					if n > 0 {
						frames = cut(c.control, payloadOf(size), n)
					}
					feed(t, l, frames...)
					return strings.Join(h.taken(), "; ")
				}
				if got := send(c.most); !strings.Contains(got, " 6d") {
					t.Errorf("%d bytes: %q", c.most, got)
				}
				if c.lost == "" {
					return
				}
				if got := send(c.most + 1); got != c.lost {
					t.Errorf("%d bytes: %q", c.most+1, got)
				}
				if s := l.Stats(); s.Dropped["too_long"] != 1 || s.PartialBytes != 0 || s.PartialCounts != 0 {
					t.Errorf("%+v", s)
				}
				if got := send(c.most); !strings.Contains(got, " 6d") {
					t.Errorf("after that %d bytes: %q", c.most, got)
				}
			})
		}
	}
}

// What is too long is let go with the fragment that makes it so, and the rest
// is of no sequence.
func TestAddresseeBoundEndsAtOnce(t *testing.T) {
	l, h := limited()
	frames := cut(controlOf(OpSend, unused, ourPid(7)), payloadOf(1000), 20)
	for i, f := range frames {
		feed(t, l, f)
		if s := l.Stats(); (s.PartialCounts == 0) != (i > 1) || s.PartialBytes > 200 {
			t.Errorf("after fragment %d: %+v", i, s)
		}
	}
	if got := showDropped(l.Stats().Dropped); got != "too_long 1 fragment_orphan 17" {
		t.Errorf("dropped %s", got)
	}
	if got := h.taken(); len(got) != 1 {
		t.Errorf("told %q", got)
	}
}

// Whoever may not speak to a process learns nothing of its bound, and names
// that are answered here have none.
func TestBoundIsAskedForGoodAddressesOnly(t *testing.T) {
	for _, c := range []struct {
		name    string
		control []byte
		dropped string
	}{
		{"an older life", controlOf(OpSend, unused, etf.Pid{Node: ourName, ID: 7, Creation: 1}), "stale_creation 1"},
		{"another node", controlOf(OpSend, unused, peerPid(7)), "not_ours 1"},
		{"forged", controlOf(OpRegSend, third, unused, atom("small")), "forged 1"},
		{"forged, altact", controlOf(OpAltactSigSend, int64(8), third, atom("small")), "forged 1"},
		{"net_kernel", controlOf(OpRegSend, peerPid(5), unused, atom("net_kernel")), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, n := range []int{1, 3} {
				l, h := limited()
				h.limits["net_kernel"] = 1
				feed(t, l, cut(c.control, payloadOf(500), n)...)
				if got := h.taken(); len(got) > 0 || showDropped(l.Stats().Dropped) != c.dropped {
					t.Errorf("in %d: told %q, dropped %v", n, got, l.Stats().Dropped)
				}
			}
		})
	}
}

// A control term that is cut too shows whom it is for when it is whole.
func TestBoundOfCutControlTerm(t *testing.T) {
	l, h := limited()
	control := controlOf(OpSend, unused, ourPid(7))
	whole := join(nil, control, payloadOf(500))
	feed(t, l, fragment(typeFirst, 1, 2, whole[:10]), fragment(typeNext, 1, 1, whole[10:]))
	if got := h.taken(); len(got) != 1 || got[0] != "dropped us@h 7.0.11223344 too_long" {
		t.Errorf("told %q", got)
	}
}

// Every way to lose a sequence is told with its addressee, but the end of the
// link, which says it all.
func TestDroppedIsTold(t *testing.T) {
	scope := controlOf(OpRegSend, peerPid(5), unused, atom("pg"))
	frames := cut(scope, payloadOf(3000), 3)
	start := time.Unix(1000, 0)
	for _, c := range []struct {
		name string
		do   func(t *testing.T, l *Link)
		want string
	}{
		{"out of order", func(t *testing.T, l *Link) { feed(t, l, frames[0], frames[2]) }, "dropped pg fragment_order"},
		{"begun again", func(t *testing.T, l *Link) { feed(t, l, frames[0], frames[0]) }, "dropped pg fragment_order"},
		{"no room at first", func(t *testing.T, l *Link) { l.in.frags.maxBytes = 10; feed(t, l, frames[0]) }, "dropped pg fragment_limit"},
		{"no room later", func(t *testing.T, l *Link) { l.in.frags.maxBytes = 1500; feed(t, l, frames[:2]...) }, "dropped pg fragment_limit"},
		{"no sequence left", func(t *testing.T, l *Link) { l.in.frags.maxOpen = 0; feed(t, l, frames[0]) }, "dropped pg fragment_limit"},
		{"again, and no room", func(t *testing.T, l *Link) {
			feed(t, l, frames[0])
			l.in.frags.maxBytes = 10
			feed(t, l, frames[0])
		}, "dropped pg fragment_order; dropped pg fragment_limit"},
		{"expired", func(t *testing.T, l *Link) {
			feed(t, l, frames[0])
			l.Beat(start)
			l.Beat(start.Add(31 * time.Second))
		}, "dropped pg fragment_expiry"},
		{"expired with the link", func(t *testing.T, l *Link) {
			feed(t, l, frames[0])
			l.Beat(start)
			l.Beat(start.Add(time.Hour))
		}, ""},
		{"open at the end", func(t *testing.T, l *Link) { feed(t, l, frames[0]); l.Close(ReasonClosed, nil) }, ""},
		{"of no sequence", func(t *testing.T, l *Link) { feed(t, l, frames[1]) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, h := limited()
			c.do(t, l)
			got := h.taken()
			if strings.Join(got, "; ") != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
			if s := l.Stats(); s.Dropped["fragment_expiry"] != uint64(strings.Count(c.name, "expired")+strings.Count(c.name, "at the end")) {
				t.Errorf("counted %v", s.Dropped)
			}
			if strings.Count(c.want, "_order") > 0 && l.Stats().Dropped["fragment_order"] != 1 {
				t.Errorf("counted %v", l.Stats().Dropped)
			}
		})
	}
}

// A Handler may close the link over what it lost, from Beat too.
func TestCloseFromDropped(t *testing.T) {
	h := &recorder{hook: func(l *Link, _ string) { l.Close(ReasonQuota, nil) }}
	l := idleLink(allAgreed, h)
	feed(t, l, cut(controlOf(OpRegSend, peerPid(5), unused, atom("pg")), payloadOf(3000), 3)[0])
	l.Beat(time.Unix(1000, 0))
	l.Beat(time.Unix(1031, 0))
	if r, _, _ := l.Down(); r != ReasonQuota {
		t.Errorf("down with %q", r)
	}
}

// The end of a process is told to what is linked to it as the peer reads it.
func TestExit(t *testing.T) {
	bye := termOf(atom("bye"))
	for _, c := range []struct {
		agreed  Flags
		control []byte
		payload []byte
	}{
		{allAgreed, controlOf(OpPayloadExit, ourPid(7), peerPid(5)), bye},
		{allAgreed &^ FlagExitPayload, controlOf(OpExit, ourPid(7), peerPid(5), atom("bye")), nil},
	} {
		l := idleLink(c.agreed, nil)
		if err := l.Exit(ourPid(7), peerPid(5), bye); err != nil {
			t.Fatal(err)
		}
		if got, want := drain(l), frameOf(c.agreed, c.control, c.payload); string(got) != string(want) {
			t.Errorf("sent\n %x, want\n %x", got, want)
		}
		if err := l.Exit(ourPid(7), peerPid(5), nil); err == nil {
			t.Error("sent without a reason")
		}
	}
}

// The ack of an unlink is queued before the Handler can send anything.
func TestUnlinkAckComesFirst(t *testing.T) {
	h := &recorder{hook: func(l *Link, _ string) { _ = l.Exit(ourPid(7), peerPid(5), termOf(atom("bye"))) }}
	l := idleLink(allAgreed, h)
	feed(t, l, frameOf(allAgreed, controlOf(OpUnlinkID, int64(3), peerPid(5), ourPid(7)), nil)[4:])
	frames := queuedFrames(t, l)
	ack := frameOf(allAgreed, controlOf(OpUnlinkIDAck, int64(3), ourPid(7), peerPid(5)), nil)[4:]
	if len(frames) != 2 || string(frames[0]) != string(ack) {
		t.Errorf("sent %x", frames)
	}
}
