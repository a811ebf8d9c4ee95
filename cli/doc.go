// Package cli is the command line of liminal: every command, its output and
// its errors, and the adapter that puts a node behind its control socket.
//
// # Contract
//
// Main runs one command line in an Env and returns the exit status; only
// package main exits the process. stdout carries the answer and nothing else.
// A flag means the same on every command, in any position. Every failure says
// what, why and what to type, under a stable code (errors.go) that fixes its
// exit status. Text on a terminal may change; tab-separated columns, JSON
// fields, codes and statuses are promises.
//
// # How a command runs
//
// argv.go puts the words in the order in which urfave/cli reads them (it stops
// looking for flags at the first argument): commands, flags, "--", arguments.
// The words before a command name can only be read because a flag takes a value
// on all commands or on none, which a test holds. urfave/cli then parses values
// and finds the action; it neither prints nor exits. action settles form,
// settings and number of arguments before a command's own function is called,
// with a call that holds its whole world. One file a command.
//
// Flags that are settings are made from the table of internal/config and stay
// text until it reads them, so that one rule words the errors of all levels.
//
// A client command picks its node (client.go): --socket, else --node, else what
// environment and file say in the same order, else the only one that runs. The
// locks in the runtime directory say who is alive, never a file's presence.
//
// node start runs a service: lock, node, control socket. The socket opens
// inside node.Start, after the listener and before the first seed is dialled,
// so that status answers "joining". It ends in the order node, socket, lock:
// while it drains, status answers; who sees the lock free may start that name.
//
// pub and sub are one request each, however many messages they carry. pub hands
// its input to the request body through a feed, which holds nothing but what is
// on its way and can end between two lines at any time; the node cuts it into
// messages. sub decodes records and writes when nothing more is there already or
// 64 KiB are gathered: fast in bulk, prompt when alone.
//
// All text from elsewhere passes one sanitiser (sanitize.go) on its way out,
// through say, fields, table and encodeJSON. Nothing asks the terminal anything.
// The one exception is what sub is for: into a pipe payloads go byte for byte. On
// a terminal they pass the sanitiser in every form, unless --raw.
//
// # Help, manual, completion
//
// All three are made from the commands themselves. Help texts are written by hand
// with paragraphs, rows and examples (text.go), and laid out for the width of the
// terminal or for roff.
//
// The scripts of completion know nothing: they hand the line to `liminal complete`,
// a hidden command, and take words back. It reads a line that is not finished by
// the same grammar (complete.go), looks values up in tables (complete_values.go) and
// asks at most one node, once, for 200 ms (complete_live.go). It never fails. A
// candidate is data from anywhere: what is not printable is left out, and the rest
// is put in quoted, by the shell, or for bash by us (complete_bash.go). No script
// evaluates anything.
//
// # Decisions
//
// The manual page is written here, not by urfave/cli (ToManWithSection): that one
// repeats for every command the flags that all of them have, knows no exit status,
// environment or files, and goes through Markdown.
//
// bash hands over the line it edits (COMP_LINE), not COMP_WORDS: those are cut at
// colons, equal signs and at signs, and cannot be put together again for certain.
//
// A wide terminal gets help in at most 120 columns, and a pipe in 80.
//
// Events of node start are its answer, so they go to stdout, and the log to
// stderr. On a terminal both would tell the same, so there the log starts at
// warn unless a level was asked for.
//
// A node that joins seeds is called ready when one has answered, not when its
// socket opens; systemd is told READY when listener and socket are up, since a
// service must not depend on its peers.
//
// --wait asks the local socket every 50 ms instead of following its event
// stream: it costs next to nothing, works before the node exists, sees states
// that make no event (suspect), and has no broken stream to mend.
//
// sub has no time limit but a --timeout of its own: the one of environment and
// file is for commands that ask and are answered. It bounds opening the
// subscription all the same. Its end by --timeout is 124 only where --count was
// not reached; a reader that goes away ends it with 0, since sub has no answer
// that could be incomplete. Other commands give 141 there.
//
// watch opens the screen only where nothing asks for lines: a flag that only a
// stream understands (--events, --since, --count, --bookmarks, --timeout) gives
// lines on a terminal too. Its timeout is that of sub: one of its own or none,
// 124 only where --count was not reached. A gap is shown whatever --events says,
// since it tells of what was not read; a snapshot only where it is named or
// nothing is. --count counts what happened: no snapshot, gap or bookmark.
//
// watch --reconnect stays with the node that it found first, by its socket, and
// resumes after the last event that was no part of a snapshot. It asks for the
// status before each stream, so that --timeout of the settings can bound a node
// that does not answer, and a stream has no limit. A reader that was cut for its
// slowness resumes as well.
//
// In text a snapshot waits for its end, because how many peers there are in which
// state is said first; JSON gives each line as it comes.
//
// demo on a terminal plays its story under the screen of node a and tells it
// afterwards: there is one terminal, and the screen needs all of it. Who leaves
// early is not told that all was seen.
//
// --raw takes away the sanitiser, not the columns; those go with --plain.
//
// What a reader lost is told at once the first time and then in sums, once a
// second: a reader that is too slow loses some with every batch.
//
// pub waits in the node, where a member is seen at once, and only for the node
// itself by asking. With MESSAGE arguments --timeout bounds the call as a whole;
// a stream has no limit. An interrupted stream of lines ends at a line, so that
// the node can say what it has sent, and waits a second for that.
//
// pub --keep-going exits 65 if anything was refused, once the rest is sent: who
// pipes a file wants to know that not all of it arrived. Dropped copies exit 1.
// With --json the receipt says both, and stderr stays empty: one document, not
// two of which one is an error.
//
// --exec (exec.go) runs a program for each record instead of printing it: stdout
// is the programs'. Each is the head of a process group, so that a time-out and
// Ctrl-C end it with all it has started, SIGTERM first; a second Ctrl-C kills.
// Ctrl-C at the terminal reaches the command alone. While all jobs run nothing is
// read, so that the node's bounded queue takes the load and counts what it drops.
// Programs begun before --count, --idle or --timeout end the stream may finish.
// What a program leaves in its group is a job as long as it lives, so that
// --exec-jobs and --exec-timeout bound it as well; it ends with the command, and
// counts as stopped. A signal that stops programs after the stream has ended gives
// its own status. With --json nothing of this is told before the one object.
// Exit status 1 if one failed, unless the stream itself ended with an error: that
// goes before, since a script has to know that the node is gone. The name of a
// peer is LIMINAL_PEER: LIMINAL_NAME is a setting, which a peer must not choose
// for a liminal that the program runs. LIMINAL_COOKIE is kept from programs: what
// works off messages may be anybody's, and shows its environment when it crashes.
//
// --verbose shows the errors that an error explains and each control call. With
// --json the first are "causes" of the one object, and the second are left out.
//
// Advice that repeats the command (--node, sudo) repeats it as it was typed, with
// its arguments, as long as it is short: it is there to be pasted.
//
// systemd (reporter.go) hears of a new status at most once a second. Its watchdog
// is told only after the poll loop has been round and the control socket has
// answered, if with a refusal; a socket file that somebody has removed is not
// taken for a node that is stuck, since its links are well.
//
// channels NAME --wait N wants N subscribers on each of the named channels;
// without a name all channels count together.
//
// A file of pub that cannot be read exits 74, also where permission is what it
// lacks: 77 is for what the node or a peer refuses.
//
// status exits 1 for what package node calls an illness (node/health.go), and
// shows the same as /health: one judgement, two places. It includes handshakes
// that failed for the cookie, which anybody who reaches the port can bring about:
// somebody should look, and nothing should be restarted for it. Other warnings (a
// short cookie, an open port) change nothing, and peers that are down are the
// cluster's trouble, not the node's.
//
// --http (service_http.go) opens with the control socket and closes after the
// node, so that /ready says that it stops while it drains.
//
// A start that fails at its seeds exits 69 whatever each of them said, and says
// it in the why; with a single seed the advice is that of its own error.
//
// tls init tells what it has made on stdout, and what to type next as notes on
// stderr, like every note; --json has both in its document. It has no flag that
// replaces a CA: see internal/certs.
//
// LIMINAL_RUNTIME_DIR means that directory alone; without it, clients look in
// /run/liminal as well, so that an admin finds the system's node.
//
// join with several addresses and --json prints its document also when some
// failed, since the document says which.
package cli
