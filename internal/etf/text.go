package etf

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"
)

// AppendText appends t as Erlang text, as OTP 25 started with +pc unicode
// prints it by io:format("~0tp"): on one line, flat lists and binaries of
// printable characters as strings, atoms quoted where they must be. The result
// is UTF-8 and holds no control character (C0, DEL, C1); what else a terminal
// might act on, such as the bidi controls, OTP does not escape either.
//
// Node numbers are a runtime's own affair, so pids, ports and references are
// written with the name of their node: <otp@127.0.0.1.100.0>,
// #Port<otp@127.0.0.1.5>, #Ref<otp@127.0.0.1.3.2.1>. The pairs of a map stand
// in the order they came, which from OTP 25 is the order of its keys. What no
// peer can send (a float without a value, a Go type that is no term, more than
// 10,000 levels) is written as three dots.
func AppendText(dst []byte, t Term) []byte {
	w := text{dst: dst, end: math.MaxInt - 1}
	w.term(t, maxDepth)
	return w.dst
}

// AppendTextLimit is AppendText of no more than most bytes. Where the text is
// longer it appends the beginning, cut between two characters, stops there and
// returns false.
func AppendTextLimit(dst []byte, t Term, most int) ([]byte, bool) {
	w := text{dst: dst, end: len(dst) + min(max(most, 0), math.MaxInt-1-len(dst))}
	w.term(t, maxDepth)
	return w.dst, !w.full
}

// text is a text being written. Once full it stays full and takes nothing
// more; every loop over elements looks at full, so that the work too is
// bounded by the limit.
type text struct {
	dst  []byte
	end  int // len(dst) at most
	full bool
}

func (w *text) put(s string) {
	if w.full {
		return
	}
	if room := w.end - len(w.dst); len(s) > room {
		w.full = true
		for room > 0 && !utf8.RuneStart(s[room]) {
			room--
		}
		s = s[:max(room, 0)]
	}
	w.dst = append(w.dst, s...)
}

func (w *text) uint(v uint64) { w.put(strconv.FormatUint(v, 10)) }

// dots stands for what is no term.
const dots = "..."

// term goes at most depth levels down: a slice may contain itself.
func (w *text) term(t Term, depth int) {
	if depth == 0 {
		w.put(dots)
		return
	}
	if v, ok := integerOf(t); ok {
		w.put(strconv.FormatInt(v, 10))
		return
	}
	switch t := t.(type) {
	case Tuple:
		w.put("{")
		w.elements(t, depth-1)
		w.put("}")
	case List:
		w.list(t, depth-1)
	case ImproperList:
		w.put("[")
		w.elements(t.Head, depth-1)
		w.put("|")
		w.term(t.Tail, depth-1)
		w.put("]")
	case Map:
		w.pairs(t, depth-1)
	default:
		w.leaf(t)
	}
}

func (w *text) elements(ts []Term, depth int) {
	for i, t := range ts {
		if w.full {
			return
		}
		if i > 0 {
			w.put(",")
		}
		w.term(t, depth)
	}
}

func (w *text) list(l List, depth int) {
	if chars, ok := printableList(l); ok {
		w.quoted(chars, '"')
		return
	}
	w.put("[")
	w.elements(l, depth)
	w.put("]")
}

func (w *text) pairs(m Map, depth int) {
	w.put("#{")
	for i, p := range m {
		if w.full {
			return
		}
		if i > 0 {
			w.put(",")
		}
		w.term(p.Key, depth)
		w.put(" => ")
		w.term(p.Value, depth)
	}
	w.put("}")
}

func (w *text) leaf(t Term) {
	switch t := t.(type) {
	case Atom:
		w.atom(t)
	case Binary:
		w.binary(t)
	case BitBinary:
		w.bits(t)
	case float64:
		w.float(t)
	case *big.Int:
		w.big(t)
	case uint64:
		w.uint(t)
	case bool:
		w.put(strconv.FormatBool(t))
	default:
		w.identity(t)
	}
}

func (w *text) big(n *big.Int) {
	if n == nil {
		w.put(dots)
		return
	}
	w.put(n.String())
}

// identity writes what stands for something that lives on a node.
func (w *text) identity(t Term) {
	switch t := t.(type) {
	case Pid:
		w.put("<")
		w.node(t.Node)
		w.put(fmt.Sprintf(".%d.%d>", t.ID, t.Serial))
	case Port:
		w.put("#Port<")
		w.node(t.Node)
		w.put(fmt.Sprintf(".%d>", t.ID))
	case Ref:
		w.ref(t)
	case Export:
		w.put("fun ")
		w.atom(t.Module)
		w.put(":")
		w.atom(t.Function)
		w.put("/")
		w.uint(uint64(t.Arity))
	case Fun:
		w.fun(t)
	default:
		w.put(dots)
	}
}

// ref writes the words as OTP does, the last one first.
func (w *text) ref(r Ref) {
	w.put("#Ref<")
	w.node(r.Node)
	for i := min(int(r.Len), len(r.Words)) - 1; i >= 0; i-- {
		w.put(".")
		w.uint(uint64(r.Words[i]))
	}
	w.put(">")
}

// fun writes module, old index and old uniq, by which OTP names a fun.
func (w *text) fun(f Fun) {
	if len(f.Raw) < funFixed {
		w.put(dots)
		return
	}
	r := NewReader(f.Raw[funFixed:], FileLimits())
	module, err1 := r.Atom()
	index, err2 := r.Int()
	uniq, err3 := r.Int()
	if err1 != nil || err2 != nil || err3 != nil {
		w.put(dots)
		return
	}
	w.put("#Fun<")
	w.atom(Atom(module))
	w.put(fmt.Sprintf(".%d.%d>", index, uniq))
}
