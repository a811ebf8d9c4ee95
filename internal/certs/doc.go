// Package certs makes what mutual TLS between nodes needs: a certificate
// authority (CA) and a certificate with its key for each node, good for Go's
// crypto/tls and for inet_tls_dist of Erlang/OTP 25 and later, and the file of
// options that OTP wants to be told them by.
//
// # Contract
//
// Init makes in one directory what is missing there, and leaves what is there as
// it is:
//
//	ca.pem                   the CA's certificate; every node needs it
//	ca.key                   its key; whoever has it can make nodes
//	NAME@HOST.pem            a node's certificate
//	NAME@HOST.key            its key
//	NAME@HOST.inet_tls.conf  for erl -proto_dist inet_tls -ssl_dist_optfile
//
// The directory is 0700 if Init made it, keys are 0600, the rest 0644. A file is
// complete from its first instant or not there. A key is written before its
// certificate: a run that was cut short leaves a key without one, and the next run
// uses that key. One process at a time works in a directory.
//
// Keys are ECDSA on P-256, which all of OTP 25's ciphers and curves know. The CA
// lives ten years and signs nodes only (path length 0); a node's certificate lives
// at most MaxLifetime, and never longer than its CA. Both begin an hour ago, for
// the clocks of other machines.
//
// # What a certificate says
//
// The names (SANs) are those of the node's host and nothing else: a peer may call
// itself NAME@HOST only for the hosts of its certificate, so localhost or a second
// name for convenience would let its holder claim more. For a host that is an IP
// address there are two: the address, which Go looks for, and a DNS name with the
// address's text, which OTP looks for. The subject's common name is the node's
// name, for people; nothing is decided by it. Both ends of a link prove themselves
// with the same certificate, so it is for clients and servers.
//
// Nothing is written that would not pass: each certificate is verified as both
// roles, with its host, before it gets a file.
//
// # Decisions
//
// Force makes new certificates and keys for the nodes that are named. It never
// touches the CA: with another CA no certificate that it has signed is worth
// anything, on any machine, and a person who only wants to renew one node must not
// come by that. Another CA is another directory.
package certs
