package cli

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// durationText is a duration as one would type it: "30s" and not "30s0ms",
// "10m" and not "10m0s".
func durationText(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if len(s) > len(zero) && s[len(s)-len(zero):] == zero {
			s = s[:len(s)-len(zero)+1]
		}
	}
	return s
}

// wireTime is a time as JSON shows it: UTC, to the millisecond.
func wireTime(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// stampText is a time in plain output: RFC 3339 in UTC, whole seconds.
func stampText(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// count says a number with its noun: "1 peer", "2 peers".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// bytesText is a size as limits are set: "300 bytes", "1.2 MiB". What would be
// rounded to a whole unit and is none is shown to the byte, so that no message
// is longer than a limit of the same words.
func bytesText[N int | int64 | uint64](n N) string {
	size, unit := float64(n), ""
	for _, next := range []string{"KiB", "MiB", "GiB"} {
		if size < 1024 {
			break
		}
		size, unit = size/1024, next
	}
	text := strings.TrimSuffix(strconv.FormatFloat(size, 'f', 1, 64), ".0")
	if whole := !strings.Contains(text, "."); unit == "" || whole && size != math.Trunc(size) {
		return countWide(uint64(n), "byte", "bytes")
	}
	return text + " " + unit
}
