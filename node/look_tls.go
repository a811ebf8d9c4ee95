package node

import (
	"strings"

	"github.com/liminal-bus/liminal/internal/discovery"
)

// certifiedHost is host if our certificate is for it, else one that it is for,
// rather of the same form: nobody lets a look in whose certificate is for others.
func certifiedHost(host string, own *TLS) string {
	if own == nil || own.Fits(host) {
		return host
	}
	other := ""
	for _, name := range own.Info().Names {
		switch {
		case strings.Contains(name, "*") || discovery.ValidName("a@"+name) != nil:
		case discovery.IsLong(name) == discovery.IsLong(host):
			return name
		case other == "":
			other = name
		}
	}
	if other == "" {
		return host
	}
	return other
}
