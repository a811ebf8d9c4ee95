package pg

// proc is a process of a peer. Node and creation are the link's: Parse lets no
// other pid pass.
type proc struct{ id, serial uint32 }

// counted is a process and how often it is a member.
type counted struct {
	proc
	n uint32
}

// bag is the members a peer has in one group where they are more than one. A
// process may be in it many times. A peer can fill it to its quota, so beyond a
// few it has an index: else each leave would walk through all.
type bag struct {
	list  []counted
	at    map[proc]int // where in list; nil while the list is short
	total int
}

const shortBag = 16

func (b *bag) find(p proc) int {
	if b.at != nil {
		if i, ok := b.at[p]; ok {
			return i
		}
		return -1
	}
	for i := range b.list {
		if b.list[i].proc == p {
			return i
		}
	}
	return -1
}

func (b *bag) add(p proc) {
	b.total++
	if i := b.find(p); i >= 0 {
		b.list[i].n++
		return
	}
	b.list = append(b.list, counted{p, 1})
	switch {
	case b.at != nil:
		b.at[p] = len(b.list) - 1
	case len(b.list) > shortBag:
		b.index()
	}
}

func (b *bag) index() {
	b.at = make(map[proc]int, 2*len(b.list))
	for i := range b.list {
		b.at[b.list[i].proc] = i
	}
}

// remove takes one membership of p out and reports whether there was one.
func (b *bag) remove(p proc) bool {
	i := b.find(p)
	if i < 0 {
		return false
	}
	b.total--
	if b.list[i].n--; b.list[i].n == 0 {
		b.cut(i)
	}
	return true
}

func (b *bag) cut(i int) {
	gone, last := b.list[i].proc, len(b.list)-1
	b.list[i] = b.list[last]
	b.list = b.list[:last]
	if b.at == nil {
		return
	}
	if i < last {
		b.at[b.list[i].proc] = i
	}
	delete(b.at, gone)
	if len(b.list) <= shortBag/2 {
		b.at = nil
		b.list = append([]counted(nil), b.list...) // let go of what the many took
	}
}
