package cli

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// notifier tells systemd how a service is doing: one datagram a message to the
// socket in NOTIFY_SOCKET, "@" standing for the zero byte of an abstract one
// (sd_notify(3)). Without that variable it says nothing. A message that cannot
// be sent, or that the socket has no room for within notifyLimit, is nobody's
// loss but systemd's.
type notifier string

// notifyLimit keeps a reader that hangs from holding up the end of a node.
const notifyLimit = time.Second

func (n notifier) send(state string) {
	if n == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: string(n), Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	if conn.SetWriteDeadline(time.Now().Add(notifyLimit)) == nil {
		_, _ = conn.Write([]byte(state))
	}
}

// ready ends the start, or a reload.
func (n notifier) ready(status string) { n.send("READY=1\nSTATUS=" + clean(status)) }

func (n notifier) status(status string) { n.send("STATUS=" + clean(status)) }

// goodbye is the last status.
const goodbye = "saying goodbye"

// stopping tells how long the end may take, so that a drain longer than the
// unit's TimeoutStopSec is not cut short.
func (n notifier) stopping(drain time.Duration) {
	n.send(fmt.Sprintf("STOPPING=1\nSTATUS=%s\nEXTEND_TIMEOUT_USEC=%d", goodbye, (drain + stopMargin).Microseconds()))
}

// stopMargin is for what a stop does beside the drain.
const stopMargin = 5 * time.Second

// reloading carries the time, by which Type=notify-reload knows that the
// READY=1 to come is later than its SIGHUP.
func (n notifier) reloading() {
	n.send("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(monotonicMicros(), 10))
}

func (n notifier) alive() { n.send("WATCHDOG=1") }

// monotonicMicros is CLOCK_MONOTONIC, which Go keeps to itself.
func monotonicMicros() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0
	}
	return ts.Nano() / 1000
}

// watchdogPeriod is how often systemd wants to hear from this process: half of
// what the unit allows. 0 is never, also where another process is meant.
func watchdogPeriod(getenv func(string) string, pid int) (time.Duration, error) {
	text := getenv("WATCHDOG_USEC")
	if text == "" {
		return 0, nil
	}
	if whose := getenv("WATCHDOG_PID"); whose != "" && whose != strconv.Itoa(pid) {
		return 0, nil
	}
	micros, err := strconv.ParseInt(text, 10, 64)
	if err != nil || micros <= 0 || micros > int64(24*365*time.Hour/time.Microsecond) {
		return 0, fmt.Errorf("WATCHDOG_USEC is no number of microseconds: %q", text)
	}
	return time.Duration(micros) * time.Microsecond / 2, nil
}
