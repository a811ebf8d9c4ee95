// Package node runs one node of a cluster: it listens, dials seeds, keeps
// track of who is there, and tells those who watch.
//
// # Use
//
//	n, err := node.Start(ctx, node.Config{Name: "a", Cookie: node.NewCookie(secret), Seeds: []string{"b"}})
//	if err != nil { ... }
//	defer n.Close()
//	w := n.Watch(0)
//	for {
//		ev, err := w.Next(ctx) // first the snapshot, then what happens
//		...
//	}
//
// Peers are liminal nodes and unmodified Erlang/OTP nodes alike.
//
// # How it works
//
// The connection table (internal/links) says which links there are. Every
// Config.Poll the poll loop takes a snapshot of it and lets the tracker
// (internal/membership) say what joined and what left; that delta, and nothing
// else, makes a member or ends one. A link that comes or goes nudges the loop to
// poll now, which makes it prompt and decides nothing. One timer drives polls,
// probes, ticks and time-outs.
//
// What to dial when is decided by the plan (internal/discovery), which the
// same loop asks; each dial is one bounded goroutine.
//
// The handler (handler.go) runs on the links' readers: it must not wait. What
// it learns goes into the peer's record under Node.mu. No link is closed under
// Node.mu, since its down hook takes it. Nothing is logged under Node.mu: a log
// may be slow, and the readers of all links wait for that lock.
//
// # Events
//
// Who applies a snapshot and each event after it has the names and states of
// Node.Peers, at every moment: a peer that is heard of, suspect, up again, or
// down without ever having joined makes peer.state, one that is listed no more
// peer.forget. A newcomer's link is not listed until the poll announces its join,
// so that what anybody dials in with is one event and not two.
//
// Each poll also tells who joined and left which channels (sub.add, sub.remove),
// this node included: of each node at most 16 by name, and how many more there
// were in each direction. What a newcomer brings along is counted and not
// named, unless it is a single channel. Of all nodes together there are 256 of
// these events at once and 16 a second after that (budget.go): what is beyond is
// told later, as one count of what was joined and one of what was left, so that
// channels do not push membership out of the ring. What was joined and left between two
// polls may be told or not; Peer.Subs is right after each event. A peer's
// channels are told after its join; when it goes, its leave says that they went.
//
// # Channels
//
//	sub, err := n.Subscribe(ctx, node.SubscribeOptions{}, "orders")
//	m, err := sub.Next(ctx)
//	...
//	receipt, err := n.Publish(ctx, "orders", []byte("hello"))
//
// A channel is a group of OTP's pg, in the scope Config.Scope: orders is the
// group <<"orders">>, :orders the atom group orders. On each node a channel with
// a subscriber is one process (internal/bus), a member of the group, however
// many subscribers it has; so a publish sends one message a node, and an Erlang
// process that joins the group, or sends to its members, takes part.
//
// The scope (internal/pg) decides what peers are told. Its one lock is in
// groups.go: what the scope wants sent is queued on the links under that lock,
// so that a sync and the changes after it reach each peer in order. A link that
// comes up is told discover, and a sync is its backfill; one that goes down takes
// its members along at once, before the poll has seen it.
//
// A message (payload.go) is encoded once and queued on each link; the reader of
// the link at the other end finds the channel by the number of its process,
// takes the message apart in place, and queues it for the subscribers. Delivery
// is at most once and in order from one publisher to one subscriber of a channel
// (across channels a short message overtakes a long one); each queue
// is bounded, and what it drops is counted and marked (Message.Lost).
//
// # Health and metrics
//
// Status.Ill says why a node is less than healthy (health.go): one table judges,
// from a few conditions and from counters that rose lately. Metrics is all that is
// counted, as a value. Counters only rise: what a link has counted is in the sums
// the moment it leaves the record of its peer, under one lock, and what a peer has
// in the sums of the forgotten when it is unlisted. Reading takes Node.mu to copy
// and nothing else; links are asked after that. Package observe serves both, on
// top of this one.
//
// # Start and stop
//
// Start: listen, register with epmd, run the loop, call Config.Listening, dial
// the seeds, poll once. Close: the poll loop, then epmd and the listener, then
// goodbye and the links.
//
// # The process called liminal
//
// Each node owns the registered name liminal. Its messages (wire.go has the
// table) are tuples that carry a version, so that nodes one version apart
// understand each other: elements and map keys that a receiver does not know
// are skipped, unknown tags are ignored and counted.
//
//	{hello, 1, #{version => Bin, host => Bin, port => Int}}   after each link comes up
//	{goodbye, 1}                                              leave or stop; do not dial back
//	{probe, 1, N, RttMicros}                                  from the greater name, once a probe interval
//	{echo, 1, N}                                              the answer
//	{peers, 1, [{Name, Host, Port, Kind}]}                    to liminal peers, of an OTP node that came up
//	{cookies, 1, [Proof]}                                     which cookies the sender holds, see below
//	{'$gen_call', {Pid, Tag}, peers}                          answered {Tag, [{Name, Host, Port, Kind}]}
//	{'$gen_call', {Pid, Tag}, {channels, [Group]}}            answered {Tag, [{Group, Subscribers}]}; [] asks for all
//	{pub, Channel, Payload}                                   from an Erlang process: publishes here
//
// A peer whose handshake offers SPAWN is an OTP node; it gets no hello, is
// probed with the call that net_adm:ping makes, and is asked for nodes()
// through rex.
//
// # Several cookies
//
// Config.Accept and SetCookies give a node cookies that it takes besides its own,
// so that a cluster changes its cookie while it runs. Package dist tells how a
// handshake goes then, package links how a dial does.
//
// What an operator has to know before an old cookie goes is who would be shut out
// without it. A link says only what it was proved with, and no link is renewed for
// a new cookie. So a liminal node proves to each liminal peer which cookies it
// holds: after hello where it has more than one, and whenever its set changes. A
// proof is an HMAC of the names and creations of both with the cookie as the key,
// so that nobody can pass on what another has proved; it gives away as much of a
// cookie as a digest of the handshake does. Who is up and has not shown to hold our
// own cookie, by the link or since, is in Status.Others. An OTP node proves nothing
// on a link that is up, and is not asked for its cookie: it would send it in the
// clear. It is in the list until its link is renewed; Check finds out sooner.
//
// The cookies with which a link was proved stay good for it when they are dropped.
//
// # Decisions
//
// The first link of a newcomer that may yet say hello is shown to the poll once
// hello has come, or a quarter of a second has passed, so that the join event
// can name the kind. A member that falls and rises is never held back: its left
// and joined are one delta.
//
// OTP nodes are not introduced to each other, though a call to rex could do
// it: two Erlang clusters that share a liminal peer must not become one because
// of it. A liminal node dials all nodes that its OTP peers know, and asks one of
// them every second, since OTP tells nobody but its own of a newcomer.
//
// A node that takes neither SPAWN nor fragments (erl_call, a C node) gets no
// hello: such programs give up on the first message they do not expect.
//
// A goodbye stops the redialling of a peer that we know from others, or that
// dialled us. A seed that said goodbye is still dialled, at the slow end of
// the back-off: it is configured to be there, and a seed that was restarted
// with no seeds of its own would otherwise stay alone.
//
// A hidden peer that is neither liminal nor OTP and that dialled us (erl_call,
// a C node) is not dialled back when its link ends.
//
// Of two liminal nodes the one with the greater name probes. The other probes
// too before it gives up, since its peer may be set to probe more rarely than
// it is patient; and no setting makes the patience shorter than two probes.
//
// The node.stopping event is the last: links that end because we stop make
// none. After a gap the new snapshot stands for all events up to its seq, so
// Missed counts those that are still kept too.
//
// Seq counts a node's messages on one channel, so that a subscriber can see what
// was lost on the way to it. It starts over when the channel was idle for so
// long that it was forgotten. Two calls of Publish at one moment may arrive in
// either order on a link that was full.
//
// The from of a message is the peer that sent it here, whatever the message
// says: a peer does not speak for third nodes. What an Erlang process has
// published through {pub, ...} carries its node's name on this node, and this
// node's name elsewhere. It has no seq, since those are of what this node
// publishes itself, and where it was a term it says so to other nodes too
// (encoding => erlang). Where nobody would get it nothing is kept of its channel:
// anybody may make up names.
//
// The channel in a message is the name it has here, <<":orders">> for the atom group
// orders: a process that is in both groups can tell them apart.
//
// One Publish gives up a full link after 100 ms. A Publisher waits for it as long
// as it lives, so one stream goes at the pace of its slowest peer; that is what
// who sends a million lines wants, and it holds up nobody else.
//
// What an Erlang process has published here costs us a copy for each subscriber and
// member, so its peer has a share of 500,000 copies a second and a burst of a million
// (pub_rate.go): more than OTP can send to a small cluster, and half a processor. What
// is above is dropped, counted as dropped_pub_rate and told once. The link is not
// ended for it, as it is for a scope's quota, since nothing of the peer's membership
// is wrong after it; and there is no queue to hold it back in, because the reader,
// which has the peer's pings and memberships behind it, waits for nobody.
//
// What is built of messages (terms to be shown as text, messages of scopes) goes
// through one gate (gate.go): together they are no longer than a mebibyte, or one
// that is longer, so that a thousand peers with a term each that grows to forty times
// its size cost what one of them does. Liminal's own messages are taken apart in
// place and do not pass it.
//
// A node with as many peers as it may have (1,024) refuses and dials nobody else.
// Who is dialled by name then hears nothing of it: a try would be an error in its log.
//
// The limits on one peer's groups, members and operations (internal/pg) are fixed.
// This node keeps to them itself: Subscribe refuses what its peers would part from
// it for.
//
// A message to a pid of a channel that nobody subscribes to any more is dropped
// and counted as dropped_unknown_pid.
//
// Channels asks liminal peers how many subscribers stand behind their member.
// An answer holds half a mebibyte; who has more channels than fit is named as
// incomplete, and its other channels count one subscriber each.
//
// Joins and leaves of this node are paced (pacer.go), since peers count them: a
// peer expels who does more than its limit allows.
//
// Generations are counted per name and start over when a name is forgotten.
//
// Forget is of one life of a peer. It ends the dialling of all that leads to it,
// seeds included: a configured seed comes back with a restart of this node, or
// with a reload that names it after one that did not. An address is forgotten
// with the peer that answered there, if one has. An outgoing link always counts
// as wanted, since after Forget only what somebody asked for anew is dialled; so
// Join under a bare address takes back whoever answers; but two nodes that have
// forgotten each other refuse each other before either has said its name, so that
// one of them must be joined by name. The one exception are the
// dials of returns.go, on the word of peers that speak of a forgotten name: they
// end before our digest goes out where the forgotten life answers.
//
// A C node may be started with a creation of its own choice, the same in all its
// lives. They are one life to Forget: such a node comes back only by Join.
//
// Handshakes that are refused for what a wrong setting looks like (another
// cookie, our own name, our own question) are warnings, but anybody who reaches
// the port can bring them about: ten at once and then one in ten seconds are
// written, each with how many there were since the last. All are counted.
//
// # TLS
//
// With Config.TLS every link is under mutual TLS (internal/secure): the cookie is
// proved inside it, and each side's certificate has to be for the host of the name
// that it gives. Whether a node has TLS is settled when it starts; ReloadTLS
// changes the certificate and the authorities for connections from then on.
//
// A refused certificate, and an answer that is no TLS, count as a refusal: the next
// try comes after 30 s. A peer that hangs up during the handshake of TLS, or says
// nothing, may have had too many of them, and is dialled again as usual.
//
// A look's host is one that its certificate is for, where it has one.
//
// # Looking from outside
//
// Look is this same node with less: it is hidden, has no listener, no scope, no
// hello, and offers no fragments, so that a liminal target takes it for a small
// program and neither greets it nor tells it groups. Whether a peer is liminal it
// learns from the answer to peers, which is why it does not know the version.
//
// Only the targets are asked whom they know, an OTP target for nodes(connected).
// Asking on would lead through a hidden node, which may be in several clusters,
// into clusters that nobody wanted to look at.
//
// A target that does not allow us is tried under two names, not under all: it is
// hardly about the name, and each try is an error in an OTP node's log.
//
// A liminal node neither lists looks nor makes events of them: they are no peers,
// and a node to which only looks are connected is alone. The counter looks says how
// many there are. A look is known by its name and its handshake: hidden, with the
// flags of neither an OTP nor a liminal node, and not dialled by us.
//
// A look that dies hard, with its machine or the network, leaves its link to the
// target until the tick time is over. Looks until then take the next names, of
// which a target so meets all LookSlots at most. A killed process is not that: the
// kernel ends its links.
//
// Of several addresses to look at, some may lead to one node. Those that give no
// name and find ours taken there, while another address is up, are taken for that
// (ErrSeen): another name would end the same way, sixteen times.
//
// Check (check.go) goes the same way one stage at a time, for a person who wants
// to know at which it ends. It drives the handshake itself, beside any table.
package node
