// Package etf reads and writes the Erlang external term format, the form in
// which every term crosses the OTP distribution.
//
// There are two ways in and three ways out:
//
//   - [Decode] builds Go values ([Term]) that share no memory with the input.
//   - [Reader] is a cursor for parsing in place: its views alias the input and
//     it builds nothing. This is the path of every message.
//   - [Append] writes a [Term] in the shortest form OTP itself would use.
//   - AppendAtom, AppendTuple and their kin write a message piece by piece
//     into a reused buffer.
//   - [AppendText] writes a [Term] for people, as Erlang would print it.
//
// # What a hostile input may cost
//
// All limits come in as [Limits]; the wire uses [WireLimits]. No memory is
// taken because a header asks for it: the decoder adds up how many terms all
// open containers still promise and refuses as soon as that exceeds the bytes
// left, so the slots of all slices together never exceed the bytes of input.
// Recursion is bounded by [Limits].Depth, and a list that goes on in its tail
// is a loop, not a recursion. Keys of maps are compared by a keyed 128-bit sum
// built from the leaves upwards, so that looking for a key that came twice
// costs the same for every input.
//
// # Where it is stricter than OTP
//
// A reference of no words, an export of arity above 255, a fun whose size
// field is not its size, a float in text with anything after its first NUL, a
// compressed term with bytes left over inside, the tags 72 to 76 that OTP uses
// in its own memory alone: OTP 25 takes them, no release sends them, and they
// are refused here.
//
// # Where it is more lenient than OTP
//
// 0.0 and -0.0 are two keys of a map, as they are since OTP 27; OTP 25 calls
// them one. Two funs are one key only if their bytes are the same, since a
// fun is kept as its bytes.
//
// # Ports
//
// OTP writes a port as NEW_PORT (89) when its id fits 28 bits and as V4_PORT
// (120) when not. [Append] does the same instead of remembering which tag a
// port came with: the result is the same bytes and [Port] stays comparable.
package etf
