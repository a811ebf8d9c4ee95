package etf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/otptest"
)

// verdictLoop answers each string on stdin with 1 if binary_to_term/1 takes it,
// else 0, and then what term_to_binary/2 makes of the term. Frames have a
// 4-byte length both ways; the loop ends with its stdin.
const verdictLoop = `
P = open_port({fd,0,1}, [binary, {packet,4}, eof]),
L = fun L() ->
  receive
    {P, {data,B}} ->
      R = try [1, term_to_binary(binary_to_term(B), [{minor_version,2}])] catch _:_ -> [0] end,
      port_command(P, R),
      L();
    {P, eof} -> halt()
  end
end,
L().`

// otp is a live runtime, not distributed, that judges byte strings.
type otp struct {
	in  io.WriteCloser
	out io.Reader
}

func startOTP(t *testing.T) *otp {
	t.Helper()
	otptest.Need(t)
	cmd := exec.CommandContext(t.Context(), "erl", "-noinput", "-boot", "start_clean", "-eval", verdictLoop)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "ERL_CRASH_DUMP=/dev/null")
	cmd.Stderr = os.Stderr
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	t.Cleanup(func() { watchdog.Stop(); in.Close(); cmd.Wait() })
	return &otp{in, out}
}

// judge asks for one string: does OTP take it, and how would it write it?
func (o *otp) judge(b []byte) (accepted bool, again []byte, err error) {
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
	if _, err := o.in.Write(frame); err != nil {
		return false, nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(o.out, head[:]); err != nil {
		return false, nil, err
	}
	reply := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err = io.ReadFull(o.out, reply); err != nil {
		return false, nil, err
	}
	return reply[0] == 1, reply[1:], nil
}

// lenient gives the reason why b may be accepted here and refused by OTP 25.
func lenient(b []byte) string {
	if bytes.Contains(b, []byte("nonode@nohost")) {
		return "a pid, port or reference of the judge itself, which knows its own ranges"
	}
	return ""
}

// unsafe reports tags that OTP uses in its own memory alone (72 to 76, indices
// and pointers). OTP 25.2.3 takes them from anyone and may go down, now or
// later, so it must not be asked about them.
func unsafe(err error) bool {
	var e *Error
	return errors.As(err, &e) && errors.Is(err, ErrTag) && e.Tag >= 72 && e.Tag <= 76
}

// S4: nothing is accepted here that OTP refuses: random bytes, random terms, and
// vectors and terms with some bytes changed, removed, doubled or swapped; 20,000
// of them, or 200,000 with LIMINAL_TEST_LONG=1.
func TestJudgedAsLiveOTP(t *testing.T) {
	o := startOTP(t)
	rng := rand.New(rand.NewPCG(seed(t)))
	m := newMutator(t, rng)
	m.withoutFuns = true // OTP 25.2.3 goes down on some funs with a byte changed
	var both, stricter, refused int
	strings := 20_000
	if os.Getenv("LIMINAL_TEST_LONG") == "1" {
		strings = 200_000
	}
	for range strings {
		b := m.next()
		term, _, err := DecodeVersioned(b, FileLimits())
		if unsafe(err) {
			continue
		}
		accepted, again, gone := o.judge(b)
		if gone != nil {
			t.Fatalf("%x: the runtime went away: %v", b, gone)
		}
		switch {
		case err == nil && accepted:
			both++
			sameTerm(t, b, term, again)
		case err == nil:
			if lenient(b) == "" {
				t.Errorf("%x: accepted as %#v, refused by OTP", b, term)
			}
		case accepted:
			stricter++ // doc.go lists the kinds
		default:
			refused++
		}
	}
	t.Logf("accepted by both %d, by OTP alone %d, refused by both %d", both, stricter, refused)
	if both < strings/10 || refused < strings/10 {
		t.Error("the strings are too one-sided to show anything")
	}
}

func sameTerm(t *testing.T, b []byte, term Term, otp []byte) {
	ours, err := AppendVersioned(nil, term)
	if err != nil {
		t.Errorf("%x: decoded, not encoded: %v", b, err)
	} else if !bytes.Equal(ours, otp) && !rewritten(b) {
		t.Errorf("%x:\nours %x\nOTP  %x", b, ours, otp)
	}
}

// rewritten reports whether OTP may write b's term in another way than we do:
// maps in its own order, a bit binary of 8 bits as a binary, its own pids.
func rewritten(b []byte) bool {
	return bytes.Contains(b, []byte{tagMap}) || bytes.Contains(b, []byte{tagBitBinary}) ||
		bytes.Contains(b, []byte{tagCompressed}) || lenient(b) != ""
}
