package etf

import "sync"

// Decode builds the term at the start of b (no version byte) and gives the
// bytes behind it. The term shares no memory with b.
func Decode(b []byte, lim Limits) (t Term, rest []byte, err error) {
	r := NewReader(b, lim)
	if t, err = r.Term(); err != nil {
		return nil, nil, err
	}
	return t, r.Rest(), nil
}

// DecodeVersioned is Decode for a term behind the version byte. Where lim
// allows it, the term may be compressed.
func DecodeVersioned(b []byte, lim Limits) (t Term, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, &Error{Err: ErrTruncated}
	}
	if b[0] != Version {
		return nil, nil, &Error{Tag: b[0], Err: ErrVersion}
	}
	if lim.Compressed && len(b) > 1 && b[1] == tagCompressed {
		return decodeCompressed(b, lim)
	}
	r := NewReader(b, lim)
	r.off = 1 // so that offsets in errors count from the version byte
	if t, err = r.Term(); err != nil {
		return nil, nil, err
	}
	return t, r.Rest(), nil
}

// decoder walks one term by recursion, bounded by depth. The same walk checks
// (Skip) and builds (Term), so that the two cannot disagree.
type decoder struct {
	Reader
	build bool // make Go values; else only check
	depth int  // levels left
	terms int  // terms left
	owed  int  // terms the open containers still promise, a byte each at least

	hashing bool   // inside the key of a map: rows must set sum
	sum     sum    // of the term read last
	keys    []sum  // of the open maps' keys, innermost last
	known   *atoms // names met lately
}

// A decoder escapes through the table of rows; reusing it keeps a walk free
// of allocations. It holds no input between walks.
var decoders = sync.Pool{New: func() any { return &decoder{known: new(atoms)} }}

// maxPooledKeys keeps one huge map from staying in memory for ever.
const maxPooledKeys = 1 << 12

// walk checks the next term, builds it if build is set, and moves past it.
func (r *Reader) walk(build bool) (Term, error) {
	d := decoders.Get().(*decoder)
	d.Reader, d.build = *r, build
	d.depth, d.terms, d.owed = r.lim.Depth, r.lim.Terms, 1
	d.hashing, d.keys = false, d.keys[:0]
	t, err := d.next()
	if err == nil {
		r.off = d.off
	}
	d.b = nil
	if cap(d.keys) > maxPooledKeys {
		d.keys = nil
	}
	decoders.Put(d)
	return t, err
}

// row reads one kind of term whose tag is next. It moves d past the term,
// sets d.sum if d.hashing, and returns the term if d.build.
type row func(d *decoder) (Term, error)

// rows is filled by init because containers reach it again through next.
var rows [256]row

func init() {
	rows = [256]row{
		tagNewFloat:      (*decoder).float,
		tagBitBinary:     (*decoder).bitBinary,
		tagNewPid:        (*decoder).pid,
		tagNewPort:       (*decoder).port,
		tagNewerRef:      (*decoder).ref,
		tagSmallInt:      (*decoder).integer,
		tagInt:           (*decoder).integer,
		tagFloat:         (*decoder).float,
		tagAtom:          (*decoder).atom,
		tagRef:           (*decoder).ref,
		tagPort:          (*decoder).port,
		tagPid:           (*decoder).pid,
		tagSmallTuple:    (*decoder).tuple,
		tagLargeTuple:    (*decoder).tuple,
		tagNil:           (*decoder).empty,
		tagString:        (*decoder).list,
		tagList:          (*decoder).list,
		tagBinary:        (*decoder).binary,
		tagSmallBig:      (*decoder).integer,
		tagLargeBig:      (*decoder).integer,
		tagNewFun:        (*decoder).fun,
		tagExport:        (*decoder).export,
		tagNewRef:        (*decoder).ref,
		tagSmallAtom:     (*decoder).atom,
		tagMap:           (*decoder).mapping,
		tagAtomUTF8:      (*decoder).atom,
		tagSmallAtomUTF8: (*decoder).atom,
		tagV4Port:        (*decoder).port,
	}
}

var tooManyTerms = &fault{ErrLimit, "too many terms"}

// next reads the next term by the row of its tag.
func (d *decoder) next() (Term, error) {
	if d.off >= len(d.b) {
		return nil, d.fail(cut)
	}
	if d.terms == 0 {
		return nil, d.fail(tooManyTerms)
	}
	d.terms--
	d.owed--
	tag := d.b[d.off]
	if f := rows[tag]; f != nil {
		return f(d)
	}
	return nil, d.fail(&fault{ErrTag, tagText(tag)})
}

// promise books n terms that a header at offset from said will follow. It is
// called before anything is made for them: what is promised in all must fit
// the bytes left, or the input ends before it keeps its promises.
func (d *decoder) promise(from, n int) error {
	d.owed += n
	if d.owed > d.Len() {
		return d.failAt(from, cut)
	}
	if n > d.terms {
		return d.failAt(from, tooManyTerms)
	}
	return nil
}

// enter goes one level down; leave comes back.
func (d *decoder) enter() error {
	if d.depth == 0 {
		return d.fail(&fault{ErrLimit, "nested too deeply"})
	}
	d.depth--
	return nil
}

func (d *decoder) leave() { d.depth++ }
