package epmd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
)

// Requests and answers of the EPMD protocol ("Erlang distribution protocol",
// EPMD protocol). Requests begin with a 2-byte length, answers have none.
const (
	reqAlive2      = 120 // port(2) type(1) protocol(1) highest(2) lowest(2) n(2) name e(2) extra
	reqPortPlease2 = 122 // name
	reqNames       = 110 // nothing

	respAlive2X = 118 // result(1) creation(4)
	respAlive2  = 121 // result(1) creation(2)
	respPort2   = 119 // result(1), and for result 0 the fields of parsePort
)

const (
	typeHidden = 72
	typeNormal = 77

	distVersion = 6 // highest and lowest version we speak

	maxName  = 255      // longest name epmd takes
	maxPort  = 4 << 10  // longest answer to PORT_PLEASE2
	maxNames = 64 << 10 // longest answer to NAMES
)

// Entry is one name that a host's epmd knows.
type Entry struct {
	Name string // without host; as the host sent it, so unfit for a terminal
	Port int    // where the node listens
}

// request prefixes a request with its length.
func request(tag byte, body []byte) []byte {
	b := binary.BigEndian.AppendUint16(make([]byte, 0, 3+len(body)), uint16(1+len(body)))
	return append(append(b, tag), body...)
}

// alive2 builds the registration of name (at most 255 bytes) at port.
func alive2(name string, port int, hidden bool) []byte {
	kind := byte(typeNormal)
	if hidden {
		kind = typeHidden
	}
	b := binary.BigEndian.AppendUint16(make([]byte, 0, 12+len(name)), uint16(port))
	b = append(b, kind, 0) // protocol 0: TCP
	b = binary.BigEndian.AppendUint16(b, distVersion)
	b = binary.BigEndian.AppendUint16(b, distVersion)
	b = binary.BigEndian.AppendUint16(b, uint16(len(name)))
	b = append(b, name...)
	return request(reqAlive2, append(b, 0, 0)) // no extra
}

// readAlive reads the answer to ALIVE2_REQ and not a byte more. The creation
// is read and dropped.
func readAlive(r io.Reader) (result byte, err error) {
	var head [2]byte
	if err := fill(r, head[:], "tag and result"); err != nil {
		return 0, err
	}
	width := 0
	switch head[0] {
	case respAlive2X:
		width = 4
	case respAlive2:
		width = 2
	default:
		return 0, fmt.Errorf("%w: tag %d, want %d or %d", ErrBadReply, head[0], respAlive2X, respAlive2)
	}
	if head[1] != 0 {
		return head[1], nil // whatever follows, the answer is no
	}
	var creation [4]byte
	return 0, fill(r, creation[:width], "creation")
}

// readPort reads the answer to PORT_PLEASE2.
func readPort(r io.Reader) (port int, err error) {
	r = io.LimitReader(r, maxPort)
	var head [2]byte
	if err := fill(r, head[:], "tag and result"); err != nil {
		return 0, err
	}
	if head[0] != respPort2 {
		return 0, fmt.Errorf("%w: tag %d, want %d", ErrBadReply, head[0], respPort2)
	}
	if head[1] != 0 {
		return 0, ErrNoSuchName
	}
	var fixed [8]byte // port(2) type(1) protocol(1) highest(2) lowest(2)
	if err := fill(r, fixed[:], "port"); err != nil {
		return 0, err
	}
	if port = int(binary.BigEndian.Uint16(fixed[:])); port == 0 {
		return 0, fmt.Errorf("%w: port 0", ErrBadReply)
	}
	if err := skip(r, "name"); err != nil {
		return 0, err
	}
	if err := skip(r, "extra"); err != nil {
		return 0, err
	}
	return port, nil
}

// skip reads past a field with a 2-byte length. The reader's limit bounds it.
func skip(r io.Reader, field string) error {
	var n [2]byte
	if err := fill(r, n[:], field+" length"); err != nil {
		return err
	}
	want := int64(binary.BigEndian.Uint16(n[:]))
	if got, err := io.CopyN(io.Discard, r, want); err != nil {
		return fmt.Errorf("%w: %s: %d of %d bytes: %w", ErrBadReply, field, got, want, err)
	}
	return nil
}

// fill reads b in full or says which field broke off.
func fill(r io.Reader, b []byte, field string) error {
	if _, err := io.ReadFull(r, b); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrBadReply, field, err)
	}
	return nil
}

// readNames reads the answer to NAMES up to the close.
func readNames(r io.Reader) ([]Entry, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxNames+1))
	if err != nil {
		return nil, fmt.Errorf("%w: names: %w", ErrBadReply, err)
	}
	if len(b) > maxNames {
		return nil, fmt.Errorf("%w: names: more than %d bytes", ErrBadReply, maxNames)
	}
	return parseNames(b)
}

// parseNames parses epmd's own port and the lines "name X at port P\n".
func parseNames(b []byte) ([]Entry, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("%w: names: %d bytes, want epmd's port in 4", ErrBadReply, len(b))
	}
	b = b[4:] // differs from the port we asked behind a forwarder; of no use to us
	var entries []Entry
	for line := 1; len(b) > 0; line++ {
		text, rest, whole := bytes.Cut(b, []byte("\n"))
		e, ok := parseLine(text)
		if !whole || !ok {
			return nil, fmt.Errorf("%w: names: line %d is not %q", ErrBadReply, line, "name X at port P")
		}
		entries, b = append(entries, e), rest
	}
	return entries, nil
}

// parseLine parses "name X at port P". X may hold spaces and even " at port ",
// so the last one counts.
func parseLine(line []byte) (Entry, bool) {
	rest, ok := bytes.CutPrefix(line, []byte("name "))
	sep := []byte(" at port ")
	i := bytes.LastIndex(rest, sep)
	if !ok || i < 1 {
		return Entry{}, false
	}
	port, err := strconv.ParseUint(string(rest[i+len(sep):]), 10, 16)
	return Entry{Name: string(rest[:i]), Port: int(port)}, err == nil && port > 0
}
