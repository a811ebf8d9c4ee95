package cli

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/liminal-bus/liminal/internal/certs"
	"github.com/liminal-bus/liminal/internal/control"
)

// explainCerts tells why tls init made nothing.
func (c *call) explainCerts(r certs.Request, err error) error {
	var file *certs.FileError
	switch {
	case errors.Is(err, certs.ErrHost):
		return fail("bad_name", "that host cannot stand in a certificate", err.Error(), "liminal tls init a@10.0.0.5")
	case !errors.As(err, &file):
		return ioError("cannot make certificates in "+r.Dir, err, "liminal tls init --dir DIR, with a directory of yours")
	case errors.Is(err, certs.ErrBusy):
		return fail("cert_busy", "another liminal tls init is at work in "+file.Path, "one at a time, so that there is one CA",
			"the same command again")
	case file.CA:
		return explainCA(file)
	}
	name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file.Path), ".pem"), ".key")
	return fail("cert_files", file.Path+" is there and does not fit", file.Err.Error(),
		c.renewLine(name)+" (makes its certificate and its key anew)")
}

// renewLine is the command that makes a node's certificate anew, in the directory
// of this call.
func (c *call) renewLine(name string) string {
	words := []string{"liminal", "tls", "init", "--force", name}
	if dir := c.cli.String("dir"); dir != "" {
		words = append(words, "--dir", dir)
	}
	return typedWords(words)
}

// explainCA tells why a CA that is there cannot sign. It is never replaced: what
// it has signed would be worth nothing.
func explainCA(e *certs.FileError) *control.Error {
	what, why, try := e.Path+" cannot be used as a CA", e.Err.Error(), "liminal tls init --dir DIR, with a directory for another CA"
	switch {
	case errors.Is(e, certs.ErrNoKey):
		what, why = e.Path+" is a CA without its key", "only where its ca.key is can it sign"
		try = "the same command where the CA was made, or " + try
	case errors.Is(e, certs.ErrOpen):
		what, why = e.Path+" can be read by others", "whoever has read it can make nodes"
		try = "chmod 600 " + typedWord(e.Path) + ", or " + try
	case errors.Is(e, certs.ErrExpired):
		what, why = "the CA in "+e.Path+" has expired", "what it signs now is good nowhere"
	}
	return fail("cert_ca", what, why, try)
}

// detailOf is what was wrong, without the file that the sentence has already.
func detailOf(err error) string {
	var file *certs.FileError
	if errors.As(err, &file) {
		return file.Err.Error()
	}
	return err.Error()
}
