// Package epmd speaks the EPMD protocol, the port mapper of Erlang/OTP: it
// asks a host where a node listens, lists the nodes a host knows, and keeps
// our own name registered. It never starts an epmd and never is one.
//
// A look-up is one short conversation, after which epmd closes:
//
//	we:   PORT_PLEASE2 "b"
//	epmd: PORT2_RESP result 0, port 40121, ...   (or result 1: no such name)
//
// A registration is a conversation that does not end:
//
//	we:   ALIVE2_REQ port 9100, type 77, "a"
//	epmd: ALIVE2_X_RESP result 0, creation       (or result 1: the name is taken)
//	      ... the socket stays open; when it closes, the name is free ...
//
// # Contract
//
// The socket is the registration. The Registrar owns it and one goroutine, sends
// nothing on it (epmd drops a name whose owner speaks again), ignores what epmd
// sends, and takes its end as the end of the registration. Close the Registrar
// before the listener, so that nobody is sent to a port that no longer answers.
//
// What epmd says is a hint: the port it names may be a lie, so the handshake
// decides who is there. Answers are bounded (4 KiB for one port, 64 KiB for a
// list, which holds some 230 names of the longest kind and 1,500 usual ones)
// and each conversation, connect included, ends after Client.Timeout.
//
// The creation that epmd hands out is ignored: it is guessable and forgotten
// when epmd restarts. The node picks its own.
//
// # Decisions
//
//   - ErrNoEPMD covers an epmd that accepts and stays silent, not only a refused
//     connection: to the caller both mean that nobody answered.
//   - The name and the version range in a PORT2_RESP are not compared with the
//     request. OTP does not look at them, and the handshake checks the name.
//   - Names refuses an answer with a line it cannot read as a whole: part of a
//     list would look like the whole of one.
package epmd
