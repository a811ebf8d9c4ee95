package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// rttText shows a round trip time: "0.3 ms", "48 ms", "1.2 s"; "-" while
// unknown.
func rttText(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case d <= 0:
		return "-"
	case ms < 0.05:
		return "<0.1 ms"
	case ms < 9.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// upText shows how long something has lasted in at most two units: "1s",
// "2m20s", "2h13m", "3d4h". Negative durations (a clock set back) are "0s".
func upText(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%dm", s/3600, s%3600/60)
	}
	return fmt.Sprintf("%dd%dh", s/86400, s%86400/3600)
}

// spanText shows a span in a sentence: "72 ms", "4.1 s", "41 s", "2m20s".
func spanText(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", max(d, 0).Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return upText(d)
}

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
