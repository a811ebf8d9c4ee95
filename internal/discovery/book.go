package discovery

import "slices"

// book remembers addresses of names, oldest first, within a bound. It is a
// plain slice: it is searched once a dial, and a dial costs far more.
type book struct {
	max     int // entries in all
	perName int // entries of one name
	entries []bookEntry
	dropped uint64 // entries that gave way to newer ones
}

type bookEntry struct{ name, addr string }

// put makes addr the newest address of name.
func (b *book) put(name, addr string) {
	e := bookEntry{name, addr}
	b.entries = slices.DeleteFunc(b.entries, func(x bookEntry) bool { return x == e })
	if b.count(name) >= b.perName {
		b.drop(func(x bookEntry) bool { return x.name == name })
	}
	if len(b.entries) >= b.max {
		b.drop(func(bookEntry) bool { return true })
	}
	b.entries = append(b.entries, e)
}

// drop removes the oldest entry that matches and counts it.
func (b *book) drop(match func(bookEntry) bool) {
	if i := slices.IndexFunc(b.entries, match); i >= 0 {
		b.entries = slices.Delete(b.entries, i, i+1)
		b.dropped++
	}
}

func (b *book) count(name string) (n int) {
	for _, e := range b.entries {
		if e.name == name {
			n++
		}
	}
	return n
}

// get returns the addresses of name, newest first.
func (b *book) get(name string) (addrs []string) {
	for _, e := range slices.Backward(b.entries) {
		if e.name == name {
			addrs = append(addrs, e.addr)
		}
	}
	return addrs
}

// forget removes all addresses of name.
func (b *book) forget(name string) {
	b.entries = slices.DeleteFunc(b.entries, func(x bookEntry) bool { return x.name == name })
}
