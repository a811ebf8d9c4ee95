// Package testnet is the rig of tests that break things for real: processes of
// the built command, signals, network namespaces with cables between them, a
// line that loses and delays packets, and a proxy that cuts connections. Only
// tests import it.
//
// # Parts
//
//   - World is one machine as liminal sees it: home, runtime directory, cookie.
//     Node is a node of it, one process of the real binary, which is built once
//     for each test binary; its events are read from its own output.
//   - Host is a network namespace, joined to another by a veth pair (Cable) or by
//     two TUN devices with a packet shaper between them (Line). A route, an
//     address, a false neighbour are set by ip inside it.
//   - Proxy is a TCP proxy for one listener: refuse, clog one direction, reset.
//
// # Nothing is left behind
//
// A namespace has no name: a descriptor of this process holds it, so the kernel
// removes it with the process, however that ends, and no leftover can disturb the
// next run. Processes are killed in Cleanup, and on Linux by the kernel when this
// process dies.
//
// # What a machine allows
//
// Namespaces need Linux, root and ip (package iproute2). Where they are missing
// NeedNet skips and says so; with LIMINAL_TEST_OTP=require, as in CI, and root it
// fails instead, unless the kernel itself refuses a namespace. What does not need
// them (signals, restarts, descriptors, seeds) runs everywhere.
//
// LIMINAL_TEST_LONG=1 runs each fault as often as the promise in its test's table
// says, and prints detection times: median and worst. A test fails for what is
// later than its promise by more than Slack, since the machine does other things.
//
// # Where a promise was put right
//
//   - Silence is sampled by the poll: a byte that comes right after one poll is
//     seen at the next, and the limit is judged at a poll. So a silent peer is down
//     two polls after its limit at the latest, not one.
//   - A machine that lost its power and is back answers what the old link still
//     sends with a reset. The old life is then down by that, a moment before the
//     new one has joined, and not in one batch with it; where the new life's
//     handshake comes first, it is one batch.
//   - Where one direction is dead, the close of the deaf side stands behind bytes
//     that are never acknowledged, and mostly does not come through: the other side
//     then knows by its own silence, which begins only when the deaf side is done.
//   - A line that loses a tenth of its packets makes no peer suspect for long. With
//     more loss than that a silence of several seconds is likely, and nothing
//     tells it from the end.
//
// # In memory
//
// Mem is a network in this process: hosts with an IP address each, listeners
// and connections between them, and faults on the way, for whole nodes in a
// synctest bubble. Nothing in it is a real socket or a lock that is held over a
// wait, so that the bubble's clock goes on when all of its goroutines wait.
//
// A connection behaves like one of TCP under Linux as far as programs can see:
//
//   - each direction is in order, has room for Window bytes under way, and makes
//     the writer wait when that is used up;
//   - Close says FIN, or RST if bytes were there that nobody has read;
//   - what comes for a connection that is closed, or was before its host
//     started anew, is answered with RST;
//   - a way that is Cut loses RSTs and calls for good, and all else until it is
//     open again, when it is sent again; nothing tells the two ends;
//   - a way that is Clogged holds everything and loses nothing;
//   - Kill ends a host's process, its kernel says so to the others; PowerOff
//     takes the kernel too.
//
// A host is started anew by asking for it again: that is the next life of the
// address, with no memory of the last.
//
// # Chance
//
// One seed decides all delays. Each direction of each connection draws from a
// source of its own, which is made of the seed, the two addresses, and how many
// calls there were between them: which goroutine runs first at one moment does
// not change what others draw.
package testnet
