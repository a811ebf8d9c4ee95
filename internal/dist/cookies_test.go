package dist

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// secrets is every ordered choice of one to most of the texts.
func secrets(texts []string, most int) (all [][]string) {
	var grow func(set []string)
	grow = func(set []string) {
		if len(set) > 0 {
			all = append(all, slices.Clone(set))
		}
		for _, text := range texts {
			if len(set) < most && !slices.Contains(set, text) {
				grow(append(set, text))
			}
		}
	}
	grow(nil)
	return all
}

func setLocal(name string, texts []string) Local {
	l := nodeLocal(name, texts[0])
	for _, text := range texts[1:] {
		l.Accept = append(l.Accept, NewCookie(text))
	}
	return l
}

// quiet lets two machines shake hands in one goroutine.
func quiet(t testing.TB, i, a Local, ih InitiatorHooks) (dialled, accepted Remote, dialErr, acceptErr error) {
	in, err := NewInitiator(i, ih)
	if err != nil {
		t.Fatal(err)
	}
	ac, err := NewAcceptor(a, AcceptorHooks{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer ac.Close()
	for toAcceptor, done := [][]byte{in.Name()}, false; !done; {
		var toInitiator [][]byte
		for _, m := range toAcceptor {
			out, _, err := ac.Step(m, 0)
			if err != nil {
				return Remote{}, Remote{}, ErrDigest, err // what the driver makes of the hang-up
			}
			toInitiator = append(toInitiator, out...)
		}
		toAcceptor = nil
		for _, m := range toInitiator {
			var out [][]byte
			if out, done, err = in.Step(m, 0); err != nil {
				return Remote{}, Remote{}, err, nil
			}
			toAcceptor = append(toAcceptor, out...)
		}
	}
	return in.Remote(), ac.Remote(), nil, nil
}

// S9: all pairs of sets of one to three of five cookies: a handshake comes to its
// end if and only if the acceptor has the cookie that the initiator proves, and
// both know which it was.
func TestCookieSets(t *testing.T) {
	all := secrets([]string{"one", "two", "three", "four", "five"}, 3)
	if len(all) != 85 {
		t.Fatalf("%d sets", len(all))
	}
	for _, ours := range all {
		for _, theirs := range all {
			for k, text := range ours {
				dialled, accepted, dialErr, acceptErr := quiet(t, setLocal("i@h", ours), setLocal("a@h", theirs),
					InitiatorHooks{Cookie: func(Hello) int { return k }})
				fits := slices.Index(theirs, text)
				switch {
				case fits < 0 && errors.Is(dialErr, ErrDigest) && errors.Is(acceptErr, ErrCookie):
				case fits >= 0 && dialErr == nil && acceptErr == nil && dialled.Cookie == k && accepted.Cookie == fits:
				default:
					t.Fatalf("%v proves %s to %v: %d and %d, %v and %v", ours, text, theirs, dialled.Cookie, accepted.Cookie, dialErr, acceptErr)
				}
			}
		}
	}
}

// Over a conn: the initiator sees that it was its digest that was refused.
func TestCookieSetOverConn(t *testing.T) {
	a := setLocal("a@h", []string{"new", "old"})
	for _, c := range []struct {
		ours []string
		try  int
		want error
		at   int
	}{
		{[]string{"new"}, 0, nil, 0},
		{[]string{"old"}, 0, nil, 1},
		{[]string{"old", "new"}, 1, nil, 0},
		{[]string{"other", "old"}, 0, ErrDigest, 0},
	} {
		m := meet(setLocal("i@h", c.ours), a, InitiatorHooks{Cookie: func(Hello) int { return c.try }}, AcceptorHooks{})
		if !errors.Is(m.dialErr, c.want) || (c.want == nil) != (m.acceptErr == nil) {
			t.Errorf("%v: %v, %v", c.ours, m.dialErr, m.acceptErr)
		}
		if c.want == nil && (m.accepted.Cookie != c.at || m.dialled.Cookie != c.try) {
			t.Errorf("%v: %d and %d", c.ours, m.dialled.Cookie, m.accepted.Cookie)
		}
		if c.want != nil && !errors.Is(m.dialErr, ErrCookie) {
			t.Errorf("%v is no ErrCookie", m.dialErr)
		}
	}
}

// An acceptor that answers with another cookie of ours than the one we proved is
// not taken, and no other cookie is worth a try.
func TestAckOfAnotherCookie(t *testing.T) {
	i := setLocal("i@h", []string{"new", "old"})
	for k := range 2 {
		in, err := NewInitiator(i, InitiatorHooks{Cookie: func(Hello) int { return k }})
		if err != nil {
			t.Fatal(err)
		}
		step := func(m []byte) [][]byte {
			out, _, err := in.Step(m, 0)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		step(statusMessage("ok"))
		reply := step(challengeMessage(nodeLocal("a@h", "x"), 7))[0]
		own, digest, err := parseReply(reply)
		if err != nil || i.cookies()[k].digest(7) != digest {
			t.Fatalf("cookie %d was not proved: %v", k, err)
		}
		_, done, err := in.Step(ackMessage(i.cookies()[1-k].digest(own)), 0)
		if done || !errors.Is(err, ErrCookie) || errors.Is(err, ErrDigest) {
			t.Errorf("proved %d, answered with the other: %v", k, err)
		}
	}
}

func TestCookieChoiceOutOfRange(t *testing.T) {
	for _, k := range []int{-1, 2} {
		_, _, dialErr, _ := quiet(t, setLocal("i@h", []string{"a", "b"}), nodeLocal("a@h", "a"), InitiatorHooks{Cookie: func(Hello) int { return k }})
		if dialErr == nil || errors.Is(dialErr, ErrCookie) {
			t.Errorf("%d: %v", k, dialErr)
		}
	}
}

func TestLocalCookies(t *testing.T) {
	for _, c := range []struct {
		texts []string
		good  bool
	}{
		{[]string{"a"}, true}, {[]string{"a", "b", "c", "d"}, true},
		{[]string{"a", ""}, false}, {[]string{"", "a"}, false}, {[]string{"a", "b", "c", "d", "e"}, false},
	} {
		if err := setLocal("a@h", c.texts).check(); (err == nil) != c.good {
			t.Errorf("%q: %v", c.texts, err)
		}
	}
}

// S8: nor do several cookies help who has none: the challenge is what is looked
// at, whichever cookie it would be answered with.
func TestReflectionFailsOnSets(t *testing.T) {
	us := setLocal("us@127.0.0.1", []string{"new", "old", "older"})
	for round := range 30 {
		in, dialled := tcpPair(t)
		out, accepted := tcpPair(t)
		errs := make(chan error, 2)
		hooks := InitiatorHooks{Cookie: func(Hello) int { return round % 3 }}
		go func() { _, err := Dial(dialled, time.Time{}, us, hooks); errs <- err }()
		go func() { _, err := Accept(accepted, time.Time{}, us, AcceptorHooks{}); errs <- err }()
		if err := mirror(in, out, "evil@127.0.0.1"); err == nil {
			t.Fatal("a node without a cookie was let in")
		}
		in.Close()
		out.Close()
		first, second := <-errs, <-errs
		if first == nil || second == nil || !errors.Is(first, ErrReflection) && !errors.Is(second, ErrReflection) {
			t.Fatalf("%v; %v", first, second)
		}
	}
}

// S10: of equal cookies the first is found, and with every set it is the one that
// a plain search would find.
func TestFitting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "aa"}), 1, MaxCookies).Draw(t, "set")
		made := rapid.SampledFrom([]string{"a", "b", "c", "aa", "d"}).Draw(t, "made with")
		challenge := rapid.Uint32().Draw(t, "challenge")
		set := make([]Cookie, len(texts))
		for i, text := range texts {
			set[i] = NewCookie(text)
		}
		want := slices.Index(texts, made)
		if got := fitting(set, challenge, NewCookie(made).digest(challenge)); got != want {
			t.Fatalf("%d, want %d", got, want)
		}
		if got := NewCookie(made).Place(set); got != want {
			t.Fatalf("place %d, want %d", got, want)
		}
	})
}

func TestProofIsOfOneLinkAlone(t *testing.T) {
	a, b := Life{"a@h", 7}, Life{"b@h", 8}
	c := NewCookie("secret")
	proof := []Proof{NewCookie("another").Proof(a, b), c.Proof(a, b)}
	if !c.Holds(a, b, proof) {
		t.Fatal("a good proof is not taken")
	}
	for what, holds := range map[string]bool{
		"another cookie":  NewCookie("Secret").Holds(a, b, proof),
		"the other way":   c.Holds(b, a, proof),
		"another life":    c.Holds(Life{"a@h", 9}, b, proof),
		"to another life": c.Holds(a, Life{"b@h", 9}, proof),
		"another name":    c.Holds(Life{"c@h", 7}, b, proof),
		"to another name": c.Holds(a, Life{"c@h", 8}, proof),
		"a moved border":  c.Holds(Life{"a@h\x00", 7}, b, proof),
		"none":            c.Holds(a, b, nil),
		"the first alone": c.Holds(a, b, proof[:1]),
	} {
		if holds {
			t.Errorf("%s is taken", what)
		}
	}
}

// S10: a Local with a set shows none of it.
func TestAcceptedCookiesNeverPrint(t *testing.T) {
	l := setLocal("a@h", []string{"plain", canary})
	for verb := 'A'; verb <= 'z'; verb++ {
		for _, v := range []any{l, &l, l.Accept, l.cookies(), []any{l}} {
			checkSilent(t, fmt.Sprintf("%T %%%c", v, verb), fmt.Sprintf("%"+string(verb), v))
		}
	}
}
