package etf

import (
	"encoding/binary"
	"unicode/utf8"
)

var (
	notANode = &fault{ErrMalformed, "node is not an atom"}
	badWords = &fault{ErrLimit, "reference of no words or more than 5"}
	badWord  = &fault{ErrMalformed, "first word of an old reference above 18 bits"}
	badCre   = &fault{ErrMalformed, "old creation above 3"}
)

// PidView is a Pid whose node still lies in the input.
type PidView struct {
	Node                 []byte
	ID, Serial, Creation uint32
}

// Pid copies the view.
func (v PidView) Pid() Pid {
	return Pid{Atom(v.Node), v.ID, v.Serial, v.Creation}
}

// PortView is a Port whose node still lies in the input.
type PortView struct {
	Node     []byte
	ID       uint64
	Creation uint32
}

// Port copies the view.
func (v PortView) Port() Port { return Port{Atom(v.Node), v.ID, v.Creation} }

// RefView is a Ref whose node still lies in the input.
type RefView struct {
	Node     []byte
	Creation uint32
	Len      uint8
	Words    [5]uint32
}

// Ref copies the view.
func (v RefView) Ref() Ref {
	return Ref{Atom(v.Node), v.Creation, v.Len, v.Words}
}

// nodeAndTail splits what follows the tag of a pid, port or reference into
// its node and tail bytes behind it.
func nodeAndTail(b []byte, from, tail int) (node, rest []byte, size int, f *fault) {
	if len(b) < from {
		return nil, nil, 0, cut
	}
	node, n, f := atomView(b[from:])
	if f == wrongTag {
		return nil, nil, 0, notANode
	}
	if f != nil {
		return nil, nil, 0, f
	}
	size = from + n + tail
	if size > len(b) {
		return nil, nil, 0, cut
	}
	return node, b[from+n : size], size, nil
}

// creation reads a creation of 1 byte, 0 to 3, in the old forms and of 4 in
// the new.
func creation(b []byte) (uint32, *fault) {
	if len(b) != 1 {
		return binary.BigEndian.Uint32(b), nil
	}
	if b[0] > 3 {
		return 0, badCre
	}
	return uint32(b[0]), nil
}

// pidAt parses NEW_PID and PID.
func pidAt(b []byte) (v PidView, size int, f *fault) {
	tail := 12
	switch {
	case len(b) == 0:
		return v, 0, cut
	case b[0] == tagPid:
		tail = 9
	case b[0] != tagNewPid:
		return v, 0, wrongTag
	}
	node, t, size, f := nodeAndTail(b, 1, tail)
	if f != nil {
		return v, 0, f
	}
	v = PidView{Node: node, ID: binary.BigEndian.Uint32(t), Serial: binary.BigEndian.Uint32(t[4:])}
	v.Creation, f = creation(t[8:])
	return v, size, f
}

// plainPid parses the form nearly all pids come in: NEW_PID with a node in
// ASCII under tag 119. It gives size 0 for all else, which pidAt judges. Each
// message has two pids, so this is worth a path of its own.
func plainPid(b []byte) (v PidView, size int) {
	if len(b) < 3 || b[0] != tagNewPid || b[1] != tagSmallAtomUTF8 {
		return v, 0
	}
	end := 3 + int(b[2])
	if len(b) < end+12 {
		return v, 0
	}
	v.Node = b[3:end:end]
	for _, c := range v.Node {
		if c >= utf8.RuneSelf {
			return v, 0
		}
	}
	t := b[end : end+12]
	v.ID = binary.BigEndian.Uint32(t)
	v.Serial = binary.BigEndian.Uint32(t[4:])
	v.Creation = binary.BigEndian.Uint32(t[8:])
	return v, end + 12
}

// portAt parses V4_PORT, NEW_PORT and PORT.
func portAt(b []byte) (v PortView, size int, f *fault) {
	if len(b) == 0 {
		return v, 0, cut
	}
	id, tail := 4, 8
	switch b[0] {
	case tagV4Port:
		id, tail = 8, 12
	case tagPort:
		tail = 5
	case tagNewPort:
	default:
		return v, 0, wrongTag
	}
	node, t, size, f := nodeAndTail(b, 1, tail)
	if f != nil {
		return v, 0, f
	}
	v = PortView{Node: node}
	v.Creation, f = creation(t[id:])
	if id == 8 {
		v.ID = binary.BigEndian.Uint64(t)
	} else {
		v.ID = uint64(binary.BigEndian.Uint32(t))
	}
	return v, size, f
}

// refAt parses NEWER_REFERENCE, NEW_REFERENCE and REFERENCE.
func refAt(b []byte) (v RefView, size int, f *fault) {
	if len(b) == 0 {
		return v, 0, cut
	}
	switch b[0] {
	case tagRef:
		return oldRefAt(b)
	case tagNewRef:
		return newRefAt(b, 1)
	case tagNewerRef:
		return newRefAt(b, 4)
	}
	return v, 0, wrongTag
}

// newRefAt parses words(2) node creation words; creation takes cre bytes.
func newRefAt(b []byte, cre int) (v RefView, size int, f *fault) {
	if len(b) < 3 {
		return v, 0, cut
	}
	words := int(binary.BigEndian.Uint16(b[1:]))
	if words < 1 || words > len(v.Words) {
		return v, 0, badWords
	}
	node, t, size, f := nodeAndTail(b, 3, cre+4*words)
	if f != nil {
		return v, 0, f
	}
	v = RefView{Node: node, Len: uint8(words)}
	v.Creation, f = creation(t[:cre])
	for i := range words {
		v.Words[i] = binary.BigEndian.Uint32(t[cre+4*i:])
	}
	if f == nil && cre == 1 && v.Words[0] >= 1<<18 {
		f = badWord
	}
	return v, size, f
}

// oldRefAt parses node id(4) creation(1), the form before OTP R6.
func oldRefAt(b []byte) (v RefView, size int, f *fault) {
	node, t, size, f := nodeAndTail(b, 1, 5)
	if f != nil {
		return v, 0, f
	}
	v = RefView{Node: node, Len: 1}
	v.Creation, f = creation(t[4:])
	if v.Words[0] = binary.BigEndian.Uint32(t); f == nil && v.Words[0] >= 1<<18 {
		f = badWord
	}
	return v, size, f
}

// PidView reads a pid without copying its node.
func (r *Reader) PidView() (PidView, error) {
	if v, size := plainPid(r.b[r.off:]); size > 0 {
		r.off += size
		return v, nil
	}
	v, size, f := pidAt(r.b[r.off:])
	if f != nil {
		return PidView{}, r.fail(f)
	}
	r.off += size
	return v, nil
}

// PortView reads a port without copying its node.
func (r *Reader) PortView() (PortView, error) {
	v, size, f := portAt(r.b[r.off:])
	if f != nil {
		return PortView{}, r.fail(f)
	}
	r.off += size
	return v, nil
}

// RefView reads a reference without copying its node.
func (r *Reader) RefView() (RefView, error) {
	v, size, f := refAt(r.b[r.off:])
	if f != nil {
		return RefView{}, r.fail(f)
	}
	r.off += size
	return v, nil
}
