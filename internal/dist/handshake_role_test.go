package dist

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

func acceptorFor(t testing.TB, l Local, h AcceptorHooks) *Acceptor {
	t.Helper()
	a, err := NewAcceptor(l, h)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func initiatorFor(t testing.TB, l Local, h InitiatorHooks) *Initiator {
	t.Helper()
	i, err := NewInitiator(l, h)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func rawName(name string, flags Flags, tail ...byte) []byte {
	return append(nameMessage(Local{Name: name, Creation: 9, Flags: flags}), tail...)
}

// S6: what an acceptor makes of a first message, good and bad.
func TestAcceptorFirstMessage(t *testing.T) {
	ok := Offer(false)
	huge := rawName("p@h", ok)
	binary.BigEndian.PutUint16(huge[13:], 0xffff)
	for what, c := range map[string]struct {
		body []byte
		said string // status written, "" for none
		want error  // nil: goes on
	}{
		"a name":              {rawName("p@h", ok), "ok", nil},
		"bytes behind":        {rawName("p@h", ok, 1, 2, 3), "ok", nil},
		"digest bit alone":    {rawName("p@h", FlagMandatory25Digest|FlagV4NC|FlagUnlinkID), "ok", nil},
		"erl_call":            {rawName("p@h", erlCall), "ok", nil},
		"longest name":        {rawName(strings.Repeat("a", 253)+"@h", ok), "ok", nil},
		"no at":               {rawName("p", ok), "", ErrName},
		"two ats":             {rawName("p@h@i", ok), "", ErrName},
		"no node":             {rawName("@h", ok), "", ErrName},
		"no host":             {rawName("p@", ok), "", ErrName},
		"empty name":          {rawName("", ok), "", ErrName},
		"escape in name":      {rawName("p\x1b[2J@h", ok), "not_allowed", ErrName},
		"UTF-8 name":          {rawName("pé@h", ok), "not_allowed", ErrName},
		"long name":           {rawName(strings.Repeat("a", 254)+"@h", ok), "not_allowed", ErrName},
		"dynamic name":        {rawName("h", ok|FlagNameMe), "not_allowed", ErrName},
		"dynamic, full name":  {rawName("p@h", ok|FlagNameMe), "not_allowed", ErrName},
		"too old":             {rawName("p@h", ok&^FlagV4NC), "not_allowed", ErrTooOld},
		"own name, other run": {rawName("us@host", ok), "not_allowed", ErrSameName},
		"refused":             {rawName("refused@h", ok), "not_allowed", ErrNotAllowed},
		"no status at all":    {rawName("odd@h", ok), "not_allowed", ErrNotAllowed},
		"old form":            {[]byte("n\x00\x05\x00\x00\x00\x00a@h"), "", ErrTooOld},
		"names request":       {[]byte("n"), "", ErrNotDist},
		"port request":        {[]byte("zapp"), "", ErrNotDist},
		"empty":               {nil, "", ErrNotDist},
		"name too short":      {[]byte("N123"), "", ErrProtocol},
		"name length too big": {huge, "", ErrProtocol},
		"over the limit":      {rawName("p@h", ok, make([]byte, maxNamed)...), "", ErrProtocol},
	} {
		l := testLocal()
		m := acceptorFor(t, l, AcceptorHooks{Admit: func(h Hello) Status {
			return map[string]Status{"refused@h": StatusNotAllowed, "odd@h": 77, "": StatusOK}[keyOf(h)]
		}})
		out, done, err := m.Step(c.body, 0)
		if done || !errors.Is(err, c.want) {
			t.Errorf("%s: done %t, %v, want %v", what, done, err, c.want)
		}
		said := ""
		if len(out) > 0 {
			said = string(out[0][1:])
		}
		if said != c.said {
			t.Errorf("%s: said %q, want %q", what, said, c.said)
		}
		if err != nil {
			checkPlainText(t, err.Error())
			if l.Challenges.Len() != 0 {
				t.Errorf("%s: a challenge stays outstanding", what)
			}
		}
	}
}

func keyOf(h Hello) string {
	if h.Name == "refused@h" || h.Name == "odd@h" {
		return h.Name
	}
	return ""
}

func TestInitiatorFirstTwoMessages(t *testing.T) {
	ok := statusMessage("ok")
	greet := func(name string, f Flags) []byte {
		return challengeMessage(Local{Name: name, Creation: 9, Flags: f}, theirChallenge)
	}
	for what, c := range map[string]struct {
		bodies [][]byte
		hooks  InitiatorHooks
		want   error
	}{
		"good":                {[][]byte{ok, greet("p@h", Offer(false))}, InitiatorHooks{}, nil},
		"wanted":              {[][]byte{ok, greet("p@h", Offer(false))}, InitiatorHooks{Want: "p@h"}, nil},
		"erl flags":           {[][]byte{ok, greet("p@h", 0xD07DF7FBD)}, InitiatorHooks{}, nil},
		"not the one wanted":  {[][]byte{ok, greet("p@h", Offer(false))}, InitiatorHooks{Want: "q@h"}, ErrWrongName},
		"case differs":        {[][]byte{ok, greet("P@h", Offer(false))}, InitiatorHooks{Want: "p@h"}, ErrWrongName},
		"bad name":            {[][]byte{ok, greet("p\n@h", Offer(false))}, InitiatorHooks{}, ErrName},
		"no host":             {[][]byte{ok, greet("p", Offer(false))}, InitiatorHooks{}, ErrName},
		"too old":             {[][]byte{ok, greet("p@h", Offer(false)&^FlagUnlinkID)}, InitiatorHooks{}, ErrTooOld},
		"same name":           {[][]byte{ok, greet("us@host", Offer(false))}, InitiatorHooks{}, ErrSameName},
		"ourselves":           {[][]byte{ok, challengeMessage(testLocal(), theirChallenge)}, InitiatorHooks{}, ErrSelf},
		"alive, given up":     {[][]byte{statusMessage("alive")}, InitiatorHooks{Alive: func() bool { return false }}, ErrAlive},
		"named":               {[][]byte{statusMessage("named:\x00\x03a@h\x00\x00\x00\x05")}, InitiatorHooks{}, ErrProtocol},
		"no status":           {[][]byte{statusMessage("")}, InitiatorHooks{}, ErrProtocol},
		"ok and more":         {[][]byte{statusMessage("ok ")}, InitiatorHooks{}, ErrProtocol},
		"status over limit":   {[][]byte{statusMessage(strings.Repeat("x", 64))}, InitiatorHooks{}, ErrProtocol},
		"junk":                {[][]byte{[]byte("HTTP/1.1")}, InitiatorHooks{}, ErrNotDist},
		"challenge too short": {[][]byte{ok, []byte("N12")}, InitiatorHooks{}, ErrProtocol},
		"status twice":        {[][]byte{ok, ok}, InitiatorHooks{}, ErrProtocol},
		"hook says no":        {[][]byte{ok, greet("p@h", Offer(false))}, InitiatorHooks{Learned: func(Hello) error { return errHook }}, errHook},
	} {
		l := testLocal()
		m := initiatorFor(t, l, c.hooks)
		var err error
		for _, b := range c.bodies {
			_, _, err = m.Step(b, 0)
		}
		if !errors.Is(err, c.want) || (c.want == nil && m.Stage() != StageAck) {
			t.Errorf("%s: %v at %q, want %v", what, err, m.Stage(), c.want)
		}
		if err != nil {
			checkPlainText(t, err.Error())
		}
		m.Close()
		if l.Challenges.Len() != 0 {
			t.Errorf("%s: a challenge stays outstanding", what)
		}
	}
}

var errHook = errors.New("the table says no")

func TestLearnedHears(t *testing.T) {
	var heard Hello
	m := initiatorFor(t, testLocal(), InitiatorHooks{Learned: func(h Hello) error { heard = h; return nil }})
	short := FlagMandatory25Digest | FlagV4NC | FlagUnlinkID
	for _, b := range [][]byte{statusMessage("ok"), challengeMessage(Local{Name: "p@h", Creation: 9, Flags: short}, 1)} {
		if _, _, err := m.Step(b, 0); err != nil {
			t.Fatal(err)
		}
	}
	if heard != (Hello{Name: "p@h", Creation: 9, Flags: short.Expand()}) {
		t.Errorf("heard %+v", heard)
	}
}

func TestTooOldNamesFlags(t *testing.T) {
	m := acceptorFor(t, testLocal(), AcceptorHooks{})
	_, _, err := m.Step(rawName("p@h", Offer(true)&^(FlagV4NC|FlagUnlinkID)), 0)
	var old *TooOldError
	if !errors.As(err, &old) || strings.Join(old.Missing, " ") != "UNLINK_ID V4_NC" {
		t.Errorf("%v", err)
	}
	var h *HandshakeError
	if !errors.As(err, &h) || h.Role != RoleAcceptor || h.Stage != StageName || h.Peer != "p@h" {
		t.Errorf("%+v", h)
	}
}

func TestUnusableLocal(t *testing.T) {
	good := testLocal()
	bad := map[string]Local{}
	for what, spoil := range map[string]func(*Local){
		"name": func(l *Local) { l.Name = "us" }, "cookie": func(l *Local) { l.Cookie = NewCookie("") },
		"challenges": func(l *Local) { l.Challenges = nil },
	} {
		l := good
		spoil(&l)
		bad[what] = l
	}
	for what, l := range bad {
		_, err1 := NewInitiator(l, InitiatorHooks{})
		_, err2 := NewAcceptor(l, AcceptorHooks{})
		if err1 == nil || err2 == nil || !strings.Contains(err1.Error(), what) {
			t.Errorf("%s: %v, %v", what, err1, err2)
		}
	}
	if _, err := NewInitiator(good, InitiatorHooks{Want: "x"}); !errors.Is(err, ErrName) {
		t.Errorf("want x: %v", err)
	}
}

// S8: TestReflectionRefused replays the attack a thousand times: a listener that
// we dial, and that dials us at the same time, hands our own challenge back to
// have us compute the digest it lacks.
func TestReflectionRefused(t *testing.T) {
	set := new(Challenges)
	l := testLocal()
	l.Challenges = set
	for n := range 1000 {
		victim := acceptorFor(t, l, AcceptorHooks{})
		out, _, err := victim.Step(rawName("evil@h", Offer(false)), 0)
		if err != nil {
			t.Fatal(err)
		}
		ours := binary.BigEndian.Uint32(out[1][9:])
		oracle := initiatorFor(t, l, InitiatorHooks{})
		oracle.Step(statusMessage("ok"), 0)
		answer, done, err := oracle.Step(challengeMessage(Local{Name: "evil@h", Creation: 9, Flags: Offer(false)}, ours), 0)
		if done || answer != nil || !errors.Is(err, ErrReflection) {
			t.Fatalf("round %d: %x, %v", n, answer, err)
		}
		victim.Close()
	}
	if set.Len() != 0 {
		t.Errorf("%d challenges left", set.Len())
	}
}

// S8: TestReflectionRefusedByAcceptor: even with a right digest, a challenge that
// is ours gets no ack, be it of this handshake or of another.
func TestReflectionRefusedByAcceptor(t *testing.T) {
	set := new(Challenges)
	l := testLocal()
	l.Challenges = set
	other := set.New()
	for _, own := range []bool{true, false} {
		m := acceptorFor(t, l, AcceptorHooks{Established: func(Remote) error { t.Error("established"); return nil }})
		out, _, _ := m.Step(rawName("p@h", Offer(false)), 0)
		ours := binary.BigEndian.Uint32(out[1][9:])
		back := other
		if own {
			back = ours
		}
		answer, done, err := m.Step(replyMessage(back, theCookie.digest(ours)), 0)
		if done || answer != nil || !errors.Is(err, ErrReflection) {
			t.Errorf("%x, %t, %v", answer, done, err)
		}
	}
	set.Release(other)
	if set.Len() != 0 {
		t.Errorf("%d challenges left", set.Len())
	}
}
