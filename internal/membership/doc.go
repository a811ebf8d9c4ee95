// Package membership decides who is in the cluster. It is told what the
// connection table looks like now and answers with what changed since it was
// told last: a snapshot in, a delta out.
//
// # Levels, not edges
//
// The tracker never hears that a link came up or went down. An event can be
// lost, arrive twice, or arrive after the one that followed it, and whoever
// counts events is wrong from then on. A snapshot is the state itself: a poll
// that is skipped, late or repeated costs time and nothing else, because the
// next one sees the same table and reaches the same set. A link that comes or
// goes may nudge its owner to poll at once; the nudge only picks the moment,
// so losing it costs at most one interval and changes no result.
//
// The known weakness of polling is what happens between two looks. A peer
// that drops and returns in that gap has the same name as before, so names
// alone say that nothing happened, while its subscriptions were purged when
// the link went down and nobody sends it the backfill again. That is why the
// table numbers the links of each name (the generation, 1, 2, 3, ...) and why
// the tracker compares (name, creation, generation). The number only rises,
// so a flap leaves a trace that waits for the next poll however late it is,
// and the difference of two numbers says how many links were missed.
//
// # The rules
//
// A row is a name; it is up or not. With k the links made to the name since
// the last poll:
//
//	was a member   now up   k        delta
//	no             yes      k >= 1   joined, coalesced k-1
//	no             no       k >= 1   flapped k: born and dead unseen
//	yes            yes      k = 0    nothing
//	yes            yes      k >= 1   left, then joined with coalesced k-1
//	yes            no       k = 0    left
//	yes            no       k >= 1   left, then flapped k
//	yes            no row   -        left, reason "removed"
//
// A poll is one batch: apply Left before Joined. Flapped shares no name with
// Joined, so its place between them is free. Each list is sorted by name.
//
// One reason is all a row has: why its last ended link ended. When several
// ended since the last poll, the Left or Flap carries that last one.
//
// # The laws
//
// They hold for every name after every poll, and every test checks them:
//
//   - left and joined alternate, joined first;
//   - joined - left is 1 for a member and 0 for everyone else;
//   - generation + unnumbered = joined + coalesced + flapped.
//
// # Tables that contradict themselves
//
// A real table makes Unnumbered zero, and the third law then reads as its
// plain form, generation = joined + coalesced + flapped. Two contradictions
// are possible. The tracker keeps the laws through both, believes that the
// link it is shown exists, and counts in Unnumbered the links that the
// generation does not account for:
//
//   - A link that must be new under a number already seen: another creation
//     beside the same generation, or a name that is up again with the
//     generation that had left. One link, one join, one more in Unnumbered.
//   - A generation below the last one. The numbering has begun anew, so every
//     link of the new count is new (k is the generation itself), and the
//     links of the old count move to Unnumbered.
//
// The creation of a row that is down is not compared, since there is no link
// for it to belong to. Rows out of order, or two rows of one name, are put
// right on a copy; of two rows the higher generation counts, and the later
// one if they are equal.
//
// # Forgetting
//
// A name stays known after it left, for its counters and for Rejoin, until
// Forget. After that, the table numbers the name from 1 again. The table
// should drop its row as well. Either may go first: a record whose row is
// still listed is only marked, and dropped by the first poll that does not
// find the row, so that an old row cannot come back as a flap that never was.
//
// # Use
//
// The tracker does no I/O, holds no clock and no lock, starts no goroutine.
// It belongs to one goroutine, the poll loop; what it returns is the
// caller's to keep. It keeps no reference to a snapshot's entries.
package membership
