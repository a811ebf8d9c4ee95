package config

import (
	"errors"
	"strings"

	"github.com/liminal-bus/liminal/node"
)

// tlsTogether: with one or two of the files a node would have to guess whether it
// is to be safe.
func (l *loader) tlsTogether() {
	var given, missing []string
	for _, key := range []string{"tls.cert", "tls.key", "tls.ca"} {
		if l.v.values[indexOf(key)].Text != "" {
			given = append(given, key)
		} else {
			missing = append(missing, key)
		}
	}
	if len(given) > 0 && len(missing) > 0 {
		l.mismatch(given[0], missing[0], given[0]+" needs "+strings.Join(missing, " and ")+" as well: all three or none")
	}
}

// TLSFiles gives the paths with ~ replaced; all are "" without TLS.
func (v *Values) TLSFiles() node.TLSFiles {
	f := v.fields.tls
	for _, p := range []*string{&f.Cert, &f.Key, &f.CA} {
		*p = expandHome(*p, v.opts.Home)
	}
	return f
}

// TLS loads the files that the settings name, nil if they name none. What cannot
// be loaded is refused (*Refusal, code tls_file): a node never goes on without.
func (v *Values) TLS() (*node.TLS, error) {
	f := v.TLSFiles()
	if f == (node.TLSFiles{}) {
		return nil, nil
	}
	t, err := node.LoadTLS(f)
	var bad *node.TLSFileError
	if errors.As(err, &bad) {
		return nil, refuseTLS(bad, shortenHome(bad.Path, v.opts.Home))
	}
	return t, err
}

func refuseTLS(bad *node.TLSFileError, shown string) error {
	r := &Refusal{
		Code: "tls_file", Exit: 78, Message: "cannot use " + shown + " for TLS", Why: bad.Why,
		Try: "liminal config show (says which files), then mend that one", Err: bad,
	}
	if bad.Mode {
		r.Try = "chmod 600 " + shown
	}
	if strings.Contains(bad.Why, "belongs to uid") {
		r.Try = "chown it, or give --tls-key"
	}
	return r
}
