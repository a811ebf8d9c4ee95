package dist

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"testing"
	"time"
)

// vector is one captured message, as testdata/handshake.jsonl has it. The
// captures are of OTP 25.2.3.
type vector struct {
	Case      string `json:"case"`
	Direction string `json:"direction"`
	Hex       string `json:"hex"`
	Message   string `json:"message"`
	FlagsHex  string `json:"flags"`
	Creation  uint32 `json:"creation"`
	Name      string `json:"name"`
	Challenge uint32 `json:"challenge"`
	Status    string `json:"status"`
	Digest    string `json:"digest"`
}

func (v vector) body() []byte {
	b, _ := hex.DecodeString(v.Hex)
	return b[headerPlain:]
}

func (v vector) flags(t testing.TB) Flags {
	n, err := strconv.ParseUint(v.FlagsHex, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return Flags(n)
}

func (v vector) fromInitiator() bool { return v.Direction == "initiator->acceptor" }

// loadVectors gives the cases in order of capture.
func loadVectors(t testing.TB) (names []string, cases map[string][]vector) {
	f, err := os.Open("testdata/handshake.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cases = map[string][]vector{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var v vector
		if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		if cases[v.Case] == nil {
			names = append(names, v.Case)
		}
		cases[v.Case] = append(cases[v.Case], v)
	}
	return names, cases
}

// find gives the message of that kind in a case, or a zero vector.
func find(vs []vector, message string) vector {
	for _, v := range vs {
		if v.Message == message {
			return v
		}
	}
	return vector{}
}

var (
	errUnfinished = errors.New("the capture ends before the handshake does")
	errCannot     = errors.New("our side cannot play this part")
)

// verdicts says what our machines make of each case: nil is done. Where the
// other end was OTP we must come to what OTP came to, except as noted.
var verdicts = map[string]struct {
	acceptor, initiator error
	differs             string // a message in which our acceptor departs from the capture
}{
	"otp to otp, both published":                                     {nil, nil, ""},
	"static name, published, no header cache":                        {nil, nil, ""},
	"status alive answered true":                                     {nil, nil, ""},
	"hidden":                                                         {nil, nil, ""},
	"wrong cookie as initiator":                                      {ErrCookie, errUnfinished, ""},
	"dynamic node name":                                              {ErrName, errCannot, "73" + hex.EncodeToString([]byte("not_allowed"))},
	"dynamic node name, hidden":                                      {ErrName, errCannot, "73" + hex.EncodeToString([]byte("not_allowed"))},
	"dynamic node name, reused from the pool":                        {ErrName, errCannot, "73" + hex.EncodeToString([]byte("not_allowed"))},
	"a mandatory flag is missing":                                    {ErrTooOld, ErrNotAllowed, ""},
	"name without host":                                              {ErrName, errCannot, ""},
	"the acceptor's own name":                                        {ErrSameName, ErrNOK, "73" + hex.EncodeToString([]byte("not_allowed"))},
	"node not in net_kernel:allow list":                              {ErrNotAllowed, ErrNotAllowed, ""},
	"otp initiates, we answer ok":                                    {nil, nil, ""},
	"otp initiates, we answer nok":                                   {ErrNOK, ErrNOK, ""},
	"otp initiates, we answer not_allowed":                           {ErrNotAllowed, ErrNotAllowed, ""},
	"otp initiates, we answer ok_simultaneous":                       {nil, nil, ""},
	"otp initiates, we answer alive":                                 {nil, nil, ""},
	"otp initiates, we answer bogus":                                 {errCannot, ErrProtocol, ""},
	"otp initiates, we answer badack":                                {nil, ErrCookie, "61"},
	"otp initiates, we answer silent":                                {errUnfinished, errUnfinished, ""},
	"otp initiates, we answer badname":                               {errUnfinished, ErrWrongName, ""},
	"simultaneous connect, our name z@127.0.0.1 against m@127.0.0.1": {nil, nil, ""},
	"simultaneous connect, our name c@127.0.0.1 against m@127.0.0.1": {ErrNOK, ErrNOK, ""},
}

func TestCapturesAreAllThere(t *testing.T) {
	names, cases := loadVectors(t)
	n := 0
	for _, name := range names {
		n += len(cases[name])
		if _, ok := verdicts[name]; !ok {
			t.Errorf("no verdict for %q", name)
		}
	}
	if n != 85 || len(names) != len(verdicts) {
		t.Errorf("%d messages in %d cases, %d verdicts", n, len(names), len(verdicts))
	}
}

// TestCapturedMessagesParse reads every message and writes it again.
func TestCapturedMessagesParse(t *testing.T) {
	_, cases := loadVectors(t)
	for name, vs := range cases {
		for _, v := range vs {
			if again := rewrite(t, v); !bytes.Equal(again, v.body()) {
				t.Errorf("%s, %s: wrote %x, want %x", name, v.Message, again, v.body())
			}
		}
	}
}

func rewrite(t *testing.T, v vector) []byte {
	body := v.body()
	switch v.Message {
	case "send_name":
		g, err := parseName(body)
		checkGreeting(t, v, g, err)
		return nameMessage(Local{Name: string(g.name), Creation: g.creation, Flags: g.flags})
	case "challenge":
		g, err := parseChallenge(body)
		checkGreeting(t, v, g, err)
		return challengeMessage(Local{Name: string(g.name), Creation: g.creation, Flags: g.flags}, g.challenge)
	case "challenge_reply":
		n, digest, err := parseReply(body)
		if err != nil || n != v.Challenge || hex.EncodeToString(digest[:]) != v.Digest {
			t.Errorf("reply %d %x, %v", n, digest, err)
		}
		return replyMessage(n, digest)
	case "challenge_ack":
		digest, err := parseAck(body)
		if err != nil || hex.EncodeToString(digest[:]) != v.Digest {
			t.Errorf("ack %x, %v", digest, err)
		}
		return ackMessage(digest)
	default:
		return statusMessage(string(body[1:]))
	}
}

func checkGreeting(t *testing.T, v vector, g greeting, err error) {
	t.Helper()
	if err != nil || g.flags != v.flags(t) || g.creation != v.Creation || string(g.name) != v.Name || g.challenge != v.Challenge {
		t.Errorf("%s: %+v, %v", v.Hex, g, err)
	}
}

// fixed is a set that draws one number.
func fixed(n uint32) *Challenges { return &Challenges{draw: func() uint32 { return n }} }

func TestReplayAsAcceptor(t *testing.T) {
	names, cases := loadVectors(t)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			vs, v := cases[name], verdicts[name]
			if v.acceptor == errCannot {
				return
			}
			m, err := NewAcceptor(acceptorOf(t, vs), AcceptorHooks{Admit: func(Hello) Status { return recordedStatus(vs) }})
			if err != nil {
				t.Fatal(err)
			}
			replay(t, vs, true, v.acceptor, v.differs, m, func() stepper { c := *m; return &c }, nil)
		})
	}
}

func TestReplayAsInitiator(t *testing.T) {
	names, cases := loadVectors(t)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			vs, v := cases[name], verdicts[name]
			m, err := NewInitiator(initiatorOf(t, vs), InitiatorHooks{Want: wanted(vs)})
			if v.initiator == errCannot {
				if !errors.Is(err, ErrName) {
					t.Fatalf("a node of that name: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			replay(t, vs, false, v.initiator, "", m, func() stepper { c := *m; return &c }, [][]byte{m.Name()})
		})
	}
}

func acceptorOf(t testing.TB, vs []vector) Local {
	c := find(vs, "challenge")
	l := Local{Name: "m@127.0.0.1", Creation: 7, Flags: Offer(false), Cookie: NewCookie("secret"), Challenges: fixed(c.Challenge)}
	if c.Hex != "" {
		l.Name, l.Creation, l.Flags = c.Name, c.Creation, c.flags(t)
	} else if find(vs, "send_name").Name == l.Name && verdicts[vs[0].Case].acceptor != ErrSameName {
		l.Name = "q@127.0.0.1"
	}
	return l
}

func initiatorOf(t testing.TB, vs []vector) Local {
	n := find(vs, "send_name")
	cookie := "secret"
	if n.Case == "wrong cookie as initiator" {
		cookie = "wrong"
	}
	own := find(vs, "challenge_reply").Challenge
	return Local{Name: n.Name, Creation: n.Creation, Flags: n.flags(t), Cookie: NewCookie(cookie), Challenges: fixed(own)}
}

func wanted(vs []vector) string {
	if c := find(vs, "challenge"); c.Hex != "" && c.Name != "other@127.0.0.1" {
		return c.Name
	}
	return "q@127.0.0.1"
}

func recordedStatus(vs []vector) Status {
	text := find(vs, "status").Status
	for s, known := range statusTexts {
		if known == text {
			return Status(s)
		}
	}
	return StatusOK
}

type stepper interface {
	Step(body []byte, waited time.Duration) ([][]byte, bool, error)
	Stage() Stage
}

// replay feeds the other side's messages and holds ours against the capture.
func replay(t *testing.T, vs []vector, asAcceptor bool, want error, differs string, m stepper, clone func() stepper, out [][]byte) {
	done, err := false, error(nil)
	for _, v := range vs {
		if v.fromInitiator() != asAcceptor {
			out = checkOurs(t, v, out, differs)
			continue
		}
		if errors.Is(err, want) && differs != "" {
			return // the capture goes on where we have refused
		}
		if err != nil {
			t.Fatalf("ended before %s: %v", v.Message, err)
		}
		checkShorter(t, v, clone)
		var more [][]byte
		more, done, err = m.Step(v.body(), 0)
		out = append(out, more...)
	}
	if len(out) != 0 && want != errUnfinished {
		t.Errorf("%x left over", out)
	}
	switch {
	case want == nil && (!done || err != nil), want == errUnfinished && (done || err != nil || m.Stage() == ""):
		t.Errorf("done %t, %v", done, err)
	case want != nil && want != errUnfinished && (done || !errors.Is(err, want)):
		t.Errorf("done %t, %v, want %v", done, err, want)
	}
}

// checkOurs takes our next message for v. Once we have departed from the
// capture, what follows in it cannot come.
func checkOurs(t *testing.T, v vector, out [][]byte, differs string) [][]byte {
	t.Helper()
	if len(out) == 0 {
		if differs == "" {
			t.Errorf("nothing of ours for %s", v.Message)
		}
		return nil
	}
	got := out[0]
	if !bytes.Equal(got, v.body()) && (differs == "" || !bytes.HasPrefix([]byte(hex.EncodeToString(got)), []byte(differs))) {
		t.Errorf("%s: wrote %x, want %x", v.Message, got, v.body())
	}
	return out[1:]
}

// checkShorter gives the message at every shorter length to a copy of the
// machine. One prefix of a captured message is itself a message.
func checkShorter(t *testing.T, v vector, clone func() stepper) {
	t.Helper()
	body := v.body()
	for n := range len(body) {
		if v.Status == "ok_simultaneous" && n == 3 {
			continue
		}
		if _, done, err := clone().Step(body[:n], 0); done || err == nil {
			t.Errorf("%s cut to %d bytes is taken: %x", v.Message, n, body[:n])
		}
	}
}

// scriptConn reads from a script and then meets its end; writes are kept.
type scriptConn struct {
	net.Conn
	in       io.Reader
	out      bytes.Buffer
	closed   bool
	deadline []time.Time
}

func (c *scriptConn) Read(b []byte) (int, error)  { return c.in.Read(b) }
func (c *scriptConn) Write(b []byte) (int, error) { return c.out.Write(b) }
func (c *scriptConn) Close() error                { c.closed = true; return nil }
func (c *scriptConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711}
}
func (c *scriptConn) SetDeadline(t time.Time) error {
	c.deadline = append(c.deadline, t)
	return nil
}

// TestStreamCutAtEveryByte plays the captured streams over a conn, whole and
// cut at every byte: no part of one is enough, and what follows the last
// message stays unread.
func TestStreamCutAtEveryByte(t *testing.T) {
	_, cases := loadVectors(t)
	for name, v := range verdicts {
		if v.initiator == nil {
			run := func(c net.Conn) (Remote, error) {
				return Dial(c, time.Time{}, initiatorOf(t, cases[name]), InitiatorHooks{Want: wanted(cases[name])})
			}
			checkStream(t, name, cases[name], false, run)
		}
		if v.acceptor == nil {
			run := func(c net.Conn) (Remote, error) {
				hooks := AcceptorHooks{Admit: func(Hello) Status { return recordedStatus(cases[name]) }}
				return Accept(c, time.Time{}, acceptorOf(t, cases[name]), hooks)
			}
			checkStream(t, name, cases[name], true, run)
		}
	}
}

func checkStream(t *testing.T, name string, vs []vector, fromInitiator bool, run func(net.Conn) (Remote, error)) {
	var stream []byte
	for _, v := range vs {
		if v.fromInitiator() == fromInitiator {
			b, _ := hex.DecodeString(v.Hex)
			stream = append(stream, b...)
		}
	}
	for n := range stream {
		c := &scriptConn{in: bytes.NewReader(stream[:n])}
		if _, err := run(c); err == nil || !c.closed {
			t.Fatalf("%s: done after %d of %d bytes", name, n, len(stream))
		}
	}
	frame := binary.BigEndian.AppendUint32(nil, 0)
	in := bytes.NewReader(append(stream, frame...))
	c := &scriptConn{in: in}
	r, err := run(c)
	if err != nil || c.closed || in.Len() != len(frame) {
		t.Errorf("%s: %v, %d bytes unread, want %d", name, err, in.Len(), len(frame))
	}
	if len(c.deadline) != 2 || c.deadline[0].IsZero() || !c.deadline[1].IsZero() {
		t.Errorf("%s: deadlines %v", name, c.deadline)
	}
	if r.Name == "" || r.Flags.Missing() != nil || r.Agreed&^r.Flags != 0 {
		t.Errorf("%s: %+v", name, r)
	}
}
