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
//	GET  /v1/peers   ?name= ?state= ?kind=, each repeats, ?brief=
//	POST /v1/join    {"addresses":["b@host"]}
//	POST /v1/leave   {"stop":false}
//	POST /v1/forget  {"names":["b@host"]}
//	GET  /v1/watch   ?since=SEQ ?boot=BOOT, or ?last=DUR; one event a line until
//	                 either side goes
//
//	GET  /v1/channels   ?name=, repeats
//	GET  /v1/subscribe  ?channel= (repeats) &policy= &format=; messages until
//	                    either side goes
//	POST /v1/publish    ?channel= &framing= &wait= &timeout= &keep_going=
//	                    &empty=; the body is cut into messages
//
// A failed call answers {"error":{"code","message","why","try","exit"}} under
// a fitting HTTP status. Requests may carry the header Liminal-Control; one of
// another number than Version is refused with code control_version.
//
// Limits: 64 requests at once, the next is answered 503; 16 more connections
// may wait, idle or still sending headers, and the oldest of those gives way
// to a newcomer, so that idle connections cannot lock out a working one;
// headers within 5 s and 16 KiB; bodies of 1 MiB and an envelope; a reader of
// watch that takes nothing for 10 s is cut off. Each refusal has a counter,
// and the counters are part of the status.
//
// # Publishing
//
// One publish is one request, however many messages it has and however long it
// lasts: its body is exempt from the limits of size and time, and an idle one is
// fine. framing says how the body is cut: whole (the default) is one message;
// lines is one a line, without its \n, a last line without one included;
// frames have their length before them as 4 bytes, big endian. Each message goes
// out as soon as it is read whole. Memory is bounded by one message of the
// node's limit.
//
// A message that is refused (empty without empty=true, or too large) ends the
// call with exit 65 and a message such as "line 381: ...; 380 sent"; with
// keep_going=true it is counted. Input of lines or frames that has none at all is
// refused without empty=true, whatever keep_going says.
//
// The error comes while the client may still be sending. So the server answers
// first and then takes what still comes for 2 s, and the client reads the answer
// whatever becomes of its own writing. That is why Publish and Subscribe do not
// go through http.Transport, which gives up on the answer then.
//
// # Subscribing
//
// The header of the answer goes out when the subscription stands: who has it
// misses nothing after it. The reader may take nothing for as long as it likes;
// that costs its own queue. There is no timer: each batch that the node gives is
// written at once, in pieces of some 64 KiB if it is large. What was taken from
// the queue and could not be written is counted as control_sub_lost.
//
// format=ndjson (the default) is one object a line:
//
//	{"type":"message","channel":"chat","from":"b@dev","seq":41,"id":"...","time":"2026-01-15T12:04:31.120Z","payload":"hello"}
//	{"type":"drop","channel":"chat","time":"2026-01-15T12:04:40.001Z","count":37}
//
// payload_base64 stands for a payload that is not UTF-8, encoding is "erlang"
// for the text of a term and else not there; seq, id and time are left out when
// unknown. A drop stands where the lost messages would have; its channel is left
// out where the subscription has several, and its time is that of the message
// after it. Control characters are escaped, those of Unicode too, for readers on a
// terminal.
//
// format=frames is for our own commands: records, each with the length of the
// rest as 4 bytes before it. All numbers are big endian.
//
//	1  kind: 1 message, 2 message with encoding erlang, 3 error; others are
//	   passed over
//	8  time, microseconds since 1970, signed; the least number if unknown
//	8  seq
//	8  messages lost right before this one
//	4  length of the channel's name
//	4  length of from
//	4  length of id
//	   channel, from, id, and the payload to the end
//
// An error record has, after its kind, the JSON of an Error; in NDJSON it is
// {"type":"error","error":{...}}. It says why the node cuts the stream, and the
// cut follows it.
package control
