package cli

import (
	"net"
)

// notifier tells systemd how a service of Type=notify is doing: one datagram a
// message to the socket in NOTIFY_SOCKET, "@" standing for the zero byte of an
// abstract one (sd_notify(3)). Without that variable it says nothing. A message
// that cannot be sent is nobody's loss but systemd's.
type notifier string

func (n notifier) send(state string) {
	if n == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: string(n), Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}

func (n notifier) ready(status string) { n.send("READY=1\nSTATUS=" + clean(status)) }

func (n notifier) stopping() { n.send("STOPPING=1") }

func (n notifier) reloading() { n.send("RELOADING=1") }
