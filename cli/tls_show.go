package cli

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/certs"
	"github.com/liminal-bus/liminal/internal/control"
)

func (a *app) tlsShowCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "what certificates say: for whom, by whom, until when",
		ArgsUsage: "[FILE...]",
		Description: "Without FILE it shows those that tls init has made. Exits 1 if one has expired or is\n" +
			"not good yet.",
		Flags:  append([]cli.Flag{dirFlag()}, commonFlags()...),
		Action: a.action(command{max: -1}, runTLSShow),
	}
}

// certInfo is a certificate with what the clock says of it.
type certInfo struct {
	certs.Info
	state string // good, expired, early
}

// infoColumns are those of tls show; new ones come only at the end.
var infoColumns = []listColumn[certInfo]{
	{name: "subject", head: "SUBJECT", plain: func(i certInfo) string { return i.Subject }},
	{name: "state", head: "STATE", plain: func(i certInfo) string { return i.state }, shown: shownCertState},
	{name: "not_after", head: "GOOD UNTIL", plain: func(i certInfo) string { return stampText(i.NotAfter) },
		shown: func(i certInfo, now time.Time) cell { return shownExpiry(i.NotAfter, now) }},
	{name: "hosts", head: "HOST", plain: func(i certInfo) string { return strings.Join(i.Hosts, ",") }},
	{name: "issuer", head: "ISSUER", plain: func(i certInfo) string { return i.Issuer }},
	{name: "file", head: "FILE", plain: func(i certInfo) string { return i.Path }},
}

func shownCertState(i certInfo, _ time.Time) cell {
	if i.state != "good" {
		return cell{text: i.state, style: redBold}
	}
	return cell{text: i.state}
}

// infoDoc is one certificate of `liminal tls show --json`.
type infoDoc struct {
	Subject   string    `json:"subject"`
	State     string    `json:"state"` // good, expired, early
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	Hosts     []string  `json:"hosts"`
	Issuer    string    `json:"issuer"`
	CA        bool      `json:"ca"`
	File      string    `json:"file"`
}

type infosDoc struct {
	Schema       string    `json:"schema"`
	Certificates []infoDoc `json:"certificates"`
}

func runTLSShow(_ context.Context, c *call) error {
	files, err := c.certFiles()
	if err != nil {
		return err
	}
	all, err := certInfos(files, c.env.Now())
	if err != nil {
		return err
	}
	if err := c.showInfos(all); err != nil {
		return err
	}
	return c.certVerdict(all)
}

// certFiles are the files that were named, or those of tls init.
func (c *call) certFiles() ([]string, error) {
	if len(c.args) > 0 {
		return c.args, nil
	}
	dir, err := c.certDir()
	if err != nil {
		return nil, err
	}
	entries, err := filepath.Glob(filepath.Join(globQuote(dir), "*.pem"))
	if err != nil || len(entries) == 0 {
		return nil, fail("input_missing", "there are no certificates in "+dir, "liminal tls init has made none there", "liminal tls init a")
	}
	ca := filepath.Join(dir, "ca.pem") // it goes first
	if slices.Contains(entries, ca) {
		entries = append([]string{ca}, slices.DeleteFunc(entries, func(e string) bool { return e == ca })...)
	}
	return entries, nil
}

// globQuote takes a path by its letter.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func certInfos(files []string, now time.Time) ([]certInfo, error) {
	var all []certInfo
	for _, file := range files {
		infos, err := certs.Show(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fail("input_missing", "there is no file "+file, "it was named as one with a certificate", "liminal tls show, for those of liminal tls init")
		case errors.As(err, new(*certs.FileError)):
			return nil, fail("cert_form", file+" has no certificate that can be read", detailOf(err), "liminal tls show, for those of liminal tls init")
		case err != nil:
			return nil, ioError("cannot read "+file, err, "ls -l "+typedWord(file))
		}
		for _, i := range infos {
			all = append(all, certInfo{i, certState(i, now)})
		}
	}
	return all, nil
}

func certState(i certs.Info, now time.Time) string {
	switch {
	case now.After(i.NotAfter):
		return "expired"
	case now.Before(i.NotBefore):
		return "early"
	}
	return "good"
}

func (c *call) showInfos(all []certInfo) error {
	switch c.out.form {
	case formJSON:
		doc := infosDoc{Schema: "liminal.tls/1"}
		for _, i := range all {
			doc.Certificates = append(doc.Certificates, infoDoc{
				i.Subject, i.state, i.NotBefore, i.NotAfter, append([]string{}, i.Hosts...), i.Issuer, i.CA, i.Path,
			})
		}
		return c.out.json(doc)
	case formPlain:
		plainList(c.out, all, wholeView(infoColumns))
	default:
		cols, rows := tableOf(all, wholeView(infoColumns), c.env.Now())
		c.out.table(cols, rows)
	}
	return nil
}

// certVerdict is the first certificate that is no good now.
func (c *call) certVerdict(all []certInfo) error {
	i := slices.IndexFunc(all, func(i certInfo) bool { return i.state != "good" })
	if i < 0 {
		return nil
	}
	return c.certExpired(all[i])
}

func (c *call) certExpired(i certInfo) *control.Error {
	what, why := "the certificate of "+i.Subject+" has expired", "it ended on "+i.NotAfter.Format(time.DateOnly)
	if i.state == "early" {
		what, why = "the certificate of "+i.Subject+" is not good yet", "it begins on "+i.NotBefore.Format(time.DateOnly)+": is the clock right?"
	}
	try := "liminal tls init --dir DIR, with a directory for another CA"
	if !i.CA {
		try = c.renewLine(i.Subject)
	}
	return fail("cert_expired", what, why, try)
}
