// Package dist speaks the OTP distribution protocol with one peer: the
// handshake that proves the cookie, and the link that follows it.
//
// It owns no listener and dials nobody. It is given a conn, proves who is at
// its end (Dial, Accept), and carries messages over it (Link). Who may connect,
// which of two links stays, what a message means: all that is asked of hooks
// and of the Handler. Terms are the affair of package etf.
//
// # The exchange
//
// Messages of the handshake have a length of two bytes before them, of four under
// TLS. The initiator proves the cookie first; what follows is told in handshake.go.
//
//	initiator                       acceptor
//	name                    ->
//	                        <-      status ok
//	                        <-      challenge
//	reply: digest, challenge ->
//	                        <-      ack: digest
//
// From here on both sides are peers, and a frame has a length of four bytes.
// Length 0 is a tick. A frame holds one control tuple, headed by the number of
// an operation, and for some operations a message or reason after it.
//
//	OTP                                          we
//	REG_SEND rex {Pid, features_request}     ->
//	                                         <-  SEND_SENDER {features_reply, Node, []}
//	REG_SEND global_name_server init_connect ->
//	                                         <-  REG_SEND global_name_server in_sync
//	MONITOR_P net_kernel, is_auth            ->
//	                                         <-  SEND_SENDER or ALIAS_SEND {Tag, yes}
//	MONITOR_P of what is not here            ->
//	                                         <-  PAYLOAD_MONITOR_P_EXIT noproc
//	LINK to what is not here                 ->
//	                                         <-  PAYLOAD_EXIT noproc
//	LINK to what lives                       ->  Handler
//	                                         <-  PAYLOAD_EXIT when it ends
//	UNLINK_ID                                ->
//	                                         <-  UNLINK_ID_ACK
//	SPAWN_REQUEST, though not offered        ->
//	                                         <-  SPAWN_REPLY notsup
//	SEND, SEND_SENDER, ALIAS_SEND, REG_SEND  ->  Handler
//	a tick each quarter of the tick time    <->  a tick when nothing else was written
//
// Nothing is left unanswered that an Erlang process could wait for.
//
// # The tables
//
//   - flagNames and the mandatory sets in flags.go: what is offered and asked.
//   - initiatorRows and acceptorRows: the states of the handshake.
//   - ops in ops.go: a row for each control operation, with its arity and
//     whether a payload follows; the functions are in ops_rows.go, those that
//     read whom a message is for in address.go.
//   - kernelNames in kernel.go: the registered names that are answered here,
//     whatever the Handler says. Processes of the node have ids from 100 up;
//     KernelPid, the sender of those answers, is below.
//   - reasonTexts in reason.go: why links end. dropNames in link_stats.go: why
//     messages do.
//
// # How a link works
//
// A link has two goroutines. The reader reads, cuts frames, and calls the
// Handler in place; it waits for no consumer, since a peer whose socket is not
// read suspends its senders. The writer takes what lies in three lanes, at most
// some 64 KiB or one frame at a time, and writes it without a lock held: what
// waits in the control lane first, then data and bulk by turns. Messages over
// 64 KiB are cut into fragments as they are written, and those that are
// published lie in the bulk lane, so that a tick, a control message or a
// message to another process waits behind one fragment of them. Order to one
// process holds all the same: a long message starts when what was queued
// before it is written, and what comes for its process after it goes behind it. A
// long message of the control lane itself does hold back the control messages
// after it, since their order counts.
//
// The control lane drops nothing: when it is over its bound the link ends,
// since a peer that missed a leave would be wrong for ever. ControlBytes lets a
// sender see that coming and wait. The other lanes drop what they cannot hold,
// and say so: Publish never waits, PublishWait does where it is asked to.
//
// What a peer sends is bounded by its addressee too (Handler.Limit): a message in
// fragments that is too long for whom it is for is thrown away at the fragment
// that shows it, and the Handler is told, since a scope that misses one message
// of its peer has to part from it.
//
// No clock is read on the way of a message. Counters move, and Beat, called by
// the node's one timer, samples them.
//
// A link ends once, for the first cause. OnDown runs in the goroutine that
// closed it; where a sender runs into the bound of the control lane it is the
// reader or Beat that calls it, since senders may hold the locks OnDown wants.
//
// # Several cookies
//
// OTP has one cookie a node. Here Local.Accept holds others that are taken as
// well, so that a cluster can change its cookie one node at a time. The initiator
// proves first, so the acceptor sees which cookie of its set the digest fits, in
// the same time whichever it is, and answers with that one. The initiator proves
// one cookie in a handshake; to try another it dials again. What a set is worth
// to an attacker is worth its weakest cookie: each that is accepted opens the
// door, and a listener that we dial can have the digests of all of them, one a
// dial.
//
// # TLS
//
// A *secure.Conn, given to Dial or Accept, shakes hands in TLS before the first
// message and within the same time. The name that a peer gives is then held
// against its certificate before it means anything: by the acceptor before its
// table is asked, by the initiator before its digest goes out, and before its own
// name does where it knows whom it dials. There is no way to have the one without
// the other, since the type brings both along.
//
// A node in the clear answers a greeting in TLS with the status not_allowed, which
// no TLS stack takes for TLS: the other side so knows at once what is wrong. A node
// under TLS answers one in the clear with an alert (package secure).
//
// Parts of a batch are written one by one under TLS. Joining small ones to records
// of 16 KiB was tried, and gained nothing at 128 bytes, 1 KiB and 4 KiB.
//
// # Decisions
//
// Fragments of no open sequence, out of order, or over a bound lose their
// sequence and are counted; the connection goes on, as OTP's does. A second
// first fragment for an open sequence drops the old one and opens a new one. A
// fragment too short for its header, or numbered 0, closes the link.
//
// The bound of an addressee is asked for with the first fragment, whose control
// term is read for it by the row that reads it again when the message is whole.
// OTP never cuts a control term; where a peer does, the bound of the link holds
// until the end, and what is lost before is told to nobody.
//
// A message longer than Limits.Bytes is taken when data and bulk lane are empty,
// and what is left of it does not count for those after it, or small messages
// would have to wait for all of it. So the two hold Limits.Bytes and one such
// message at most. While somebody waits in PublishWait they count as full for
// whoever comes later, or a long message would wait for ever.
//
// A sender that is not of the peer's name and creation is refused and counted
// where the sender means something: links, exits, monitors, sends to names and
// all calls that are answered. SEND_SENDER and ALIAS_SEND name a sender that
// nobody is told, so it is not looked at. A monitor from a process of another
// node closes the link, as OTP does.
//
// A link (LINK) to a process that lives here is told to the Handler, as a monitor
// is, since processes may end before the node does; Exit then tells the peer.
// UNLINK_ID is acked before the Handler hears of it: nothing that the Handler
// sends to that process may come before the ack. A SPAWN_REPLY, which we never
// asked for, is counted and not a reason to close.
//
// The control lane may hold 16 MiB, where 1 MiB was planned: a subscriber of a
// hundred thousand channels that ends makes as many leaves at once, some 10 MiB,
// and no peer should lose its link to that.
//
// Partly received payloads may take 64 MiB to processes that set a bound and as
// much to those that set none, and the buffers they grow in a quarter more, where
// 16 MiB a link were planned: a sync is one message of any size, and sixty-four
// Erlang processes may each have a long message under way at once.
//
// ALTACT_SIG_SEND of OTP 28 is read though its flag is not offered yet.
//
// Payloads over 64 KiB in the control lane do not count towards its bound of
// 16 MiB but towards that of a payload, 64 MiB: a pg sync for a newcomer is one
// message of any size, and must not end the link it was made for.
//
// Publish writes SEND, not SEND_SENDER: a peer takes both, nobody looks at the
// sender of a published message, and the frame is shorter by a pid.
package dist
