package node

import (
	"context"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// A check walks the way to one peer, stage by stage. It has nothing to do with the
// probes that measure round trips of live links.

// CheckStage is one stage of the way to a peer.
type CheckStage string

// The stages in their order.
const (
	CheckResolve CheckStage = "resolve" // the host has an address
	CheckEPMD    CheckStage = "epmd"    // something knows where the node listens
	CheckConnect CheckStage = "connect" // TCP
	CheckTLS     CheckStage = "tls"     // the port speaks the distribution protocol, under TLS or not as we do; both certificates are good
	CheckName    CheckStage = "name"    // it takes our name, and has the one that was dialled
	CheckFlags   CheckStage = "flags"   // it can do what is needed
	CheckCookie  CheckStage = "cookie"  // both have the same
)

// CheckStages are all stages in their order.
var CheckStages = []CheckStage{CheckResolve, CheckEPMD, CheckConnect, CheckTLS, CheckName, CheckFlags, CheckCookie}

// CheckResult is how a step went.
type CheckResult string

// The results of a step.
const (
	CheckOK      CheckResult = "ok"
	CheckFailed  CheckResult = "fail" // not the end where another address follows
	CheckSkipped CheckResult = "skip" // there was nothing to ask
)

// CheckStep is one thing that was tried. A stage can have several: each address of
// a host is one.
type CheckStep struct {
	Stage  CheckStage
	Result CheckResult
	Took   time.Duration // 0 if nothing was asked
	Detail string        // what was asked of whom, and what came
}

// CheckPeer is what a peer says of itself in the handshake. It is proved if the
// check came to its end.
type CheckPeer struct {
	Name      string
	Endpoint  string // IP:PORT
	Kind      Kind   // by its flags
	Creation  uint32
	Published bool     // its nodes() would list a node that is not hidden
	Flags     []string // as it offered them, named as in OTP's dist.hrl
	RTT       time.Duration
	Cookie    int // of those of the check that both have proved: 0 is Cookie, n the n-th of Accept
}

// CheckReport is the answer of Check. It is a value.
type CheckReport struct {
	Address string // as asked
	As      string // the name under which it was tried, of the last try
	Steps   []CheckStep
	Failed  CheckStage // "" if everything answered
	Err     error      // with Failed: mostly a *DialError
	Peer    CheckPeer  // fields that did not come to light are zero
	Took    time.Duration
}

// CheckConfig says what to check. Address and Cookie are required.
type CheckConfig struct {
	Address     string
	Cookie      Cookie
	Accept      []Cookie      // tried in turn where Cookie is refused
	EPMD        EPMDMode      // EPMDOff asks no epmd
	EPMDPort    int           // 0 is 4369
	DialTimeout time.Duration // of resolving, and of each connect; 0 is 5 s
	TLS         *TLS          // as in LookConfig

	Local func(ctx context.Context, name string) (addr string, ok bool) // as in Config
	Claim ClaimName                                                     // as in LookConfig

	flags dist.Flags // what we offer; 0 is as a look does
}

// Check says how far a node gets on the way to a peer, and how long each step
// takes. It needs no node of ours: it introduces itself as a look does, under one
// of the same names, and hangs up once the cookie is proved. The error is of what
// cannot be checked: an address of no form (ErrBadAddress), no cookie, no free name
// (ErrLooks); what the way itself is barred by is in the report.
func Check(ctx context.Context, c CheckConfig) (CheckReport, error) {
	start := time.Now()
	a, err := parseAddress(c.Address)
	if err != nil {
		return CheckReport{}, err
	}
	set, err := tidyCookies(c.Cookie, c.Accept)
	if err != nil {
		return CheckReport{}, err
	}
	c.Accept = set[1:]
	var w *checkWalk
	release, err := underLookName(ctx, c.Claim, a, c.TLS, func(name string, _ bool) error {
		w = newCheckWalk(c, a, name)
		w.run(ctx)
		return w.report.Err
	})
	if err == nil {
		release()
	}
	if w == nil {
		return CheckReport{}, err // no name could be claimed
	}
	w.report.Took = time.Since(start)
	return w.report, nil
}
