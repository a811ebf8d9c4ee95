package cli

import (
	"slices"
	"strings"

	"github.com/liminal-bus/liminal/node"
)

// reloadTLS puts the certificate that the files hold now in force for connections
// to come. A node that runs with TLS cannot do without, nor the reverse: those
// settings wait for a restart.
func (r *nodeRun) reloadTLS(t *node.TLS, applied, restart []string) (nowApplied, needRestart []string) {
	err := r.ReloadTLS(t)
	if err == nil {
		info := t.Info()
		r.log.Info("certificate reloaded", "cert", info.Files.Cert, "ca", info.Files.CA, "not_after", wireTime(info.NotAfter))
		return applied, restart
	}
	ours := func(key string) bool { return strings.HasPrefix(key, "tls.") }
	applied = slices.DeleteFunc(applied, ours)
	if running := r.Status().TLS; (running == nil) != (t == nil) {
		restart = append(restart, "tls.cert", "tls.key", "tls.ca")
	}
	return applied, restart
}
