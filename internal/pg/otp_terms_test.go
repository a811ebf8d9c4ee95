package pg_test

import (
	"fmt"

	"github.com/liminal-bus/liminal/internal/etf"
)

// crash is what ends an Erlang process; it is thrown by panic inside the model
// and comes out of it as a value.
type crash string

// The ways in which OTP's scope dies.
const (
	badarg       crash = "badarg"          // no clause for the message, or a builtin refused
	badkey       crash = "badkey"          // a group the peer has no member in
	badmatch     crash = "badmatch"        // the table does not hold what the state does
	caseClause   crash = "case_clause"     // DOWN with a reference of another monitor
	funClause    crash = "function_clause" // a list that is none
	badGenerator crash = "bad_generator"
)

// keyOf makes a term comparable: its encoding. Terms here have no maps.
func keyOf(t etf.Term) string {
	b, err := etf.Append(nil, t)
	if err != nil {
		panic(fmt.Sprintf("%#v: %v", t, err))
	}
	return string(b)
}

func same(a, b etf.Term) bool { return keyOf(a) == keyOf(b) }

// appended is A ++ B: A must be a proper list, B may be anything.
func appended(a, b etf.Term) etf.Term {
	head, ok := a.(etf.List)
	if !ok {
		panic(badarg)
	}
	if len(head) == 0 {
		return b
	}
	switch b := b.(type) {
	case etf.List:
		return concat(head, b)
	case etf.ImproperList:
		return etf.ImproperList{Head: concat(head, b.Head), Tail: b.Tail}
	}
	return etf.ImproperList{Head: concat(head, nil), Tail: b}
}

func concat(a, b []etf.Term) etf.List { return append(append(etf.List{}, a...), b...) }

// subtracted is A -- B: for each element of B the first equal one of A goes.
func subtracted(a, b etf.Term) etf.Term {
	from, okA := a.(etf.List)
	what, okB := b.(etf.List)
	if !okA || !okB {
		panic(badarg)
	}
	left := concat(from, nil)
	for _, e := range what {
		left = without(left, e)
	}
	return left
}

func without(l etf.List, e etf.Term) etf.List {
	for i := range l {
		if same(l[i], e) {
			return concat(l[:i], l[i+1:])
		}
	}
	return l
}

// deleted is lists:delete(E, L), which walks L only as far as it must.
func deleted(e, l etf.Term) etf.Term {
	switch l := l.(type) {
	case etf.List:
		return without(l, e)
	case etf.ImproperList:
		rest := without(l.Head, e)
		switch {
		case len(rest) == len(l.Head):
		case len(rest) == 0:
			return l.Tail
		default:
			return etf.ImproperList{Head: rest, Tail: l.Tail}
		}
	}
	panic(funClause)
}

// each calls f for the elements of l, and crashes at the end of what is no
// proper list.
func each(l etf.Term, otherwise crash, f func(etf.Term)) {
	switch l := l.(type) {
	case etf.List:
		for _, e := range l {
			f(e)
		}
	case etf.ImproperList:
		for _, e := range l.Head {
			f(e)
		}
		panic(otherwise)
	default:
		panic(otherwise)
	}
}

func isEmpty(t etf.Term) bool {
	l, ok := t.(etf.List)
	return ok && len(l) == 0
}

// isOne reports whether t is [e].
func isOne(t, e etf.Term) bool {
	l, ok := t.(etf.List)
	return ok && len(l) == 1 && same(l[0], e)
}
