package node

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

// The process called liminal. selfID is its pid's number, the first that is not
// kept by the pids that answer for OTP's own names; it lives as long as
// the node.
const (
	selfName = "liminal"
	selfID   = 100
)

// wireVersion is the second element of every tuple of ours.
const wireVersion = 1

// maxTold bounds what one answer to peers may hold.
const maxTold = 1024

// message is a tuple that arrived for liminal; r stands behind its tag.
type message struct {
	n     *Node
	l     *dist.Link
	r     *etf.Reader
	arity int // elements of the tuple, the tag included
}

// messages is what liminal understands. An element or a map key too many is
// skipped, so that a newer peer can say more.
var messages = map[string]struct {
	arity  int // at least
	handle func(message) error
}{
	"hello":     {3, (message).hello},   // {hello, Version, #{version, host, port}}
	"goodbye":   {2, (message).goodbye}, // {goodbye, Version}
	"probe":     {4, (message).probe},   // {probe, Version, N, RttMicros}
	"echo":      {3, (message).echo},    // {echo, Version, N}
	"peers":     {3, (message).peers},   // {peers, Version, [{Name, Host, Port, Kind}]}
	"cookies":   {3, (message).cookies}, // {cookies, Version, [Proof]}
	"$gen_call": {3, (message).call},    // {'$gen_call', {Pid, Tag}, Request}
	"pub":       {3, (message).pub},     // {pub, Channel, Payload}, from an Erlang process

	// What OTP's libraries ask of any process, and would wait for for ever.
	"io_request":   {4, (message).io},   // {io_request, Pid, ReplyAs, Request}
	"file_request": {4, (message).file}, // {file_request, Pid, ReplyAs, Request}
}

var errUnknownMessage = errors.New("unknown message")

// deliver hands one message for liminal to its row.
func (n *Node) deliver(l *dist.Link, msg []byte) error {
	r := etf.NewReader(msg, etf.WireLimits())
	arity, err := r.TupleHeader()
	if err != nil {
		return err
	}
	m := message{n, l, &r, arity}
	if from, err := r.PidView(); err == nil {
		return m.fromPid(from.Pid())
	}
	tag, err := r.Atom()
	if err != nil {
		return err
	}
	row, ok := messages[string(tag)]
	switch {
	case n.cfg.look && lookIgnores[string(tag)]:
	case ok && arity >= row.arity:
		return row.handle(m)
	case !ok && arity == 3:
		return m.refuse()
	}
	return errUnknownMessage
}

// skip passes over the version, which so far decides nothing.
func (m message) skip() error { return m.r.Skip() }

func encodeHello(host string, port uint16) []byte {
	b := etf.AppendTuple(nil, 3)
	b = etf.AppendAtom(b, "hello")
	b = etf.AppendInt(b, wireVersion)
	b = etf.AppendMapHeader(b, 3)
	b = etf.AppendBinary(etf.AppendAtom(b, "version"), []byte(Version))
	b = etf.AppendBinary(etf.AppendAtom(b, "host"), []byte(host))
	return etf.AppendInt(etf.AppendAtom(b, "port"), int64(port))
}

func encodeGoodbye() []byte {
	b := etf.AppendAtom(etf.AppendTuple(nil, 2), "goodbye")
	return etf.AppendInt(b, wireVersion)
}

func encodeProbe(number uint64, rttMicros int64) []byte {
	b := etf.AppendAtom(etf.AppendTuple(nil, 4), "probe")
	b = etf.AppendUint(etf.AppendInt(b, wireVersion), number)
	return etf.AppendInt(b, rttMicros)
}

func encodeEcho(number uint64) []byte {
	b := etf.AppendAtom(etf.AppendTuple(nil, 3), "echo")
	return etf.AppendUint(etf.AppendInt(b, wireVersion), number)
}

func encodePeers(list []told) []byte {
	b := etf.AppendAtom(etf.AppendTuple(nil, 3), "peers")
	return appendToldList(etf.AppendInt(b, wireVersion), list)
}

func appendToldList(b []byte, list []told) []byte {
	b = etf.AppendListHeader(b, len(list))
	for _, t := range list {
		b = appendTold(b, t)
	}
	return etf.AppendNil(b)
}

// encodeCall is {'$gen_call', {Pid, Ref}, Request}.
func encodeCall(from etf.Pid, ref etf.Ref, request []byte) []byte {
	b := etf.AppendAtom(etf.AppendTuple(nil, 3), "$gen_call")
	b = etf.AppendTuple(b, 2)
	b = etf.AppendRef(etf.AppendPid(b, from), ref)
	return append(b, request...)
}

// helloInfo is the map of hello.
type helloInfo struct {
	version string
	host    string
	port    uint16
}

// Bounds on texts of a peer that are kept.
const (
	maxVersionText = 64
	maxHostText    = 255
)

func readHello(r *etf.Reader) (h helloInfo, err error) {
	pairs, err := r.MapHeader()
	for ; pairs > 0 && err == nil; pairs-- {
		err = h.pair(r)
	}
	if err == nil {
		err = h.check()
	}
	return h, err
}

// check lets in what may be shown on a terminal and told to others.
func (h *helloInfo) check() error {
	if strings.ContainsFunc(h.version, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Errorf("version %q is not plain text", h.version)
	}
	if h.host == "" {
		return nil
	}
	a, err := discovery.ParseAddress(net.JoinHostPort(h.host, "1"))
	if err == nil && a.Host != h.host {
		err = fmt.Errorf("%q is not a host", h.host)
	}
	return err
}

func (h *helloInfo) pair(r *etf.Reader) error {
	if r.AtomIs("version") {
		return readText(r, &h.version, maxVersionText)
	}
	if r.AtomIs("host") {
		return readText(r, &h.host, maxHostText)
	}
	if r.AtomIs("port") {
		return readPort(r, &h.port)
	}
	if err := r.Skip(); err != nil {
		return err
	}
	return r.Skip()
}

// readText reads a binary of at most that many bytes.
func readText(r *etf.Reader, to *string, most int) error {
	b, err := r.Binary()
	if err != nil {
		return err
	}
	if len(b) > most {
		return fmt.Errorf("text of %d bytes, at most %d are allowed", len(b), most)
	}
	*to = string(b)
	return nil
}

func readPort(r *etf.Reader, to *uint16) error {
	v, err := r.Int()
	if err == nil && (v < 0 || v > 65535) {
		err = fmt.Errorf("port %d", v)
	}
	*to = uint16(v)
	return err
}

// told is one entry of the answer to peers.
type told struct {
	name string
	addr netip.AddrPort // not valid: ask epmd
	host string         // as its hello said, in place of an IP
	port uint16
	kind Kind
}

// loopback says whether t leads nowhere but to the machine of who dials it.
func (t told) loopback() bool {
	if t.host == "" {
		return t.addr.Addr().IsLoopback()
	}
	ip, err := netip.ParseAddr(t.host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(t.host, "localhost")
}

// appendTold writes {Name, Host, Port, Kind}; port 0 means that epmd knows.
func appendTold(b []byte, t told) []byte {
	host := t.host
	if host == "" && t.addr.IsValid() {
		host = t.addr.Addr().String()
	}
	b = etf.AppendTuple(b, 4)
	b = etf.AppendBinary(b, []byte(t.name))
	b = etf.AppendBinary(b, []byte(host))
	b = etf.AppendInt(b, int64(t.port))
	return etf.AppendAtom(b, string(t.kind))
}

// readTold reads one entry; elements behind the fourth are skipped.
func readTold(r *etf.Reader) (name, host string, port uint16, err error) {
	arity, err := r.TupleHeader()
	if err != nil || arity < 4 {
		return "", "", 0, cmpErr(err, errors.New("an entry of peers is too short"))
	}
	nameBytes, err := r.Binary()
	if err != nil {
		return "", "", 0, err
	}
	hostBytes, err := r.Binary()
	if err != nil {
		return "", "", 0, err
	}
	v, err := r.Int()
	if err != nil || v < 0 || v > 65535 {
		return "", "", 0, cmpErr(err, fmt.Errorf("port %d", v))
	}
	for ; arity > 3 && err == nil; arity-- {
		err = r.Skip()
	}
	return string(nameBytes), string(hostBytes), uint16(v), err
}

func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
