package node

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/liminal-bus/liminal/internal/epmd"
)

// Illness is one reason why a node is less than healthy, in one word of a closed
// set.
type Illness string

// The illnesses. What happened, and is over, is one for RecentTime; the others
// are there for as long as they last.
const (
	IllIsolated    Illness = "isolated"                 // seeds are configured, and neither one of them nor any peer is up
	IllEPMD        Illness = "epmd_unregistered"        // EPMDRequire, and not registered
	IllDuplicate   Illness = "duplicate_name"           // recently: several nodes of one name, or of ours
	IllCookie      Illness = "handshakes_cookie"        // recently: peers that we dialled have another cookie
	IllCertificate Illness = "handshakes_certificate"   // recently: or would not have our certificate, nor we theirs
	IllFull        Illness = "peers_full"               // recently: a node was refused, the table being full
	IllAccept      Illness = "accept_errors"            // recently: connections could not be accepted, for want of descriptors most often
	IllOverflow    Illness = "control_overflow"         // recently: a link was ended since its peer took no control messages
	IllLate        Illness = "loop_late"                // recently: the poll loop stood still for more than a second
	IllExpiring    Illness = "tls_certificate_expiring" // the node's own certificate ends within ExpiryTime, or has ended
)

// Illnesses lists all of them, in the order of Status.Ill.
func Illnesses() []Illness {
	var all []Illness
	for _, r := range healthRules {
		all = append(all, r.is)
	}
	return all
}

// RecentTime is how long a node counts as ill after something happened that
// should not. It is as long as the longest pause between two tries of a peer that
// is refused, so that such a one does not come and go.
const RecentTime = 5 * time.Minute

// ExpiryTime is how long before its end a certificate is told to be expiring.
const ExpiryTime = 14 * 24 * time.Hour

// Reason is an illness with words for people: figures and no peer's text.
type Reason struct {
	Code Illness
	Text string
}

// vitals is what health is judged by.
type vitals struct {
	now         time.Time
	isolated    bool
	epmd        EPMDStatus
	moved       [momentCount]moment
	certificate time.Time // its end; zero without one
}

// moment is a counter and when it was last seen to rise, zero for never.
type moment struct {
	count uint64
	at    time.Time
}

// The counters that are watched.
const (
	onAccept = iota
	onFull
	onDuplicate
	onCookie
	onCertificate
	onOverflow
	onLate
	momentCount
)

// healthRules judge, one row an illness: the text, or "" where there is none.
// What whoever reaches the port can bring about is no illness: of refused
// handshakes only those count that we began.
var healthRules = []struct {
	is   Illness
	text func(v *vitals) string
}{
	{IllIsolated, func(v *vitals) string { return say(v.isolated, "isolated: no seed answers and no peer is up") }},
	{IllEPMD, func(v *vitals) string {
		return say(v.epmd.Mode == EPMDRequire && !v.epmd.Registered, "not registered with the local epmd, which is required")
	}},
	{IllDuplicate, duplicate},
	{IllCookie, since(onCookie, "peers refuse the cookie, or have another")},
	{IllCertificate, since(onCertificate, "dials failed for a certificate, ours or theirs")},
	{IllFull, since(onFull, "nodes were refused: as many peers as there can be are up")},
	{IllAccept, since(onAccept, "connections could not be accepted: no descriptors left?")},
	{IllOverflow, since(onOverflow, "links were ended: their peers took no control messages")},
	{IllLate, since(onLate, "the poll loop stood still for more than a second: the machine is overloaded, or was suspended")},
	{IllExpiring, expiring},
}

// judge is the one place that decides whether a node is well.
func judge(v vitals) (ill []Reason) {
	for _, r := range healthRules {
		if text := r.text(&v); text != "" {
			ill = append(ill, Reason{r.is, text})
		}
	}
	return ill
}

func say(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

// since tells of a counter that rose lately, and how far it is now.
func since(which int, text string) func(v *vitals) string {
	return func(v *vitals) string {
		m := v.moved[which]
		if m.at.IsZero() || v.now.Sub(m.at) >= RecentTime {
			return ""
		}
		return fmt.Sprintf("%s (%d since the start, the last within %v)", text, m.count, RecentTime)
	}
}

func duplicate(v *vitals) string {
	if v.epmd.Mode != EPMDOff && errors.Is(v.epmd.Err, epmd.ErrNameInUse) {
		return "not registered with epmd: " + v.epmd.Err.Error()
	}
	return since(onDuplicate, "nodes of the same name were refused")(v)
}

func expiring(v *vitals) string {
	left := v.certificate.Sub(v.now)
	until := v.certificate.UTC().Format(time.DateOnly)
	switch {
	case v.certificate.IsZero() || left > ExpiryTime:
		return ""
	case left <= 0:
		return "the certificate of this node expired on " + until + ": peers refuse it"
	}
	return fmt.Sprintf("the certificate of this node expires on %s, in %d days", until, int(left.Hours())/24)
}

// pulse remembers when counters rose. It has a lock of its own.
type pulse struct {
	mu      sync.Mutex
	moments [momentCount]moment
}

// feel compares the counters with what they were. The poll loop calls it every
// second, and Status for the rest of that second.
func (p *pulse) feel(now time.Time, counts [momentCount]uint64) [momentCount]moment {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, c := range counts {
		if c > p.moments[i].count { // one that was read later may be told earlier
			p.moments[i] = moment{c, now}
		}
	}
	return p.moments
}

// watched reads the counters that pulse watches. It allocates nothing.
func (n *Node) watched() (c [momentCount]uint64) {
	r := n.table.Recent()
	c[onAccept], c[onFull], c[onDuplicate] = r.AcceptErrors, r.Full, r.Duplicate
	c[onCookie], c[onCertificate] = r.Cookie, r.Certificate
	c[onOverflow], c[onLate] = n.counts.overflowed.Load(), n.counts.late.Load()
	return c
}
