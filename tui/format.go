package tui

import (
	"fmt"
	"strconv"
	"time"

	"github.com/liminal-bus/liminal/internal/display"
)

// agoText is how long ago something was, in one unit so that it stays narrow.
func agoText(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds ago", s)
	case s < 3600:
		return fmt.Sprintf("%dm ago", s/60)
	case s < 86400:
		return fmt.Sprintf("%dh ago", s/3600)
	}
	return fmt.Sprintf("%dd ago", s/86400)
}

// upText is how long something is up. After 10 min seconds are left out: they
// would have each row written anew each second.
func upText(d time.Duration) string {
	if d >= 10*time.Minute && d < time.Hour {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return display.Up(d)
}

// secondsText is a span in a sentence: "12 s", "2m20s".
func secondsText(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", max(d, 0)/time.Second)
	}
	return display.Up(d)
}

// lastText is when a message last came: "0.1s ago".
func lastText(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs ago", max(d, 0).Seconds())
	}
	return agoText(d)
}

// rttText is a round trip time of microseconds: "0.3 ms"; "-" while unknown.
func rttText(us int64) string { return display.RTT(time.Duration(us) * time.Microsecond) }

// msText is a round trip time without its unit.
func msText(us float64) string {
	if ms := us / 1000; ms < 9.95 {
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", us/1000)
}

// rateText is a number a second in at most five columns: "-" while unknown.
func rateText(v float64) string {
	switch {
	case !(v >= 0):
		return "-"
	case v > 0 && v < 0.95:
		return fmt.Sprintf("%.1f", v)
	case v < 99999:
		return fmt.Sprintf("%.0f", v)
	case v < 9_999_500:
		return fmt.Sprintf("%.0fk", v/1000)
	}
	return fmt.Sprintf("%.0fM", v/1_000_000)
}

// group is a number with a blank between each three digits: "12 481".
func group[N int | int64 | uint64](n N) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// orDash is a number, or "-" for none.
func orDash(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}
