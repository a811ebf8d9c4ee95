package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
	"github.com/liminal-bus/liminal/node"
)

// probeCommand is `liminal probe`.
func (a *app) probeCommand() *cli.Command {
	return &cli.Command{
		Name:      "probe",
		Usage:     "why can't I connect? each step to a node, and where it stops",
		ArgsUsage: "ADDR",
		Description: "Walks the way to a node as joining does: resolve, epmd, connect, tls, name, flags, cookie,\n" +
			"and hangs up. It needs no running node, and the node at ADDR keeps nothing of it. Each\n" +
			"stage has an exit status of its own: liminal help exit-codes. When --timeout runs out, that\n" +
			"of the stage it was at is given (23: while the other end said nothing), and not 124.",
		Flags:  append(settingFlags(append([]string{"ui.timeout"}, lookSettings...)...), fileFlags()...),
		Action: a.action(command{min: 1, max: 1, settings: true}, runProbe),
	}
}

func runProbe(ctx context.Context, c *call) error {
	address := c.args[0]
	l, err := c.newLooker("probe")
	if err != nil {
		return err
	}
	if limit := c.set.timeout(); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, &lateError{limit: limit})
		defer cancel()
	}
	report, err := node.Check(ctx, node.CheckConfig{
		Address: address, Cookie: l.cookie.Value, Accept: l.cookie.Accept, EPMD: l.config.EPMD, EPMDPort: l.config.EPMDPort,
		DialTimeout: l.config.DialTimeout, Local: localNodes(l.localDirs()), Claim: l.claim, TLS: l.config.TLS,
	})
	switch cause := context.Cause(ctx); {
	case ctx.Err() != nil && isCancel(cause):
		return cause
	case err != nil:
		return l.explain(ctx, err, c.args)
	}
	verdict := l.verdict(report)
	if err := c.showProbe(report, verdict); err != nil {
		return err
	}
	if verdict != nil {
		return verdict
	}
	return nil
}

// verdict is what to say of the stage that failed, nil if none has.
func (l *looker) verdict(r node.CheckReport) *control.Error {
	if r.Failed == "" {
		return nil
	}
	l.me.name = r.As
	e := l.advise(explainDial(r.Address, r.Err, l.me), r.Err, r.Address)
	var dial *node.DialError
	switch {
	case !errors.As(r.Err, &dial):
	case errors.Is(r.Err, node.ErrWrongName):
		if nameOf(dial.Peer) != nameOf(r.Address) {
			e.Try = "liminal probe " + dial.Endpoint + " (takes whatever name answers)"
		}
	case r.Failed == node.CheckTLS && errors.Is(r.Err, node.ErrTimeout):
		e.Message, e.Why = at(dial)+" takes the connection and says nothing", "it waits for TLS or another protocol, or that process is stopped"
		if l.config.TLS != nil {
			e.Why = "it does not speak TLS, as we do, or that process is stopped"
		}
		e.Try = distributionPort
	case r.Failed == node.CheckTLS && e.Message == "cannot join "+dial.Address:
		e.Message, e.Why = at(dial)+" hung up without a word", "it speaks TLS or another protocol, or lets nobody in: "+detail(r.Err, node.ErrUnreachable)
		e.Try = distributionPort
	}
	return fail("probe_"+string(r.Failed), e.Message, e.Why, e.Try)
}

const distributionPort = "a distribution port: epmd -names, over there"

// schemaProbe names the document.
const schemaProbe = "liminal.probe/1"

// probeDoc is `liminal probe --json`.
type probeDoc struct {
	Schema     string         `json:"schema"`
	Address    string         `json:"address"`
	Time       time.Time      `json:"time"`
	OK         bool           `json:"ok"`
	Failed     *string        `json:"failed"` // the stage
	TookMicros int64          `json:"took_us"`
	As         string         `json:"as"` // the name it was tried under
	Steps      []probeStep    `json:"steps"`
	Peer       *probePeer     `json:"peer"`  // null if it did not say who it is
	Error      *control.Error `json:"error"` // as on stderr
}

type probeStep struct {
	Stage      string `json:"stage"`
	Result     string `json:"result"` // ok, fail, skip
	TookMicros int64  `json:"took_us"`
	Detail     string `json:"detail"`
}

type probePeer struct {
	Name      string   `json:"name"`
	Address   *string  `json:"address"`
	Kind      string   `json:"kind"`
	Creation  uint32   `json:"creation"`
	Visible   bool     `json:"visible"` // it would list a node that is not hidden
	Flags     []string `json:"flags"`
	RTTMicros *int64   `json:"rtt_us"`
	Cookie    int      `json:"cookie"` // which it has proved: 0 is our own, n the n-th of those we accept
}

func (c *call) showProbe(r node.CheckReport, verdict *control.Error) error {
	switch c.out.form {
	case formJSON:
		return c.out.json(probeDocument(r, verdict, c.env.Now()))
	case formPlain:
		if c.out.header {
			c.out.fields("stage", "result", "took_us", "detail")
		}
		for _, s := range r.Steps {
			c.out.fields(string(s.Stage), string(s.Result), strconv.FormatInt(s.Took.Microseconds(), 10), s.Detail)
		}
		return nil
	}
	c.out.probeTable(r)
	if verdict == nil {
		c.out.printf("%s\n", styled(clean(probeSummary(r))))
	}
	return nil
}

func probeDocument(r node.CheckReport, verdict *control.Error, now time.Time) probeDoc {
	doc := probeDoc{
		Schema: schemaProbe, Address: r.Address, Time: wireTime(now), OK: r.Failed == "", Failed: optional(string(r.Failed)),
		TookMicros: r.Took.Microseconds(), As: r.As, Steps: []probeStep{}, Error: verdict,
	}
	for _, s := range r.Steps {
		doc.Steps = append(doc.Steps, probeStep{string(s.Stage), string(s.Result), s.Took.Microseconds(), s.Detail})
	}
	if p := r.Peer; p.Name != "" {
		doc.Peer = &probePeer{
			Name: p.Name, Address: optional(p.Endpoint), Kind: string(p.Kind), Creation: p.Creation, Visible: p.Published,
			Flags: append([]string{}, p.Flags...), RTTMicros: micros(p.RTT), Cookie: p.Cookie,
		}
	}
	return doc
}

// probeWords are the results at a terminal.
var probeWords = map[node.CheckResult]cell{
	node.CheckOK: {text: "ok"}, node.CheckFailed: {text: "FAIL", style: redBold}, node.CheckSkipped: {text: "-", style: dim},
}

func (o *output) probeTable(r node.CheckReport) {
	var rows [][]cell
	for _, s := range r.Steps {
		took := "-"
		if s.Took > 0 {
			took = display.RTT(s.Took)
		}
		rows = append(rows, []cell{{text: string(s.Stage)}, probeWords[s.Result], {text: took}, {text: s.Detail}})
	}
	o.table([]column{{head: "STAGE"}, {head: "RESULT"}, {head: "TIME", right: true}, {head: "DETAIL"}}, rows)
}

// probeSummary: "app@dev can be joined: liminal join app@dev; its nodes() would
// list us, unless with --hidden".
func probeSummary(r node.CheckReport) string {
	words := []string{r.Peer.Name + " can be joined: liminal join " + r.Address}
	if r.Peer.Published {
		words = append(words, "its nodes() would list a visible node")
	} else {
		words = append(words, "it is hidden itself, and lists nobody")
	}
	if r.Peer.Cookie > 0 {
		words = append(words, "it uses another cookie than our own, which it refused")
	}
	return strings.Join(words, "; ")
}
