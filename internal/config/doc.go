// Package config turns flags, environment, a TOML file and defaults into the
// settings of a node and of the commands, and knows where files live.
//
// One table, settings, is the truth: a row is a setting's key, flag, variable,
// default, check and documentation, and everything else (strict parsing, the
// example file, what is shown with its origin, the help) is derived from it.
// A row exists only for what takes effect now.
//
// Precedence is flag, environment, file, default. The first file found is the
// only one read. An empty variable counts as unset. A list replaces the lower
// one. Every value given is checked, even one that a higher level overrides,
// and all problems are reported at once, each with the line or the name under
// which it came.
//
// Sizes are whole numbers of B, KiB, MiB or GiB, or bare bytes; KB and MB are
// refused, since they mean two things. A number stands in the file without
// quotes, in any form TOML has for integers.
//
// The file is bounded before it is parsed: 64 KiB, nesting of 32. It is parsed
// twice. The decoder judges the document as a whole (syntax, keys defined
// twice); then its syntax tree is walked for line and column of every key and
// value, which the decoder does not tell. The tree comes from the unstable
// package of go-toml, whose version is pinned and which only parse.go uses.
//
// Every setting has a flag and a variable, also the few (tick, dial_timeout,
// forget_after) that are mostly set in a file: one rule is easier to remember
// than a list of exceptions. cluster.poll is not reloadable, since a running
// node keeps the one timer on which polls, probes and ticks ride.
//
// The cookie has no setting: only the path of its file has one. Its value comes
// from that file or from LIMINAL_COOKIE, goes into node.Cookie, which does not
// print, and is part of no error and of nothing shown. It is read, found and
// made as erl does it, so that both meet on one machine: blanks before the line
// end belong to it, and a file in the user's configuration directory counts
// where ~/.erlang.cookie is missing.
//
// The cookies that are accepted besides have a file of their own, one a line. They
// are not further lines of the cookie file, since erl refuses to start on such a
// file, and that file may be shared with it; and so they go with LIMINAL_COOKIE as
// well. That file may be empty, so that a setting that names it can stay when the
// change of a cookie is over. It must exist: one that is missing by mistake would
// shut out peers.
//
// TLS has three settings, paths all of them, of which all are given or none. A file
// that cannot be used is refused as a wrong setting is, with exit status 78: there
// is no start without the TLS that was asked for. CheckFiles asks the same before a
// start, of the cookie's files as well, and makes none.
package config
