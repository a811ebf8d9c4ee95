package node

import (
	"errors"
	"net/netip"

	"github.com/liminal-bus/liminal/internal/discovery"
)

// What no later dial can mend is not kept in the plan for a Join: who typed it is
// told, and has to type something else.

// hopelessAddress finds what is wrong with an address itself: it is ours, or its
// name has the other form.
func (n *Node) hopelessAddress(a discovery.Address) error {
	if a.NodeName(n.host) == n.name {
		return &DialError{Address: a.String(), Stage: "address", Err: ErrSelf}
	}
	if err := n.vetAddress(a); err != nil {
		return n.dialError(discovery.Target{Address: a}, netip.AddrPort{}, err)
	}
	return nil
}

// dropHopeless lets go of a joined address at which we answered ourselves, or a
// node whose name has the other form. A seed stays: it is configured, and status
// says what is wrong with it. The caller holds n.mu.
func (n *Node) dropHopeless(id uint64, err error) (dropped bool) {
	if !errors.Is(err, ErrNameMode) && !errors.Is(err, ErrSelf) {
		return false
	}
	gone := n.plan.Forget(func(t discovery.Target) bool { return t.ID == id && t.Role == discovery.RoleJoined })
	return len(gone) > 0
}
