package dist

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// meddler stands between two honest nodes. Each message that passes takes one
// byte of its plan, which says what becomes of it.
type meddler struct {
	plan []byte
	rng  *rand.Rand
	last []byte // the message before, of either side
}

func (m *meddler) pass(msg []byte) (out [][]byte) {
	act := byte(0)
	if len(m.plan) > 0 {
		act, m.plan = m.plan[0], m.plan[1:]
	}
	was := m.last
	m.last = bytes.Clone(msg)
	msg = bytes.Clone(msg)
	switch act % 8 {
	case 1:
		msg[m.rng.IntN(len(msg))] ^= 1 << m.rng.IntN(8)
	case 2:
		msg = msg[:m.rng.IntN(len(msg))]
	case 3:
		msg = append(msg, byte(m.rng.Uint32()))
	case 4:
		return [][]byte{msg, msg}
	case 5:
		return nil
	case 6:
		return [][]byte{was, msg}
	case 7:
		return [][]byte{was}
	}
	return [][]byte{msg}
}

// meddled is one honest machine behind the meddler.
type meddled struct {
	m    stepper
	s    *handshake
	last []byte // what it was given last
	done bool
	err  error
}

func (p *meddled) give(body []byte) (out [][]byte) {
	if p.done || p.err != nil {
		return nil
	}
	p.last = body
	out, p.done, p.err = p.m.Step(body, 0)
	return out
}

// S6: FuzzMeddled lets two honest nodes of one cookie shake hands through one who
// changes, drops, doubles and swaps their messages: no panic, and a side is
// done only where the last thing it was given has the digest of its question.
func FuzzMeddled(f *testing.F) {
	for act := range byte(8) {
		for at := range 5 {
			plan := make([]byte, at+1)
			plan[at] = act
			f.Add(plan, uint64(at), uint8(1))
			f.Add(plan, uint64(at), uint8(4))
		}
	}
	f.Fuzz(func(t *testing.T, plan []byte, seed uint64, status uint8) {
		us, them := testLocal(), peerLocal("them@h")
		them.Cookie, them.Challenges = theCookie, fixed(theirChallenge)
		i, a := initiatorFor(t, us, InitiatorHooks{}), acceptorFor(t, them, AcceptorHooks{Admit: admit(Status(status))})
		pi, pa := &meddled{m: i, s: i.base()}, &meddled{m: a, s: a.base()}
		m := &meddler{plan: plan, rng: rand.New(rand.NewPCG(seed, 2))}
		for toA := [][]byte{i.Name()}; len(toA) > 0; {
			toA = relay(m, pi, relay(m, pa, toA))
		}
		for _, p := range []*meddled{pi, pa} {
			digest := theCookie.digest(map[Role]uint32{RoleInitiator: ourChallenge, RoleAcceptor: theirChallenge}[p.s.role])
			if p.done && !bytes.Contains(p.last, digest[:]) {
				t.Fatalf("%s is done without the digest: %x", p.s.role, p.last)
			}
			p.s.Close()
			if p.s.local.Challenges.Len() != 0 {
				t.Fatal("a challenge stays outstanding")
			}
		}
		if len(bytes.Trim(plan, "\x00")) == 0 && admits(Status(status)) != (pi.done && pa.done) {
			t.Fatalf("nobody meddled, and yet: %v, %v", pi.err, pa.err)
		}
	})
}

func admits(s Status) bool {
	return s == StatusOK || s == StatusOKSimultaneous || s == StatusAlive
}

func relay(m *meddler, to *meddled, messages [][]byte) (answers [][]byte) {
	for _, msg := range messages {
		for _, body := range m.pass(msg) {
			answers = append(answers, to.give(body)...)
		}
	}
	return answers
}

// S5: FuzzSlowly gives either role any stream in pieces of any size at any pace:
// whatever comes, the handshake is over by its deadline, to the nanosecond.
func FuzzSlowly(f *testing.F) {
	name := withLength(rawName("p@h", Offer(false)))
	both := append(withLength(statusMessage("ok")), withLength(challengeMessage(peerLocal("p@h"), 1))...)
	for _, dial := range []bool{false, true} {
		f.Add(name, uint64(1), uint16(0), dial)
		f.Add(both, uint64(2), uint16(900), dial)
		f.Add(binary.BigEndian.AppendUint16(nil, 64), uint64(3), uint16(7000), dial)
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64, pause uint16, dial bool) {
		if len(stream) > 200 {
			return // a long one only takes longer
		}
		synctest.Test(t, func(t *testing.T) { slowly(t, stream, seed, pause, dial) })
	})
}

func slowly(t *testing.T, stream []byte, seed uint64, pause uint16, dial bool) {
	ours, theirs := net.Pipe()
	go io.Copy(io.Discard, theirs)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		pieces := splitReader{rest: stream, rng: rand.New(rand.NewPCG(seed, 3))}
		b := make([]byte, len(stream)+1)
		for n, err := pieces.Read(b); err == nil; n, err = pieces.Read(b) {
			time.Sleep(time.Duration(pause) * time.Millisecond)
			if _, err := theirs.Write(b[:n]); err != nil {
				return
			}
		}
	}()
	l := testLocal()
	start, err := time.Now(), error(nil)
	if dial {
		_, err = Dial(ours, time.Time{}, l, InitiatorHooks{})
	} else {
		_, err = Accept(ours, time.Time{}, l, AcceptorHooks{})
	}
	if took := time.Since(start); err == nil || took > SetupTime {
		t.Errorf("after %v: %v", took, err)
	}
	if l.Challenges.Len() != 0 {
		t.Error("a challenge stays outstanding")
	}
	theirs.Close()
	<-gone
}
