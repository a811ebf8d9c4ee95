package certs

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode"
)

// writeOptFile writes what OTP has to be told. One that is there stays, since
// somebody may have added to it.
func (a *authority) writeOptFile(n *Node, replace bool) error {
	err := writeFile(n.OptFile, []byte(optFile(n, a.certPath)), 0o644, replace)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// optFile is the value of -ssl_dist_optfile: both roles show the node's
// certificate, and take none that the CA has not signed. OTP compares the host
// itself when it dials.
func optFile(n *Node, ca string) string {
	files := fmt.Sprintf("{certfile, %s},\n           {keyfile, %s},\n           {cacertfile, %s},\n           {verify, verify_peer}",
		erlangString(n.Cert), erlangString(n.Key), erlangString(ca))
	return "%% coding: utf-8\n" +
		"%% TLS for the Erlang node " + n.Name + ": erl -proto_dist inet_tls -ssl_dist_optfile THIS_FILE\n" +
		"%% The files are those of the machine where this was made.\n" +
		"[{server, [" + files + ",\n           {fail_if_no_peer_cert, true}]},\n" +
		" {client, [" + files + "]}].\n"
}

// erlangString is a path as an Erlang string.
func erlangString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\x{%x}`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
