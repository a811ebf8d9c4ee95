// Package bus carries messages from publishers to the subscribers of this
// node. It knows nothing of the wire: node hands it what links bring and what
// is published here, and asks it which channels have somebody who listens.
//
// # Channels and subscribers
//
// A channel is a process with a number of ours: while it has a subscriber it is
// the one member this node has in the channel's group, and one message on the
// wire serves all its local subscribers. Attach says when a channel got its
// first subscriber and Detach which ones lost their last; node joins and leaves
// the groups. Numbers are never used twice in a run, so a message to a process
// that is gone finds nobody instead of a stranger.
//
// A subscriber is one bounded queue, read by one goroutine. It may be attached
// to many channels and gets their messages in the order they came in. What is
// handed to it never changes and stays valid for as long as it is held.
//
// # What is promised
//
// At most once; FIFO for each pair of deliverer (one goroutine) and subscriber;
// no order between deliverers. A subscriber that was attached before a delivery
// began is served by it. A slow subscriber costs its own queue and nothing
// else: Deliver never waits, and no lock is held over a wait.
//
// What happens when a queue is full is the subscriber's Policy:
//
//	DropOldest   the oldest messages make room
//	Block        DeliverWait waits in line; Deliver, which serves links, drops
//	             the oldest: its publisher is elsewhere, and a link's reader
//	             waits for nobody
//	Disconnect   the subscriber ends with ErrSlow, its queue is thrown away
//
// A message longer than a whole queue is taken when the queue has nothing else,
// so that a small queue makes nobody deaf.
//
// # The law
//
// Nothing is dropped without a counter. For each subscriber, at any instant,
//
//	offered = taken + dropped + queued
//
// holds exactly, and Message.Lost tells its reader where: it is the number of
// messages that were lost between this one and the one read before. The sum of
// all Lost lags behind dropped by what was lost since the last message read,
// and by what was queued when the subscriber ended. For each channel,
//
//	local copies = taken + dropped + queued
//
// holds at rest, when no delivery is under way.
//
// # Memory
//
// A message is copied once, into a slab of its channel that all its
// subscribers share, and the slab lives as long as a message in it. A slab is
// as long as what the channel carried since the last Sample, between 1 KiB and
// 128 KiB, so that a hundred thousand channels with little traffic do not hold
// a big slab each. No two channels share a slab: a channel that nobody reads
// keeps no other channel's bytes alive. A queue is a ring of 72 bytes a message
// that grows by doubling and is cut down by Sample when it has been drained.
// QueueBytes counts IDs and payloads, not the ring.
//
// # Time and locks
//
// No clock is read on the way of a message and no goroutine is started here.
// Node calls Sample once a second; rates, the last use of a channel and
// forgetting come from there. Sample looks only at what moved.
//
// Locks are taken in this order: sampler.mu, Bus.mu, Channel.mu, Subscriber.mu,
// then moved.mu or numbers.mu, which are leaves. A delivery takes Channel.mu,
// lets it go, copies the message, and takes the lock of one subscriber at a
// time.
//
// # Decisions
//
// A channel without subscribers, hold and traffic is forgotten; its seq then
// starts at 1 again. A Channel that was forgotten under its user passes
// deliveries on to its successor, so that the race with Sample loses no
// message; who needs seq to go on without a break uses Hold.
//
// What is queued when a subscriber ends is counted (bus_dropped_closed) but is
// no Drop of its channel: nobody misses it.
//
// DeliverWait that is given up counts its message as offered and dropped
// (bus_dropped_blocked), with the loss marked behind all that was queued then.
//
// Close lets readers drain their queues; Detach does not, since it is called
// by those who stop reading.
package bus
