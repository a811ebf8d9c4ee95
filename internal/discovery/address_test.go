package discovery

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseAddress(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Address
	}{
		{"b", Address{Name: "b"}},
		{"a_b.c-1", Address{Name: "a_b.c-1"}},
		{"b@host", Address{Name: "b", Host: "host"}},
		{"b@host.example.net", Address{Name: "b", Host: "host.example.net"}},
		{"b@10.0.0.5", Address{Name: "b", Host: "10.0.0.5"}},
		{"b@host:9100", Address{Name: "b", Host: "host", Port: 9100}},
		{"host:9100", Address{Host: "host", Port: 9100}},
		{"10.0.0.5:65535", Address{Host: "10.0.0.5", Port: 65535}},
		{"[::1]:9100", Address{Host: "::1", Port: 9100}},
		{"b@[fe80::1]:9100", Address{Name: "b", Host: "fe80::1", Port: 9100}},
		{"b@::1", Address{Name: "b", Host: "::1"}},
		{"b@::1:9100", Address{Name: "b", Host: "::1:9100"}}, // a legal node name
	} {
		got, err := ParseAddress(tt.in)
		if got != tt.want || err != nil {
			t.Errorf("%s: %+v, %v; want %+v", tt.in, got, err, tt.want)
		}
		if s := got.String(); s != tt.in {
			t.Errorf("%s is written %s", tt.in, s)
		}
	}
	if a, err := ParseAddress("b@[::1]"); err != nil || a.String() != "b@::1" {
		t.Errorf("brackets without a port: %v, %v", a, err)
	}
}

func TestParseAddressErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "it is empty",
		"@host":                  "nothing stands before the @",
		"b@":                     "host is missing",
		"b@:9100":                "host is missing",
		":9100":                  "host is missing",
		"b@host:":                "port must be",
		"b@host:0":               "port must be",
		"host:65536":             "port must be",
		"host:+1":                "port must be",
		"host:http":              "port must be",
		"10.0.0.5":               "a host alone needs a port or a node name",
		"[::1]":                  "a host alone needs a port or a node name",
		"::1":                    "a host alone needs a port or a node name",
		"[::1":                   "not closed",
		"[::1]9100":              "follows the bracket",
		"[host]:9100":            "not an IPv6 address",
		"[10.0.0.5]:9100":        "not an IPv6 address",
		"b@h:1:2":                "not an IPv6 address",
		"b@fe80::1%eth0":         `may not hold "%"`,
		"[fe80::1%eth0]:9100":    `may not hold "%"`,
		"a b":                    `may not hold " "`,
		"a@b@c":                  `may not hold "@"`,
		"b\x1b[2J@host":          `may not hold "\x1b"`,
		"é":                      `may not hold`,
		"a/b@host":               `may not hold "/"`,
		strings.Repeat("a", 256): "256 bytes",
		strings.Repeat("a", 128) + "@" + strings.Repeat("b", 127): "256 bytes",
	} {
		a, err := ParseAddress(in)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, ErrAddress) || a != (Address{}) {
			t.Errorf("%q: %+v, %v; want an error with %q", in, a, err, want)
			continue
		}
		if text := err.Error(); !strings.Contains(text, "want b, b@host,") || strings.ContainsAny(text, "\x1b\n") {
			t.Errorf("%q: %q does not tell the forms, or is unfit for a terminal", in, text)
		}
	}
}

func TestAddressRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Address{
			Name: rapid.StringMatching(`([A-Za-z0-9_.-]{1,8})?`).Draw(t, "name"),
			Host: rapid.SampledFrom([]string{"", "h", "db1.example.net", "10.0.0.1", "::1", "fe80::2:1", "9100"}).Draw(t, "host"),
			Port: rapid.SampledFrom([]int{0, 1, 4369, 65535}).Draw(t, "port"),
		}
		if a.Host == "" {
			a.Port = 0 // b:9100 is the host b
		}
		got, err := ParseAddress(a.String())
		if err == nil && got != a {
			t.Fatalf("%+v is written %s and read %+v", a, a, got)
		}
		if err != nil && a.Name != "" && a.Host != "" {
			t.Fatalf("%s: %v", a, err)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"b", "b@host", "b@host:9100", "host:9100", "[::1]:9100", "b@::1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		if again, err := ParseAddress(a.String()); err != nil || again != a {
			t.Fatalf("%q reads %+v, written %s, reads %+v, %v", s, a, a, again, err)
		}
		if name := a.NodeName("host"); name != "" && len(a.Name) < 250 && ValidName(name) != nil {
			t.Fatalf("%q names %q: %v", s, name, ValidName(name))
		}
	})
}

func TestNodeName(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"b", "b@dev"}, {"b@host", "b@host"}, {"b@[::1]:1", "b@::1"}, {"host:9100", ""},
	} {
		a, err := ParseAddress(tt.in)
		if got := a.NodeName("dev"); got != tt.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"a@b": true, "a_.-9@b.c:-_1": true, "a@::1": true, "": false, "a": false, "@b": false, "a@": false,
		"a@b@c": false, "a b@c": false, "a:b@c": false, "a@b/c": false, "a@b\n": false, "ä@b": false,
		"a@" + strings.Repeat("b", 253): true, "a@" + strings.Repeat("b", 254): false,
	} {
		if err := ValidName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
	for host, long := range map[string]bool{"dev": false, "localhost": false, "db1.net": true, "10.0.0.1": true, "::1": true} {
		if IsLong(host) != long {
			t.Errorf("IsLong(%q) = %t", host, !long)
		}
	}
	if short, host, err := SplitName("a@b"); short != "a" || host != "b" || err != nil {
		t.Errorf("%q %q %v", short, host, err)
	}
}
