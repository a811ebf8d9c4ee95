package membership_test

import (
	"fmt"

	"github.com/liminal-bus/liminal/internal/membership"
)

// A peer restarts between two polls. Its name was there before and is there
// after; the delta says that it is not the same peer.
func ExampleTracker_Poll() {
	t := membership.New()
	row := membership.Entry{Peer: membership.Peer{Name: "b@host", Creation: 1, Generation: 1}, Up: true}
	t.Poll(membership.Snapshot{Version: 1, Entries: []membership.Entry{row}})

	row.Creation, row.Generation, row.Reason = 2, 2, "eof"
	d := t.Poll(membership.Snapshot{Version: 2, Entries: []membership.Entry{row}})
	for _, l := range d.Left {
		fmt.Printf("%s life %d left: %s\n", l.Name, l.Creation, l.Reason)
	}
	for _, j := range d.Joined {
		fmt.Printf("%s life %d joined, rejoin %t\n", j.Name, j.Creation, j.Rejoin)
	}
	// Output:
	// b@host life 1 left: eof
	// b@host life 2 joined, rejoin true
}
