package etf

// Term is one Erlang term: an int64, a *big.Int (only outside the range of
// int64), a float64, or one of Atom, Tuple, List, ImproperList, Binary,
// BitBinary, Map, Pid, Port, Ref, Export, Fun.
type Term any

type (
	// Atom is an atom's name in UTF-8, at most 255 characters.
	Atom string
	// Tuple is a tuple; Tuple{} is {}.
	Tuple []Term
	// List is a proper list; List{} and List(nil) are []. Strings are lists.
	List []Term
	// Binary is a binary of whole bytes.
	Binary []byte
	// Map keeps the pairs in the order they came, so that a decoded map
	// encodes to the same bytes. No key occurs twice; 1 and 1.0 differ.
	Map []Pair
)

// ImproperList is [Head... | Tail]: Head has at least one element and Tail is
// not a list.
type ImproperList struct {
	Head []Term
	Tail Term
}

// BitBinary is a binary whose last byte holds only Bits bits, the high ones;
// the others are zero. Bits is 1 to 7, or 8 if it came so (OTP reads that as a
// plain binary but a BitBinary writes it back as it was).
type BitBinary struct {
	Bytes []byte
	Bits  uint8
}

// Pair is one association of a Map.
type Pair struct{ Key, Value Term }

// Pid names a process. It is data about its node, never resolved here; two
// pids are the same process if all four fields are equal.
type Pid struct {
	Node                 Atom
	ID, Serial, Creation uint32
}

// Port names a port of a node.
type Port struct {
	Node     Atom
	ID       uint64
	Creation uint32
}

// Ref is a reference of Len words, 1 to 5; words beyond Len are zero, so that
// references compare with ==.
type Ref struct {
	Node     Atom
	Creation uint32
	Len      uint8
	Words    [5]uint32
}

// Export is fun Module:Function/Arity.
type Export struct {
	Module, Function Atom
	Arity            uint8
}

// Fun is a fun as it came, tag 112 first: its free variables may hold pids, so
// nothing but the same bytes means the same fun.
type Fun struct{ Raw []byte }

// The empty containers, boxed once: they are the cheapest terms to send and
// must not be the dearest to hold.
var (
	emptyTuple  Term = Tuple{}
	emptyList   Term = List{}
	emptyBinary Term = Binary{}
	emptyMap    Term = Map{}
)
