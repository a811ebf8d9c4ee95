// Command liminal runs a node in an Erlang cluster and shows who else is there.
// Everything it does is in package cli.
package main
