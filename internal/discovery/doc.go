// Package discovery finds the other nodes: it parses the addresses people write,
// turns them into IP addresses and ports, and decides which one to dial when.
// It opens no connection itself.
//
// Three parts, each of use alone:
//
//   - Address and the rules of node names.
//   - Resolver, one for a whole node: names are resolved afresh each time, and
//     what a dial has learned helps the next. The epmd look-up is injected.
//   - Plan, the schedule: a pure value that is told the time.
//
// The exchange with the loop that owns a Plan:
//
//	loop: AddSeed("10.0.0.7:9100")
//	plan: Due: dial 10.0.0.7:9100           a label, nobody's name yet
//	loop: Done: up, and its name is c@dev   now the seed stands for c@dev
//	loop: AddPeer("c@dev")                  dialled by name too, from now on
//	plan: Due: nothing while c@dev is up
//	loop: LinkDown("c@dev")
//	plan: Due, 125 to 250 ms later: dial 10.0.0.7:9100   (or c@dev, never both at once)
//	loop: Done: connection refused          the pause doubles, up to 5 s
//
// # Laws
//
// No target, and no name, is in flight twice. While a name is up, nothing that
// leads to it is due. While it is down, every target that is not set aside
// becomes due again, within the longest back-off. One dead target delays no
// other: each has its own pause, and the longest due goes first when more are
// due than may be in flight.
//
// # Decisions
//
//   - The order of trust for a name without a port is: this machine's own
//     records, the address learned from an authenticated link, addresses told by
//     peers, epmd. Candidates yields them one by one, so epmd is asked only when
//     the others failed.
//   - b@::1:9100 is the host ::1:9100, since b@::1 is a legal node name; a port
//     needs brackets. An IP address alone is refused: it is neither a node name
//     nor does it say a port. IPv6 zones are refused: a node name cannot hold one.
//   - Our own host is reachable at 127.0.0.1 as well, tried last.
//   - The retry pause is uniform in the upper half of its step: spread enough to
//     part nodes that lost one peer at one moment, and never short enough to
//     hammer one.
//   - A link that ends within 5 s does not reset the back-off. Otherwise a peer
//     that hangs up after each handshake would be dialled for ever at the
//     shortest pause.
//   - A peer that is known from others' words alone is given up after 8 failed
//     tries, or one refusal; the words of a peer must not keep us dialling.
//   - A refusal holds back every target that leads to the same name.
//   - OTP hangs up without a word on a digest that it takes for wrong, which looks
//     like a node that dies just then. So the first such end is tried again after a
//     second, and only the next one is a refusal, with its 30 s.
//   - A peer's goodbye ends what we know of it from links and from others. A
//     seed or joined address that leads to it is dialled on, at the longest
//     pause: somebody wants it there, and it may come back without seeds of its
//     own.
//   - What a person forgets is dialled no more, whatever its role was. A seed
//     comes back when a reload names it newly: a list that still has it does not
//     say that it is wanted again.
//   - Where the bound on peers is reached, one known from others' words gives
//     way to one that was here.
package discovery
