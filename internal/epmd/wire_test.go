package epmd

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRequests(t *testing.T) {
	for _, tt := range []struct {
		name string
		got  []byte
		want string // the first as OTP 25 sends it
	}{
		{"alive", alive2("a", 0x97b9, false), "000e7897b94d00000600060001610000"},
		{"alive hidden", alive2("a", 0x97b9, true), "000e7897b94800000600060001610000"},
		{"port please", request(reqPortPlease2, []byte("ab")), "00037a6162"},
		{"names", request(reqNames, nil), "00016e"},
	} {
		if got := hex.EncodeToString(tt.got); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

const (
	portReply  = "\x77\x00\x9c\xb9\x4d\x00\x00\x06\x00\x05\x00\x02ab\x00\x01x"
	aliveLong  = "\x76\x00\x01\x02\x03\x04"
	aliveShort = "\x79\x00\x00\x03"
	aliveTaken = "\x76\x01\x00\x00\x00\x63"
	noSuchName = "\x77\x01"
)

func TestReadPort(t *testing.T) {
	long := strings.Repeat("x", maxPort)
	for _, tt := range []struct {
		name, in string
		port     int
		err      error
	}{
		{"found", portReply, 0x9cb9, nil},
		{"found, more follows", portReply + "junk", 0x9cb9, nil},
		{"unknown", noSuchName, 0, ErrNoSuchName},
		{"wrong tag", "\x78\x00" + portReply[2:], 0, ErrBadReply},
		{"port 0", "\x77\x00\x00\x00" + portReply[4:], 0, ErrBadReply},
		{"huge extra", portReply[:14] + "\xff\xff" + long, 0, ErrBadReply},
		{"empty", "", 0, ErrBadReply},
	} {
		port, err := readPort(strings.NewReader(tt.in))
		if port != tt.port || !errors.Is(err, tt.err) {
			t.Errorf("%s: %d, %v; want %d, %v", tt.name, port, err, tt.port, tt.err)
		}
	}
}

func TestReadAlive(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		result   byte
		err      error
	}{
		{"long", aliveLong, 0, nil},
		{"short", aliveShort, 0, nil},
		{"taken", aliveTaken, 1, nil},
		{"taken, short", "\x79\x01\x00\x63", 1, nil},
		{"other result", "\x76\x07", 7, nil},
		{"wrong tag", "\x77\x00\x00\x00\x00\x00", 0, ErrBadReply},
	} {
		r := strings.NewReader(tt.in + "rest")
		result, err := readAlive(r)
		if result != tt.result || !errors.Is(err, tt.err) {
			t.Errorf("%s: %d, %v; want %d, %v", tt.name, result, err, tt.result, tt.err)
		}
		if err == nil && result == 0 && r.Len() != len("rest") {
			t.Errorf("%s: %d bytes left, want 4: a registered socket is read no further", tt.name, r.Len())
		}
	}
}

func TestParseNames(t *testing.T) {
	const port = "\x00\x00\x11\x11"
	for _, tt := range []struct {
		name, in string
		want     string
		err      error
	}{
		{"none", port, "[]", nil},
		{"two", port + "name a at port 1\nname b c at port 65535\n", "[{a 1} {b c 65535}]", nil},
		{"nasty", port + "name x at port 9 at port 7\n", "[{x at port 9 7}]", nil},
		{"no port", "\x00\x00\x11", "[]", ErrBadReply},
		{"no newline", port + "name a at port 1", "[]", ErrBadReply},
		{"no name", port + "name  at port 1\n", "[]", ErrBadReply},
		{"port 0", port + "name a at port 0\n", "[]", ErrBadReply},
		{"port 65536", port + "name a at port 65536\n", "[]", ErrBadReply},
		{"port -1", port + "name a at port -1\n", "[]", ErrBadReply},
		{"debug form", port + "active name     <a> at port 1, fd = 5\n", "[]", ErrBadReply},
	} {
		got, err := parseNames([]byte(tt.in))
		if fmt.Sprint(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, %v; want %s, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// Each answer, cut short at each byte, is an error that names the field; in
// single bytes it reads the same.
func TestEveryShorterLength(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		read func(in string) error
	}{
		"port": {portReply, func(in string) error {
			_, err := readPort(iotest.OneByteReader(strings.NewReader(in)))
			return err
		}},
		"alive": {aliveLong, func(in string) error {
			_, err := readAlive(iotest.OneByteReader(strings.NewReader(in)))
			return err
		}},
		"alive short": {aliveShort, func(in string) error {
			_, err := readAlive(iotest.OneByteReader(strings.NewReader(in)))
			return err
		}},
	} {
		if err := c.read(c.in); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for n := range len(c.in) {
			if err := c.read(c.in[:n]); !errors.Is(err, ErrBadReply) {
				t.Errorf("%s: %d bytes: %v, want ErrBadReply", name, n, err)
			}
		}
	}
}

func FuzzReadPort(f *testing.F) {
	f.Add([]byte(portReply))
	f.Add([]byte(noSuchName))
	f.Fuzz(func(t *testing.T, b []byte) {
		port, err := readPort(bytes.NewReader(b))
		if (err == nil) != (port > 0) || port > 65535 {
			t.Fatalf("port %d with error %v", port, err)
		}
	})
}

func FuzzReadAlive(f *testing.F) {
	f.Add([]byte(aliveLong))
	f.Add([]byte(aliveShort))
	f.Add([]byte(aliveTaken))
	f.Fuzz(func(t *testing.T, b []byte) {
		result, err := readAlive(bytes.NewReader(b))
		if err != nil && (result != 0 || !errors.Is(err, ErrBadReply)) {
			t.Fatalf("result %d with error %v", result, err)
		}
	})
}

func FuzzParseNames(f *testing.F) {
	f.Add([]byte("\x00\x00\x11\x11name a at port 1\nname b c at port 65535\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := parseNames(b)
		if err != nil {
			if entries != nil {
				t.Fatalf("part of a list with error %v", err)
			}
			return
		}
		// What was read says the same when written again: nothing was skipped.
		out := append([]byte(nil), b[:4]...)
		for _, e := range entries {
			out = fmt.Appendf(out, "name %s at port %d\n", e.Name, e.Port)
		}
		again, err := parseNames(out)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(entries) {
			t.Fatalf("%q reads %v, written again %v, %v", b, entries, again, err)
		}
	})
}
