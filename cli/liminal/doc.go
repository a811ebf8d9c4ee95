// Command liminal runs a node in an Erlang cluster and shows who else is there.
// Everything it does is in package cli; here signals and the exit status meet
// the process.
package main
