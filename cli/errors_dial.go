package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// self is what error texts say about the node that dialled.
type self struct {
	name   string // a@dev
	cookie string // "6 characters from LIMINAL_COOKIE"
	tick   string // "60s"
	epmd   int    // the port of every epmd
	host   string // this machine's short host name; "" if that is not known
	ca     string // the file of the authorities we trust; "" without TLS
}

// dialErrors says how each cause of a failed dial is told. The first row whose
// cause the error wraps decides.
var dialErrors = []struct {
	cause error
	tell  func(e *node.DialError, me self) *control.Error
}{
	{node.ErrBadAddress, tellBadAddress},
	{node.ErrCookie, tellCookie},
	{node.ErrDuplicate, tellDuplicate},
	{node.ErrRefused, tellRefused},
	{node.ErrHeld, tellHeld},
	{node.ErrTwins, tellTwins},
	{node.ErrFull, tellFull},
	{node.ErrSeen, tellSeen},
	{node.ErrNameMode, tellNameMode},
	{node.ErrTooOld, tellTooOld},
	{node.ErrSelf, tellSelf},
	{node.ErrNoHost, tellNoHost},
	{node.ErrNoSuchName, tellNoSuchName},
	{node.ErrNoPort, tellNoPort},
	{node.ErrNotEPMD, tellNotEPMD},
	{node.ErrEPMDRemote, tellEPMDRemote},
	{node.ErrWrongName, tellWrongName},
	{node.ErrCertificate, tellCertificate},
	{node.ErrNotTLS, tellNotTLS},
	{node.ErrTLSVersion, tellTLSVersion},
	{node.ErrNotDist, tellNotDist},
	{node.ErrTimeout, tellTimeout},
	{node.ErrUnreachable, tellUnreachable},
}

// explainDial tells how dialling one address failed.
func explainDial(address string, err error, me self) *control.Error {
	var told *control.Error
	if errors.As(err, &told) {
		return told
	}
	var dial *node.DialError
	if !errors.As(err, &dial) {
		dial = &node.DialError{Address: address, Err: err}
	}
	for _, row := range dialErrors {
		if errors.Is(err, row.cause) {
			return row.tell(dial, me)
		}
	}
	if errors.Is(err, node.ErrClosed) {
		return fail("node_stopped", "the node is stopping", err.Error(), "liminal node start --seed "+dial.Address)
	}
	if dial.Stage == "tls" {
		return tellHungUpOnTLS(dial)
	}
	return fail("unreachable", "cannot join "+dial.Address, dial.Err.Error(), "liminal status")
}

// detail is what the error knows beyond its cause.
func detail(err, cause error) string {
	text := err.Error()
	if dial := (*node.DialError)(nil); errors.As(err, &dial) && dial.Err != nil {
		text = dial.Err.Error()
	}
	text = strings.ReplaceAll(text, cause.Error()+": ", "")
	text = strings.TrimSuffix(text, ": "+cause.Error())
	if text == cause.Error() {
		return ""
	}
	return text
}

// detailOr is detail, or words for when there is none.
func detailOr(err, cause error, otherwise string) string {
	if d := detail(err, cause); d != "" {
		return d
	}
	return otherwise
}

// peerOf is the name of the node at the other end, or else what was typed.
func peerOf(e *node.DialError) string {
	if e.Peer != "" {
		return e.Peer
	}
	return e.Address
}

// hostOf is the host part of an address as typed; "" means our own.
func hostOf(address string) string {
	if _, host, ok := strings.Cut(address, "@"); ok {
		address = host
	}
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	if strings.Contains(address, ".") {
		return address
	}
	return ""
}

// hostOrHere names that host in a sentence.
func hostOrHere(e *node.DialError) string {
	if _, host, ok := strings.Cut(e.Address, "@"); ok {
		if h, _, err := net.SplitHostPort(host); err == nil {
			return h
		}
		return host
	}
	if h := hostOf(e.Address); h != "" {
		return h
	}
	if host, _, err := net.SplitHostPort(e.Endpoint); err == nil && host != "" {
		return host
	}
	return thisMachine
}

const thisMachine = "this machine"

// nameOf is the part of an address before the @.
func nameOf(address string) string {
	name, _, _ := strings.Cut(address, "@")
	return name
}

func tellBadAddress(e *node.DialError, _ self) *control.Error {
	return fail("bad_address", fmt.Sprintf("%q is not an address", e.Address),
		detailOr(e, node.ErrBadAddress, "an address is b, b@host, b@host:9100 or host:9100"), "liminal help addresses")
}

func tellCookie(e *node.DialError, me self) *control.Error {
	return fail("cookie", peerOf(e)+" refused us: the cookies differ",
		`it hung up on our cookie ("Invalid challenge reply" in its log); ours: `+me.cookie,
		"there: erlang:get_cookie(); here: liminal node start --cookie-file PATH")
}

func tellDuplicate(e *node.DialError, me self) *control.Error {
	return fail("name_duplicate", fmt.Sprintf("%s refused us: it already has a node %s", peerOf(e), me.name),
		"two nodes of one name, or an old connection not yet timed out",
		fmt.Sprintf("liminal node start --name %s, or wait for the tick time (%s)", sibling(me.name, nameOf(me.name)+"2"), me.tick))
}

func tellRefused(e *node.DialError, me self) *control.Error {
	why := `it answered "not_allowed": it left the cluster, has all the peers it takes, was told to forget this node, has our name or another node of it, or a list there (net_kernel:allow) lacks us`
	if me.ca != "" {
		why += ", or our certificate is not for the host of our name"
	}
	return fail("refused", peerOf(e)+" refused us: it does not allow this node", why,
		"there: liminal join ADDR, or net_kernel:allow")
}

// tellSeen is for one of several addresses to look at.
func tellSeen(e *node.DialError, _ self) *control.Error {
	return fail("looks", e.Address+" is "+node.ErrSeen.Error(),
		"it has a connection under the name that we look under, as another address has given us", "leave it out")
}

func tellHeld(e *node.DialError, me self) *control.Error {
	return fail("held", peerOf(e)+" is held off by this node",
		"it sent more than a peer may, and is not let in for a minute (log of "+me.name+": peer expelled)",
		"liminal join "+e.Address+", in a minute")
}

func tellTwins(e *node.DialError, _ self) *control.Error {
	return fail("name_twins", fmt.Sprintf("several nodes run as %s", peerOf(e)),
		"each took the other's place, so the one that is up here stays, and no other is let in for a minute",
		"end one of them, or give it another --name; liminal peers "+peerOf(e)+" says which is up")
}

func tellFull(e *node.DialError, me self) *control.Error {
	return fail("too_many_peers", "no room for "+peerOf(e)+" on "+me.name,
		"this node has all the peers it may have (1,024)", "liminal peers (one of them has to stop)")
}

func tellNameMode(e *node.DialError, me self) *control.Error {
	ours, theirs, try := "a short name", "a long one", "liminal node start --name "+nameOf(me.name)+"@$(hostname -f)"
	if _, host, _ := strings.Cut(me.name, "@"); strings.ContainsAny(host, ".:") {
		ours, theirs, try = "a long name", "a short one", "liminal node start --name "+nameOf(me.name)
	}
	if _, host, _ := strings.Cut(peerOf(e), "@"); host == "127.0.0.1" || strings.HasPrefix(host, "127.0.0.1:") {
		host = "127.0.0.1"
		try = "liminal node start --name " + nameOf(me.name) + "@" + host
	}
	return fail("name_mode", me.name+" cannot talk to "+peerOf(e),
		fmt.Sprintf(`ours is %s, theirs %s ("System NOT running to use fully qualified hostnames")`, ours, theirs), try)
}

func tellTooOld(e *node.DialError, _ self) *control.Error {
	return fail("version", peerOf(e)+" is too old for liminal", "its handshake lacks flags of OTP 25",
		"upgrade it, or bridge through a newer node")
}

func tellSelf(e *node.DialError, _ self) *control.Error {
	return fail("self", e.Address+" is this node itself", "a node has no link to itself", "liminal status")
}

func tellNoHost(e *node.DialError, _ self) *control.Error {
	try := "liminal join HOST:PORT with an IP address, or fix the name"
	if name, host, ok := strings.Cut(e.Address, "@"); ok {
		name += "@10.0.0.5"
		if _, port, err := net.SplitHostPort(host); err == nil {
			name += ":" + port
		}
		try = "liminal join " + name + " (its IP address), or fix the name"
	}
	return fail("no_host", fmt.Sprintf("no address for host %q", hostOrHere(e)), "DNS and /etc/hosts do not know it", try)
}

func tellNoSuchName(e *node.DialError, me self) *control.Error {
	host, why := "host "+hostOrHere(e), "its epmd does not know that name"
	if hostOrHere(e) == thisMachine {
		host, why = thisMachine, "no liminal node of that name runs here, and no epmd knows it"
	}
	try := "liminal join " + joinHint(e) + " (skips epmd)"
	if others := othersThan(me, e); len(others) > 0 {
		why = "its epmd knows: " + strings.Join(others, ", ")
		// Whether that node has a short or a long name no epmd can say; a probe does.
		try = "liminal probe " + strings.Replace(e.Address, nameOf(e.Address), others[0], 1) + " (says how it can be joined)"
	}
	return fail("no_such_name", fmt.Sprintf("%s has no node called %q", host, nameOf(e.Address)), why, try)
}

func tellNoPort(e *node.DialError, _ self) *control.Error {
	return fail("no_such_name", fmt.Sprintf("nobody knows where %q listens", nameOf(e.Address)),
		"no liminal node of that name runs here, and this node does not ask epmd (--epmd off)",
		"liminal join "+joinHint(e))
}

// othersThan is what an epmd knows, this node left out.
func othersThan(me self, e *node.DialError) []string {
	return slices.DeleteFunc(slices.Clone(e.Known), func(name string) bool {
		return name == nameOf(me.name) && (hostOrHere(e) == thisMachine || strings.HasSuffix(me.name, "@"+hostOrHere(e)))
	})
}

// joinHint is an address of the same host that needs no epmd.
func joinHint(e *node.DialError) string {
	host := hostOrHere(e)
	if host == thisMachine {
		host = "localhost"
	}
	return host + ":PORT"
}

func tellEPMDRemote(e *node.DialError, me self) *control.Error {
	host := hostOrHere(e)
	why := fmt.Sprintf("%s:%d ", host, me.epmd) + epmdWords(e) + ": firewall, or no node there"
	if isHere(host) && errors.Is(e.Err, syscall.ECONNREFUSED) {
		why = fmt.Sprintf("no epmd runs on this machine (port %d), and no liminal node of that name", me.epmd)
	}
	return fail("epmd_remote", fmt.Sprintf("cannot ask %s where %q listens", host, nameOf(e.Address)), why,
		"liminal join "+joinHint(e)+" (skips epmd)")
}

// isHere says whether a host of an error is this machine.
func isHere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == thisMachine || host == "localhost" || err == nil && ip.IsLoopback()
}

func tellNotEPMD(e *node.DialError, me self) *control.Error {
	host := hostOrHere(e)
	return fail("epmd_remote", fmt.Sprintf("cannot ask %s where %q listens", host, nameOf(e.Address)),
		fmt.Sprintf("something else than epmd answers at port %d of %s", me.epmd, host),
		"liminal join "+joinHint(e)+" (skips epmd)")
}

// epmdWords is how asking an epmd ended.
func epmdWords(e *node.DialError) string {
	var errno syscall.Errno
	if errors.As(e.Err, &errno) {
		return "said: " + errno.Error()
	}
	return "gave no answer"
}

func tellNotDist(e *node.DialError, _ self) *control.Error {
	if e.Looks == "TLS" {
		return tellTLS(e)
	}
	return fail("not_dist", at(e)+" is not an Erlang distribution port",
		"what answers there speaks another protocol", "liminal help addresses")
}

func tellTimeout(e *node.DialError, _ self) *control.Error {
	if e.Stage == "tls" {
		return tellSilentOnTLS(e)
	}
	if connected(e) {
		return fail("unreachable", at(e)+" takes the connection and says nothing",
			"that process is stopped or busy, or it waits for another protocol", "liminal probe "+e.Address)
	}
	return fail("unreachable", "cannot reach "+at(e)+": no answer in time",
		"a firewall drops the packets, or the host is down",
		"there: liminal status, then liminal node start --listen :9100")
}

// connected says whether TCP had a connection before the dial failed.
func connected(e *node.DialError) bool {
	return slices.Contains([]string{"name", "status", "challenge", "ack"}, e.Stage)
}

// tellWrongName: the advice is the way to the node that does answer.
func tellWrongName(e *node.DialError, me self) *control.Error {
	return fail("unreachable", peerOf(e)+" answers at "+e.Address, "the address leads to another node than the one it names",
		"liminal join "+ownAddress(e, me))
}

// ownAddress is how the node that answered is dialled under its own name: without
// the host if that is ours, and where it listens if it is another one altogether.
func ownAddress(e *node.DialError, me self) string {
	short, host, ok := strings.Cut(e.Peer, "@")
	switch {
	case !ok || short != nameOf(e.Address):
		return cmp.Or(e.Endpoint, e.Address)
	case host == hostPart(me.name) || host == me.host:
		return short
	}
	return e.Peer
}

func hostPart(name string) string {
	_, host, _ := strings.Cut(name, "@")
	return host
}

func tellUnreachable(e *node.DialError, _ self) *control.Error {
	return fail("unreachable", "cannot reach "+at(e)+": "+systemWords(e),
		"nothing listens there, or it listens for its own machine only",
		"there: liminal status, then liminal node start --listen :9100")
}

// systemWords is what the system said of a connect, without the addresses that
// the sentence has already.
func systemWords(e *node.DialError) string {
	var errno syscall.Errno
	if errors.As(e.Err, &errno) {
		return errno.Error()
	}
	return detailOr(e, node.ErrUnreachable, "cannot connect")
}

// at says what was dialled and, if that is known and says more, where.
func at(e *node.DialError) string {
	if e.Endpoint == "" || strings.HasSuffix(e.Address, e.Endpoint) {
		return e.Address
	}
	return e.Address + " at " + e.Endpoint
}
