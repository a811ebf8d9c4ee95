package dist

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

// captured is one line of testdata/pg.jsonl: a frame between a real OTP node
// and a peer, or another OTP node.
type captured struct {
	Capture, Direction, Hex, Control, Payload, Meaning string
	Seq                                                int
	frame                                              []byte // without its length
}

func loadCaptures(t testing.TB) (all []captured) {
	t.Helper()
	f, err := os.Open("testdata/pg.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c captured
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		b, err := hex.DecodeString(c.Hex)
		if err != nil {
			t.Fatal(err)
		}
		c.frame = b[4:]
		all = append(all, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("%d captured frames", len(all))
	}
	return all
}

var captureFlags = map[string]Flags{"passthrough": noHeaders, "header-without-cache": allAgreed}

// The two sides of the captures without atom cache.
func captureSides(capture string) (otp, raw Remote) {
	otp = Remote{Name: "m@127.0.0.1", Creation: 1795421160, Agreed: captureFlags[capture]}
	if capture == "header-without-cache" {
		otp.Creation++
	}
	return otp, Remote{Name: "raw@127.0.0.1", Creation: 287454020, Agreed: otp.Agreed}
}

// captureLink stands where the frame was received.
func captureLink(c captured, h Handler) *Link {
	otp, raw := captureSides(c.Capture)
	to, from := raw, otp
	if c.Direction == "peer->otp" {
		to, from = otp, raw
	}
	cfg := linkConfig(deadConn{}, from.Agreed, h)
	cfg.Local, cfg.Remote = Local{Name: to.Name, Creation: to.Creation}, from
	return NewLink(cfg)
}

var pidText = regexp.MustCompile(`#Pid<[^:]*:(\d+)\.\d+/\d+>`)

// expected is the call a captured frame leads to, from its decoded control.
func expected(c captured) string {
	_, control, _ := strings.Cut(strings.Trim(c.Control, "{}"), ",")
	switch op, _, _ := strings.Cut(strings.Trim(c.Control, "{}"), ","); op {
	case "22":
		return fmt.Sprintf("send %s", pidText.FindAllStringSubmatch(control, 2)[1][1])
	case "6":
		if strings.HasSuffix(control, "rex") || strings.HasSuffix(control, "global_name_server") {
			return ""
		}
		return fmt.Sprintf("name %s pg", pidText.FindStringSubmatch(control)[1])
	case "19", "20":
		name := map[string]string{"19": "monitored", "20": "demonitored"}[op]
		pids := pidText.FindAllStringSubmatch(control, 2)
		return fmt.Sprintf("%s %s %s [", name, pids[0][1], pids[1][1])
	case "28":
		return "down ["
	}
	return "?"
}

func TestCapturedFrames(t *testing.T) {
	seen := 0
	for _, c := range loadCaptures(t) {
		if _, ok := captureFlags[c.Capture]; !ok {
			continue
		}
		seen++
		h := &recorder{alive: map[uint32]bool{77: true, 89: true, 105: true}}
		l := captureLink(c, h)
		if err := l.in.frame(c.frame); err != nil {
			t.Errorf("%s %d %s: %v", c.Capture, c.Seq, c.Control, err)
			continue
		}
		got := strings.Join(h.taken(), "; ")
		want := expected(c)
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s %d %s: handler got %q, want %q", c.Capture, c.Seq, c.Control, got, want)
		}
	}
	if seen != 56 {
		t.Errorf("%d frames, want 56", seen)
	}
}

// Every captured frame at every shorter length is refused and closes nothing
// but its link; only a cut inside the payload is left to whoever reads it.
func TestCapturedFramesCut(t *testing.T) {
	for _, c := range loadCaptures(t) {
		if _, ok := captureFlags[c.Capture]; !ok {
			continue
		}
		end := controlEnd(t, c)
		for n := 1; n < len(c.frame); n++ {
			err := captureLink(c, &recorder{}).in.frame(c.frame[:n])
			var p *ProtocolError
			if n < end && !errors.As(err, &p) {
				t.Fatalf("%s %d cut to %d of %d: %v", c.Capture, c.Seq, n, len(c.frame), err)
			}
		}
	}
}

// controlEnd is the shortest length at which the frame has its control term
// and, if it has a payload, one byte of that.
func controlEnd(t *testing.T, c captured) int {
	t.Helper()
	start := 3
	if c.Capture == "passthrough" {
		start = 2
	}
	r := etf.NewReader(c.frame[start:], etf.WireLimits())
	if err := r.Skip(); err != nil {
		t.Fatal(err)
	}
	end := start + r.Offset()
	if c.Payload != "" {
		end++
		if c.Capture == "passthrough" {
			end++
		}
	}
	return end
}

// Frames with an atom cache, which we never agree to, are refused cleanly.
func TestCapturedAtomCacheIsRefused(t *testing.T) {
	seen := 0
	for _, c := range loadCaptures(t) {
		if c.Capture != "otp-otp-atom-cache" || len(c.frame) == 0 {
			continue
		}
		seen++
		err := idleLink(allAgreed, &recorder{}).in.frame(c.frame)
		if c.frame[2] != 0 && !errors.Is(err, errAtomRefs) {
			t.Errorf("%d %s: %v", c.Seq, c.Control, err)
		}
		if err := idleLink(noHeaders, &recorder{}).in.frame(c.frame); !errors.Is(err, errFrameType) {
			t.Errorf("%d %s on a link without headers: %v", c.Seq, c.Control, err)
		}
	}
	if seen < 70 {
		t.Errorf("%d frames", seen)
	}
}

// What we write for the control messages of the captures is what was written.
func TestWrittenAsCaptured(t *testing.T) {
	seen := map[int64]int{}
	for _, c := range loadCaptures(t) {
		if _, ok := captureFlags[c.Capture]; !ok {
			continue
		}
		l, control, payload := captureWriter(t, c)
		op := control[0].(int64)
		rewriteCaptured(t, l, control, payload)
		if got := queuedFrames(t, l); len(got) != 1 || !bytes.Equal(got[0], c.frame) {
			t.Errorf("%s %d %s:\n got %x\nwant %x", c.Capture, c.Seq, c.Control, got, c.frame)
		}
		seen[op]++
	}
	if len(seen) != 5 {
		t.Errorf("operations seen: %v, want 6, 19, 20, 22, 28", seen)
	}
}

// captureWriter stands where the frame was sent.
func captureWriter(t *testing.T, c captured) (*Link, etf.Tuple, []byte) {
	t.Helper()
	otp, raw := captureSides(c.Capture)
	cfg := linkConfig(deadConn{}, otp.Agreed, &recorder{})
	cfg.Local, cfg.Remote = Local{Name: otp.Name, Creation: otp.Creation}, raw
	l := NewLink(cfg)
	body := c.frame[2:]
	if l.framing.headers {
		body = c.frame[3:]
	}
	r := etf.NewReader(body, etf.WireLimits())
	control, err := r.Term()
	if err != nil {
		t.Fatal(err)
	}
	payload := r.Rest()
	if !l.framing.headers && len(payload) > 0 {
		payload = payload[1:]
	}
	return l, control.(etf.Tuple), payload
}

func rewriteCaptured(t *testing.T, l *Link, c etf.Tuple, payload []byte) {
	t.Helper()
	var err error
	switch Op(c[0].(int64)) {
	case OpRegSend:
		err = l.SendName(c[1].(etf.Pid), string(c[3].(etf.Atom)), payload)
	case OpSendSender:
		err = l.Send(c[1].(etf.Pid), c[2].(etf.Pid), payload)
	case OpMonitor:
		err = l.MonitorPid(c[1].(etf.Pid), c[2].(etf.Pid), c[3].(etf.Ref))
	case OpDemonitor:
		err = l.DemonitorPid(c[1].(etf.Pid), c[2].(etf.Pid), c[3].(etf.Ref))
	case OpPayloadMonitorExit:
		err = l.MonitorExit(PidTarget(c[1].(etf.Pid)), c[2].(etf.Pid), c[3].(etf.Ref), payload)
	default:
		t.Fatalf("no way to write operation %v", c[0])
	}
	if err != nil {
		t.Fatal(err)
	}
}
