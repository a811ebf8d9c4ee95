package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// tlsOf puts a certificate in the words of the control calls; nil stays nil.
func tlsOf(t *node.TLSInfo) *control.TLS {
	if t == nil {
		return nil
	}
	return &control.TLS{
		Names: append([]string{}, t.Names...), Issuer: t.Issuer, NotBefore: wireTime(t.NotBefore), NotAfter: wireTime(t.NotAfter),
		Cert: t.Files.Cert, CA: t.Files.CA,
	}
}

// tlsText: `mutual, certificate for dev, 127.0.0.1, signed by "Example CA", until
// 2027-01-15`.
func tlsText(t *control.TLS) string {
	return fmt.Sprintf("mutual, certificate for %s, signed by %q, until %s",
		strings.Join(t.Names, ", "), t.Issuer, t.NotAfter.UTC().Format(time.DateOnly))
}

// tlsWord is the field for scripts: off, or mutual.
func tlsWord(t *control.TLS) string {
	if t == nil {
		return "off"
	}
	return "mutual"
}

func tlsUntil(t *control.TLS) string {
	if t == nil {
		return "-"
	}
	return stampText(t.NotAfter)
}
