// Package secure puts a connection between two nodes under TLS: who we are, whom
// we let in, and in what words a certificate is refused.
//
// # Contract
//
// A Credentials is a certificate with its key and the authorities that may sign
// those of peers. It never changes; a Keeper holds the ones in force and can be
// given others, which connections made from then on use. Client and Server put a
// net.Conn under TLS. Nothing is written before Handshake, and nothing falls back
// to plain text, ever.
//
// Both sides show a certificate. What is asked of one, in this order:
//
//   - Its chain ends at one of our authorities, is valid now, keeps to the names
//     its authorities may sign for, is for the role that the peer has (server for
//     who was dialled, client for who dialled), and has no key or signature that
//     is too weak. Checked in VerifyConnection, which TLS calls for each
//     connection, resumed or not; VerifyPeerCertificate is skipped on resumption.
//   - It stands for the host of the name that the peer claims (Vouch): as DNS name
//     or as IP address among its alternative names, never by its common name. Who
//     reads the name calls it; package dist does, before the name means anything.
//
// Every refusal is a *CertificateError with a Reason of a closed set. Its text is
// one line of ASCII and bounded, whatever names are in the certificate; those of an
// Info are cut, and for who prints them to make harmless.
//
// # Decisions
//
// TLS 1.2 is the least, since OTP 25 offers nothing newer unless it is told to.
// There are no session tickets and no ALPN. The name sent to a server (SNI) is the
// host of the node that is dialled; crypto/tls sends none for an IP address.
//
// A node whose host is an IP address may have it among the DNS names of its
// certificate as well: OTP looks for it there and nowhere else, so certificates
// that were made for OTP have it there alone.
//
// Our certificate is always sent, whatever authorities the server says it takes:
// its refusal then says what is wrong, in place of that we have shown none. For
// the same reason we name no authorities to clients.
//
// The rest of a chain is held to the strength that the peer's own certificate is:
// RSA of 2,048 bits, elliptic curves of 256, no SHA-1. The authority itself is the
// operator's choice. crypto/tls takes RSA from 1,024 bits.
//
// With TLS 1.3 a client is done before the server has looked at its certificate,
// so the refusal comes with the first read, or breaks the first write. Read and
// Write put it in the same words as Handshake does.
//
// Close does not say goodbye in TLS: that would be one more write to a peer that
// may not read, and the length before each frame shows a stream that was cut.
//
// Revocation is not looked at: there are neither lists nor OCSP. Short-lived
// certificates, or another authority and a reload, take its place.
package secure
