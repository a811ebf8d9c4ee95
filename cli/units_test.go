package cli

import (
	"testing"
	"time"
)

func TestUnits(t *testing.T) {
	const ms, s, m, h = time.Millisecond, time.Second, time.Minute, time.Hour
	for _, test := range []struct {
		name string
		show func(time.Duration) string
		in   time.Duration
		want string
	}{
		{"duration", durationText, 30 * s, "30s"},
		{"duration", durationText, 10 * m, "10m"},
		{"duration", durationText, 90 * s, "1m30s"},
		{"duration", durationText, 2 * h, "2h"},
		{"duration", durationText, 100 * m, "1h40m"},
		{"duration", durationText, 200 * ms, "200ms"},
	} {
		if got := test.show(test.in); got != test.want {
			t.Errorf("%s of %v: %q, want %q", test.name, test.in, got, test.want)
		}
	}
}

func TestCount(t *testing.T) {
	if count(1, "peer") != "1 peer" || count(0, "peer") != "0 peers" || count(12, "message") != "12 messages" {
		t.Error(count(1, "peer"), count(0, "peer"), count(12, "message"))
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int]string{
		0: "0 bytes", 1: "1 byte", 1023: "1 023 bytes", 1024: "1 KiB", 1536: "1.5 KiB", 1 << 20: "1 MiB", 1<<20 + 1: "1 048 577 bytes",
		1200000: "1.1 MiB", 64 << 20: "64 MiB", 3 << 30: "3 GiB",
	} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
