package cli

import (
	"errors"
	"fmt"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// startTLS is the advice to a node in the clear that meets one under TLS.
const startTLS = "liminal node start --tls-cert PATH --tls-key PATH --tls-ca PATH, or its port without TLS"

func tellTLS(e *node.DialError) *control.Error {
	return fail("tls_mismatch", at(e)+" speaks TLS and this node does not", "its answer was a TLS record", startTLS)
}

func tellNotTLS(e *node.DialError, _ self) *control.Error {
	return fail("tls_mismatch", at(e)+" does not speak TLS and this node does", "its answer was no TLS record",
		"there: --tls-cert, --tls-key and --tls-ca, or its port with TLS")
}

func tellTLSVersion(e *node.DialError, _ self) *control.Error {
	return fail("tls_mismatch", at(e)+" has no version of TLS in common with this node", "this node speaks TLS 1.2 and 1.3",
		"there: allow one of them (of an Erlang node: versions in its ssl_dist_opt)")
}

// tellHungUpOnTLS: so does a node that has too many handshakes under way.
func tellHungUpOnTLS(e *node.DialError) *control.Error {
	return fail("unreachable", at(e)+" hung up on our TLS handshake",
		"it does not speak TLS, or lets nobody in now: "+detail(e, node.ErrUnreachable), "liminal probe "+e.Address)
}

// tellSilentOnTLS: an Erlang node in the clear waits for the rest of what it takes
// for a message.
func tellSilentOnTLS(e *node.DialError) *control.Error {
	return fail("unreachable", at(e)+" takes the connection and does not answer in TLS",
		"it does not speak TLS, as this node does, or that process is stopped or busy", "liminal probe "+e.Address)
}

// tellCertificate tells which of the two certificates was refused, and why.
func tellCertificate(e *node.DialError, me self) *control.Error {
	bad := &node.CertificateError{}
	errors.As(e.Err, &bad)
	if bad.Reason == node.CertificateRefused {
		return fail("tls_refused", peerOf(e)+" refused the certificate of this node",
			fmt.Sprintf("it says %q: it does not trust who signed it, it has expired, or it is not for our host", bad.Text()),
			"there: the log says why; here: --tls-cert and --tls-key of another certificate")
	}
	what, why := peerOf(e)+"'s certificate is refused", "it "+bad.Text()
	switch bad.Reason {
	case node.CertificateUnknownCA:
		what, why = peerOf(e)+"'s certificate is not trusted", fmt.Sprintf("signed by %q, which %s lacks", bad.Signer, me.authorities())
	case node.CertificateSelfSigned:
		what, why = peerOf(e)+"'s certificate is not trusted", "signed by itself, and "+me.authorities()+" lacks it"
	default:
		return fail("tls_untrusted", what, why, "there: put another certificate in place, then kill -HUP that node")
	}
	return fail("tls_untrusted", what, why, "--tls-ca with that authority's file")
}

// authorities is where we look for who may sign.
func (me self) authorities() string {
	if me.ca == "" {
		return "the file of --tls-ca"
	}
	return me.ca
}

// authoritiesOf is self.ca for a certificate.
func authoritiesOf(t *node.TLSInfo) string {
	if t == nil {
		return ""
	}
	return t.Files.CA
}
