// Package control is how a person or a script talks to a running node: HTTP/1.1
// and JSON over a Unix socket, with the wire types, the client and the server
// in one place so that they cannot drift apart.
//
// Who may call is decided before the first byte is read. The socket is 0600
// from birth, it stands in a directory of mode 0700, and the kernel says which
// user dialled: ours and root's are served, others are closed and counted.
//
// Alive or stale is decided by a lock, never by a file's presence. A node holds
// flock on NAME.lock from before its socket exists until after it is gone. So
// the one who holds the lock may clear a socket left by a node that died.
//
// The calls:
//
//	GET  /v1/status
//	GET  /v1/peers   ?name= ?state= ?kind=, each repeats
//	POST /v1/join    {"addresses":["b@host"]}
//	POST /v1/leave   {"stop":false}
//	GET  /v1/watch   ?since=SEQ; one event a line until either side goes
//
// A failed call answers {"error":{"code","message","why","try","exit"}} under
// a fitting HTTP status. Requests may carry the header Liminal-Control; one of
// another number than Version is refused with code control_version.
//
// Limits: 64 requests at once, the next is answered 503; 16 more connections
// may wait, idle or still sending headers, and the oldest of those gives way
// to a newcomer, so that idle connections cannot lock out a working one;
// headers within 5 s and 16 KiB; bodies of 1 MiB and an envelope; a reader of
// a stream that takes nothing for 10 s is cut off. Each refusal has a counter,
// and the counters are part of the status.
package control
