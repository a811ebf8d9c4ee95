// Package observe tells the outside how a node is: /health, /ready and /metrics
// over HTTP, and the metrics as values for whoever serves them himself.
//
// # Use
//
//	s, err := observe.Listen(ctx, "127.0.0.1:9101", n, observe.Options{}, log) // n is a *node.Node
//	defer s.Close()
//
// A program with a server of its own mounts NewHandler, one with a registry of
// client_golang takes package prom, and one with anything else NewExporter.
//
// # Contract
//
//   - /health is 200 with {"status":"ok"|"degraded","state","reasons"} as long as
//     the poll loop goes round, 503 with "down" when it does not. What makes a node
//     degraded is decided in one place, package node, so that liminal status says
//     the same. Degraded stays 200, as it does elsewhere for what a restart does
//     not mend: an orchestrator that restarts a node since its peers are away, or
//     since somebody knocks with a wrong cookie, makes it worse.
//   - /ready is 200 once the node's own stack is up: it listens, is registered where
//     epmd is required, its loop goes round and it is not stopping. It needs neither
//     seed nor peer: nodes that wait for each other's readiness would wait for ever.
//     A node that has left (alone) is ready too. 503 names what is unmet.
//   - /metrics is Prometheus's text form 0.0.4. Counters only rise while the process
//     lives, also where a link ends or a peer is forgotten. Every word that a label
//     can have is there from the start, at 0.
//
// Who may ask: GET and HEAD only, HTTP/1 only, and only under a name of this
// machine (hosts.go), since a web page can make a browser inside a network ask any
// address. There is nothing to steer, no profile, no setting, no argument, no
// peer's text; the only names are those of peers that proved the cookie, in
// /metrics. There is no password: whoever reaches the address can read it.
// Connections, headers and times are bounded (server.go, conns.go).
//
// # Cardinality
//
// Labels are closed sets, but for peer: at most MaxPeers (256) peers have series of
// their own, those that were there first, until five minutes after they left. All
// the others together are peer="other". A channel is never a label. ledger.go
// keeps the sum over peer what all peers ever did. So there are at most 250 series
// and nine for each of 257 peers, whatever peers do.
//
// # Decisions
//
// The package lies on top of node and not below it. node must not link net/http,
// since whoever holds the cookie shall find no second door in it, and an embedder
// that wants no HTTP should not carry it; so node gives values (Node.Metrics,
// Status.Ill), and who wants them served puts this on top, as the command does.
//
// The text form is written here, in seventy lines, instead of by client_golang:
// its doc.go says what that would cost each start of the command, and its test
// holds the two against each other.
//
// What comes from the node's own judgement has RecentTime (five minutes) of
// memory; alerts on rates should use the counters.
package observe
