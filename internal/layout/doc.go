// Package layout holds no code: its tests hold the repository to its shape.
//
//	cli/liminal  ->  cli  ->  tui  ->  internal/control
//	                  |                     ^
//	                  +---------------------+
//	                  +->  internal/config ->+
//	                  v                      v
//	                 node  (public, the composition root)  <-  node/observe  <-  node/observe/prom
//	                  |
//	   +----------+---+------+------+-------+-------+
//	   v          v          v      v       v       v
//	discovery  membership   bus     pg    links    epmd
//	                                 |      |
//	                                 v      v
//	                                etf <- dist -> secure
//
// Nothing points up. A package that is not in the table of picture_test.go fails
// the test, so that a new one is placed on purpose; a row whose package does not
// exist yet is fine. Each forbidden arrow and import carries its reason, which is
// what the failing test prints.
//
// testdata/proofs.txt is the table of proofs: for each threat, S1 to S20, and each
// fault, F1 to F22, the tests that are of it. A test says so in the first words of
// its comment, as in "S5: slow peers keep nobody out." or "S9, S10: ..."; TestProofs
// holds the two against each other, and
//
//	go test ./internal/layout -run TestProofs -update
//
// writes the table anew. It fails where a promise has no test left. Whether the
// tests notice anything is the affair of internal/museum.
//
// The rest of the shape is held here too: what the top level may contain, a doc.go
// for each package, and the promises go.mod makes.
//
// node/observe lies on top of node, and cli on top of it: a node links no HTTP.
// Some arrows are not drawn above. node imports internal/dist and internal/etf
// directly, because it answers the control messages a link hands it and builds
// the terms it sends; links moves frames and should not learn what is in them.
// node and links import internal/secure as well: node's Config takes certificates,
// and links, which owns every socket, puts each under TLS. dist knows such a
// connection by its type, so that no caller can leave the check of the peer's
// certificate against its name out.
// cli imports internal/termguard, which only has to be there; see its doc.go.
// Beside the picture stand two that only make something for who is above them:
// internal/display (text of values, for cli and tui) and internal/certs (files of
// certificates, for cli).
//
// Two more promises are held here because they are of the whole and not of one
// package: secrets are compared in constant time (secrets_test.go, which asks the
// type checker), and what is shipped can be traced to what is pinned
// (supply_test.go, with .ci/repro and .ci/vuln). A Go with known holes is a note at
// the end of the check and no failure: go.mod asks for no toolchain, so the check
// tests with the Go that is there.
package layout
