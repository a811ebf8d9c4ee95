package membership

// ReasonRemoved is the reason of a Left whose row is no longer in the table,
// so that no row is left to say why.
const ReasonRemoved = "removed"

// Left is a member that is gone: the identity it had as a member, and why.
type Left struct {
	Peer
	Reason string
}

// Joined is a new member. A member whose link was replaced since the last
// poll is in Left with its old identity and here with its new one.
type Joined struct {
	Peer
	Coalesced uint64 // links made and lost since the last poll, before this one
	Rejoin    bool   // the name has been a member before
}

// Flap tells of links that were made and lost between two polls and left the
// name without a link. The Peer is the table's row, so it names the last one.
type Flap struct {
	Peer
	Count  uint64 // links, at least 1
	Reason string // why the last of them ended
}

// Delta is what two polls differ by: one batch, each list sorted by name.
// Apply Left before Joined. The slices belong to the caller.
type Delta struct {
	Left    []Left
	Joined  []Joined
	Flapped []Flap
}

// Empty says that nothing changed.
func (d Delta) Empty() bool {
	return len(d.Left) == 0 && len(d.Joined) == 0 && len(d.Flapped) == 0
}

// Counts are the totals of one name since it was first seen. The third law
// holds between them after every poll:
//
//	Generation + Unnumbered = Joined + Coalesced + Flapped
type Counts struct {
	Joined     uint64 // deltas that had the name in Joined
	Left       uint64 // deltas that had the name in Left
	Coalesced  uint64 // sum of Joined.Coalesced
	Flapped    uint64 // sum of Flap.Count
	Generation uint64 // the table's number for the name when last listed
	Unnumbered uint64 // links Generation does not account for; 0 for a sound table
}
