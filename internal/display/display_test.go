package display

import (
	"testing"
	"time"
)

func TestSpans(t *testing.T) {
	const ms, s, m, h = time.Millisecond, time.Second, time.Minute, time.Hour
	for _, test := range []struct {
		name string
		show func(time.Duration) string
		in   time.Duration
		want string
	}{
		{"rtt", RTT, 0, "-"},
		{"rtt", RTT, 20 * time.Microsecond, "<0.1 ms"},
		{"rtt", RTT, 310 * time.Microsecond, "0.3 ms"},
		{"rtt", RTT, 900 * time.Microsecond, "0.9 ms"},
		{"rtt", RTT, 9949 * time.Microsecond, "9.9 ms"},
		{"rtt", RTT, 9951 * time.Microsecond, "10 ms"},
		{"rtt", RTT, 48 * ms, "48 ms"},
		{"rtt", RTT, 1200 * ms, "1.2 s"},
		{"up", Up, -s, "0s"},
		{"up", Up, s, "1s"},
		{"up", Up, 140 * s, "2m20s"},
		{"up", Up, 2*h + 13*m + 59*s, "2h13m"},
		{"up", Up, 76 * h, "3d4h"},
		{"span", Span, 72 * ms, "72 ms"},
		{"span", Span, 4100 * ms, "4.1 s"},
		{"span", Span, 41 * s, "41 s"},
		{"span", Span, 140 * s, "2m20s"},
	} {
		if got := test.show(test.in); got != test.want {
			t.Errorf("%s of %v: %q, want %q", test.name, test.in, got, test.want)
		}
	}
}

// S12: TestHarmful: what a terminal could act on, or show nothing for.
func TestHarmful(t *testing.T) {
	for _, r := range "\x00\n\x1b\x7f\u0085\u009b\u200b\u202e\u2028\ufeff\u2066\ue000\U000e0041\u3164\ufe0f\u0378" {
		if !Harmful(r) {
			t.Errorf("%U passes", r)
		}
	}
	for _, r := range " a~é\u0301日😀" {
		if Harmful(r) {
			t.Errorf("%U does not pass", r)
		}
	}
	for r, want := range map[rune]string{'\n': `\n`, 0x1b: `\x1b`, 0x202e: `\u202e`, 0xe0041: `\U000e0041`} {
		if got := Escape(r); got != want {
			t.Errorf("%U: %s, want %s", r, got, want)
		}
	}
}
