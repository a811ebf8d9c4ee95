package control

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// singles reads query parameters that stand at most once and keeps the first
// error.
type singles struct {
	values url.Values
	err    error
}

// get gives the value of name, or nothing.
func (q *singles) get(name string) string {
	vs := q.values[name]
	if len(vs) > 1 && q.err == nil {
		q.err = usage("it stands once", "query: %s is there %d times", name, len(vs))
	}
	if len(vs) == 0 {
		return ""
	}
	return vs[0]
}

// word gives the value of name, which is one of known; without one, the first.
func (q *singles) word(name string, known ...string) string {
	v := q.get(name)
	if v == "" {
		return known[0]
	}
	if !slices.Contains(known, v) {
		q.refuse(name, v, "it is one of "+strings.Join(known, ", "))
	}
	return v
}

func (q *singles) flag(name string) bool {
	v := q.get(name)
	if v == "" {
		return false
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		q.refuse(name, v, "it is true or false")
	}
	return b
}

func (q *singles) refuse(name, value, why string) {
	if q.err == nil {
		q.err = usage(why, "query: %s is %q", name, clip(value))
	}
}
