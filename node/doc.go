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
// else, makes events. A link that comes or goes nudges the loop to poll now,
// which makes it prompt and decides nothing. One timer drives polls, probes,
// ticks and time-outs.
//
// What to dial when is decided by the plan (internal/discovery), which the
// same loop asks; each dial is one bounded goroutine.
//
// The handler (handler.go) runs on the links' readers: it must not wait. What
// it learns goes into the peer's record under Node.mu. No link is closed under
// Node.mu, since its down hook takes it. Nothing is logged under Node.mu: a log
// may be slow, and the readers of all links wait for that lock.
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
//	{'$gen_call', {Pid, Tag}, peers}                          answered {Tag, [{Name, Host, Port, Kind}]}
//
// A peer whose handshake offers SPAWN is an OTP node; it gets no hello, is
// probed with the call that net_adm:ping makes, and is asked for nodes()
// through rex.
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
// Generations are counted per name and start over when a name is forgotten.
package node
