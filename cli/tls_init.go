package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/certs"
	"github.com/liminal-bus/liminal/node"
)

const maxDays = int(certs.MaxLifetime / (24 * time.Hour))

func (a *app) tlsInitCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "make a CA and certificates for nodes, for liminal and for Erlang",
		ArgsUsage: "NAME[@HOST]...",
		Description: "NAME[@HOST] is the name that a node will have; the host of its certificate is the HOST\n" +
			"there. What is missing is made, and what is there stays: run it again to add nodes. Then it\n" +
			"says what to type to start each node, and an Erlang node of that name. For example:\n\n" +
			"  liminal tls init a b\n" +
			"  liminal tls init app@10.0.0.5 web@10.0.0.6 --dir ./tls\n\n" +
			"To another machine go ca.pem and the .pem and .key of the node that runs there, and never\n" +
			"ca.key: whoever has it can make nodes. liminal help certs says more.",
		Flags: append([]cli.Flag{
			dirFlag(),
			&cli.IntFlag{Name: "days", Usage: "how long the certificates of nodes are good, `N`", Value: maxDays},
			&cli.BoolFlag{Name: "force", Usage: "make new certificates and keys for the nodes named; the CA stays"},
		}, commonFlags()...),
		Action: a.action(command{min: 1, max: -1}, runTLSInit),
	}
}

func runTLSInit(_ context.Context, c *call) error {
	names, err := c.certNames()
	if err != nil {
		return err
	}
	dir, err := c.certDir()
	if err != nil {
		return err
	}
	days := c.cli.Int("days")
	if days < 1 || days > maxDays {
		return usage(fmt.Sprintf("--days takes a number from 1 to %d", maxDays), "some systems take no certificate of a longer life", c.cli.Command)
	}
	r := certs.Request{
		Dir: dir, Names: names, Lifetime: time.Duration(days) * 24 * time.Hour, Force: c.cli.Bool("force"), Now: c.env.Now(),
	}
	done, err := certs.Init(r)
	if err != nil {
		return c.explainCerts(r, err)
	}
	return c.showCerts(done)
}

// certNames are the full names that were given, each once.
func (c *call) certNames() ([]string, error) {
	var names []string
	for _, arg := range c.args {
		name, err := node.FullName(arg)
		if err != nil {
			return nil, fail("bad_name", fmt.Sprintf("%q is not a node name", arg), detail(err, node.ErrBadName), "liminal tls init a@10.0.0.5")
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// certMade is one line of what tls init tells.
type certMade struct {
	name                   string // "ca" for the CA, which no node can be called
	outcome                string
	hosts                  []string
	notAfter               time.Time
	cert, key, ca, optFile string
}

// madeColumns are those of tls init; new ones come only at the end.
var madeColumns = []listColumn[certMade]{
	{name: "name", head: "NAME", plain: func(m certMade) string { return m.name }},
	{name: "outcome", head: "OUTCOME", plain: func(m certMade) string { return m.outcome }},
	{name: "hosts", head: "HOST", plain: func(m certMade) string { return strings.Join(m.hosts, ",") }},
	{name: "not_after", head: "GOOD UNTIL", plain: func(m certMade) string { return stampText(m.notAfter) },
		shown: func(m certMade, now time.Time) cell { return shownExpiry(m.notAfter, now) }},
	{name: "cert", head: "CERTIFICATE", plain: func(m certMade) string { return m.cert }},
	{name: "key", plain: func(m certMade) string { return m.key }},
	{name: "ca", plain: func(m certMade) string { return m.ca }},
	{name: "optfile", plain: func(m certMade) string { return m.optFile }},
}

// madeShown is how many of them people see.
const madeShown = 5

func madeOf(done certs.Result) []certMade {
	all := []certMade{{
		name: "ca", outcome: string(done.CA.Outcome), notAfter: done.CA.NotAfter,
		cert: done.CA.Cert, key: done.CA.Key, ca: done.CA.Cert,
	}}
	for _, n := range done.Nodes {
		all = append(all, certMade{n.Name, string(n.Outcome), n.Hosts, n.NotAfter, n.Cert, n.Key, done.CA.Cert, n.OptFile})
	}
	return all
}

// showCerts prints what there is now, and what to type next.
func (c *call) showCerts(done certs.Result) error {
	all, next := madeOf(done), nextSteps(done)
	switch c.out.form {
	case formJSON:
		return c.out.json(madeDocOf(done, next))
	case formPlain:
		plainList(c.out, all, wholeView(madeColumns))
	default:
		cols, rows := tableOf(all, wholeView(madeColumns[:madeShown]), c.env.Now())
		c.out.table(cols, rows)
	}
	c.noteExpiry(done)
	c.noteNext(done, next)
	return nil
}

// soon is when a certificate that was kept is worth a word.
const soon = 30 * 24 * time.Hour

func (c *call) noteExpiry(done certs.Result) {
	for _, n := range done.Nodes {
		if left := n.NotAfter.Sub(c.env.Now()); n.Outcome == certs.Kept && left < soon {
			when := "has expired"
			if left > 0 {
				when = "expires in " + longSpan(left)
			}
			c.out.note("liminal: the certificate of %s %s; %s makes a new one\n", n.Name, when, c.renewLine(n.Name))
		}
	}
}

func (c *call) noteNext(done certs.Result, next []nextStep) {
	c.out.note("next, where each node runs:\n")
	for _, n := range next {
		c.out.note("  %s\n", n.Start)
	}
	c.out.note("or, as Erlang nodes:\n")
	for _, n := range next {
		c.out.note("  %s\n", n.Erl)
	}
	if mixedForms(done.Nodes) {
		c.out.note("short names and long ones (with a dot or an address) do not talk to each other\n")
	}
	if networked(done.Nodes) {
		c.out.note("to another machine go ca.pem and the .pem and .key of its node; never ca.key\n")
	}
}

// madeDoc is `liminal tls init --json`.
type madeDoc struct {
	Schema string    `json:"schema"`
	Dir    string    `json:"dir"`
	CA     madeCA    `json:"ca"`
	Nodes  []madeOne `json:"nodes"`
}

type madeCA struct {
	Outcome  string    `json:"outcome"` // made, kept
	Subject  string    `json:"subject"`
	NotAfter time.Time `json:"not_after"`
	Cert     string    `json:"cert"`
	Key      string    `json:"key"`
}

type madeOne struct {
	Name     string    `json:"name"`
	Outcome  string    `json:"outcome"` // made, kept, renewed
	Hosts    []string  `json:"hosts"`
	NotAfter time.Time `json:"not_after"`
	Cert     string    `json:"cert"`
	Key      string    `json:"key"`
	OptFile  string    `json:"optfile"`
	nextStep
}

func madeDocOf(done certs.Result, next []nextStep) madeDoc {
	ca := done.CA
	doc := madeDoc{Schema: "liminal.tls.init/1", Dir: done.Dir, CA: madeCA{string(ca.Outcome), ca.Subject, ca.NotAfter, ca.Cert, ca.Key}}
	for i, n := range done.Nodes {
		doc.Nodes = append(doc.Nodes, madeOne{n.Name, string(n.Outcome), n.Hosts, n.NotAfter, n.Cert, n.Key, n.OptFile, next[i]})
	}
	return doc
}
