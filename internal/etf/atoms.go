package etf

// atoms holds atom terms a decoder met lately, so that the same few names of
// a conversation are not copied again and again. It is a fixed number of
// slots, overwritten by what comes: peers cannot make it grow.
type atoms [64]Term

// maxKeptAtom bounds the memory behind a slot; node names are shorter.
const maxKeptAtom = 64

// term gives the atom of that name with memory of its own.
func (a *atoms) term(name []byte) Term {
	if len(name) == 0 || len(name) > maxKeptAtom {
		return Atom(name)
	}
	slot := &a[slotOf(name)]
	if t, ok := (*slot).(Atom); ok && string(t) == string(name) {
		return *slot
	}
	t := Term(Atom(name))
	*slot = t
	return t
}

// slotOf spreads short names; a bad spread costs a copy and nothing else.
func slotOf(name []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range name {
		h = (h ^ uint32(c)) * 16777619
	}
	return (h ^ h>>15) % uint32(len(atoms{}))
}
