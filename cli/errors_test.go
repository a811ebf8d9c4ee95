package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

var meShort = self{name: "a@dev", cookie: "6 characters from LIMINAL_COOKIE", tick: "60s", epmd: 4369}
var meLong = self{name: "a@db1.example.net", cookie: "52 characters from ~/.erlang.cookie", tick: "60s", epmd: 4369}

// told is one error with its exact text: the table of the manual.
type told struct {
	err  *control.Error
	code string
	exit int
	text string // what, why, try
}

func dialError(address, endpoint, peer string, cause error) error {
	return &node.DialError{Address: address, Endpoint: endpoint, Peer: peer, Err: cause}
}

func allTold() []told {
	dial := func(address, endpoint, peer string, cause error) *control.Error {
		return explainDial(address, dialError(address, endpoint, peer, cause), meShort)
	}
	refused := fmt.Errorf("%w: %w", node.ErrUnreachable, &os.SyscallError{Syscall: "connect", Err: syscall.ECONNREFUSED})
	start := func(c node.Config, err error) *control.Error { return asError(explainStart(err, c, meShort)) }
	return []told{
		{nodeNotRunning([]string{"/run/user/1000/liminal", "/run/liminal"}), "node_not_running", 69,
			"no node is running for user " + userName() + "\nno live node in /run/user/1000/liminal or /run/liminal\nliminal node start"},
		{staleSocket("a", "/run/a.sock"), "stale_socket", 69,
			"node \"a\" is not running\na.sock was left by a node that died (its lock is free)\nliminal node start --name a (clears it)"},
		{whichNode([]control.Local{{Name: "a"}, {Name: "b"}}, "peers"), "which_node", 64,
			"2 nodes are running: a, b\nthe command does not say which\nliminal peers --node a, or set LIMINAL_NODE=a"},
		{alreadyRunning(&control.LockedError{Name: "a", PID: 4121}), "already_running", 73,
			"node \"a\" is already running, pid 4121\none node a name and user\nliminal status --node a, or another --name"},
		{start(node.Config{}, &node.NameInUseError{Name: "a", Port: 40121}), "name_in_use", 73,
			"the name \"a\" is taken on this machine\nepmd has it for port 40121 (\"seems to be in use by another Erlang node\")\nliminal node start --name a2"},
		{start(node.Config{Listen: ":9100"}, node.ErrPortInUse), "port_in_use", 73,
			"cannot listen on :9100\nanother program has the port\nliminal node start --listen :0 (any free port)"},
		{start(node.Config{EPMDPort: 4369}, node.ErrNoEPMD), "epmd_missing", 69,
			"no epmd answers on 127.0.0.1:4369\n--epmd require asks for one; liminal never starts it\nepmd -daemon, or drop --epmd require"},
		{start(node.Config{Seeds: []string{"b", "c@dev:9100"}}, fmt.Errorf("start: %w", errors.Join(node.ErrClusterJoin,
			dialError("b", "", "", node.ErrNoSuchName), dialError("c@dev:9100", "10.0.0.7:9100", "", refused)))), "cluster_join", 69,
			"no configured seed node was reachable (2 attempted)\nthis machine has no node called \"b\"; cannot reach c@dev:9100 at 10.0.0.7:9100: connection refused\nstart one of them, or: liminal node start --retry-join"},
		{start(node.Config{Seeds: []string{"c@dev:9100"}}, errors.Join(node.ErrClusterJoin, dialError("c@dev:9100", "", "c@dev", node.ErrCookie))), "cluster_join", 69,
			"no configured seed node was reachable (1 attempted)\nc@dev refused us: the cookies differ\nthere: erlang:get_cookie(); here: liminal node start --cookie-file PATH"},
		{dial("app@db1", "", "", node.ErrEPMDRemote), "epmd_remote", 69,
			"cannot ask db1 where \"app\" listens\ndb1:4369 gave no answer: firewall, or no node there\nliminal join db1:PORT (skips epmd)"},
		{explainDial("app@db1", &node.DialError{Address: "app@db1", Known: []string{"a", "web", "jobs"}, Err: node.ErrNoSuchName}, self{name: "a@db1"}), "no_such_name", 69,
			"host db1 has no node called \"app\"\nits epmd knows: web, jobs\nliminal probe web@db1 (says how it can be joined)"},
		{dial("app@db1", "", "", node.ErrNotEPMD), "epmd_remote", 69,
			"cannot ask db1 where \"app\" listens\nsomething else than epmd answers at port 4369 of db1\nliminal join db1:PORT (skips epmd)"},
		{dial("app@127.0.0.1", "", "", fmt.Errorf("%w: %w", node.ErrEPMDRemote, syscall.ECONNREFUSED)), "epmd_remote", 69,
			"cannot ask 127.0.0.1 where \"app\" listens\nno epmd runs on this machine (port 4369), and no liminal node of that name\nliminal join 127.0.0.1:PORT (skips epmd)"},
		{dial("app@localhost", "127.0.0.1:9100", "app@dev", node.ErrWrongName), "unreachable", 69,
			"app@dev answers at app@localhost\nthe address leads to another node than the one it names\nliminal join app"},
		{dial("app@db1", "127.0.0.1:9100", "web@db1", node.ErrWrongName), "unreachable", 69,
			"web@db1 answers at app@db1\nthe address leads to another node than the one it names\nliminal join 127.0.0.1:9100"},
		{explainDial("c@dev", &node.DialError{Address: "c@dev", Endpoint: "10.0.0.7:9100", Stage: "status", Err: node.ErrTimeout}, meShort), "unreachable", 69,
			"c@dev at 10.0.0.7:9100 takes the connection and says nothing\nthat process is stopped or busy, or it waits for another protocol\nliminal probe c@dev"},
		{dial("c@dev", "10.0.0.7:9100", "", refused), "unreachable", 69,
			"cannot reach c@dev at 10.0.0.7:9100: connection refused\nnothing listens there, or it listens for its own machine only\nthere: liminal status, then liminal node start --listen :9100"},
		{dial("c@dev:9100", "", "", node.ErrTimeout), "unreachable", 69,
			"cannot reach c@dev:9100: no answer in time\na firewall drops the packets, or the host is down\nthere: liminal status, then liminal node start --listen :9100"},
		{dial("a@dv", "", "", node.ErrNoHost), "no_host", 69,
			"no address for host \"dv\"\nDNS and /etc/hosts do not know it\nliminal join a@10.0.0.5 (its IP address), or fix the name"},
		{dial("app", "127.0.0.1:4000", "app@dev", node.ErrCookie), "cookie", 77,
			"app@dev refused us: the cookies differ\nit hung up on our cookie (\"Invalid challenge reply\" in its log); ours: 6 characters from LIMINAL_COOKIE\nthere: erlang:get_cookie(); here: liminal node start --cookie-file PATH"},
		{dial("app@db1.example.net", "", "app@db1.example.net", node.ErrNameMode), "name_mode", 76,
			"a@dev cannot talk to app@db1.example.net\nours is a short name, theirs a long one (\"System NOT running to use fully qualified hostnames\")\nliminal node start --name a@$(hostname -f)"},
		{explainDial("app@db1", dialError("app@db1", "", "app@db1", node.ErrNameMode), meLong), "name_mode", 76,
			"a@db1.example.net cannot talk to app@db1\nours is a long name, theirs a short one (\"System NOT running to use fully qualified hostnames\")\nliminal node start --name a"},
		{explainDial("b", dialError("b", "", "b@127.0.0.1", node.ErrDuplicate), self{name: "a@127.0.0.1", tick: "60s"}), "name_duplicate", 73,
			"b@127.0.0.1 refused us: it already has a node a@127.0.0.1\ntwo nodes of one name, or an old connection not yet timed out\nliminal node start --name a2@127.0.0.1, or wait for the tick time (60s)"},
		{dial("a@dv:9100", "", "", node.ErrNoHost), "no_host", 69,
			"no address for host \"dv\"\nDNS and /etc/hosts do not know it\nliminal join a@10.0.0.5:9100 (its IP address), or fix the name"},
		{socketPermission("/", "pub chat -- -x"), "socket_permission", 77,
			"cannot open /: permission denied\nthat node runs as user \"root\" and its socket is for that user alone\nsudo -u root liminal pub chat -- -x"},
		{whichNode([]control.Local{{Name: "a"}, {Name: "b"}}, "pub chat -- -x"), "which_node", 64,
			"2 nodes are running: a, b\nthe command does not say which\nliminal pub chat --node a -- -x, or set LIMINAL_NODE=a"},
		{dial("app", "", "app@dev", node.ErrDuplicate), "name_duplicate", 73,
			"app@dev refused us: it already has a node a@dev\ntwo nodes of one name, or an old connection not yet timed out\nliminal node start --name a2, or wait for the tick time (60s)"},
		{dial("old@db1", "", "old@db1", node.ErrTooOld), "version", 76,
			"old@db1 is too old for liminal\nits handshake lacks flags of OTP 25\nupgrade it, or bridge through a newer node"},
		{dial("c", "", "c@dev", node.ErrHeld), "held", 77,
			"c@dev is held off by this node\nit sent more than a peer may, and is not let in for a minute (log of a@dev: peer expelled)\nliminal join c, in a minute"},
		{dial("c@dev:9100", "", "c@dev", node.ErrTwins), "name_twins", 73,
			"several nodes run as c@dev\neach took the other's place, so the one that is up here stays, and no other is let in for a minute\nend one of them, or give it another --name; liminal peers c@dev says which is up"},
		{dial("c", "", "c@dev", node.ErrFull), "too_many_peers", 1,
			"no room for c@dev on a@dev\nthis node has all the peers it may have (1,024)\nliminal peers (one of them has to stop)"},
		{dial("app", "", "app@dev", node.ErrRefused), "refused", 77,
			"app@dev refused us: it does not allow this node\nit answered \"not_allowed\": it left the cluster, has all the peers it takes, was told to forget this node, has our name or another node of it, or a list there (net_kernel:allow) lacks us\nthere: liminal join ADDR, or net_kernel:allow"},
		{dial("a", "", "", node.ErrSelf), "self", 1, "a is this node itself\na node has no link to itself\nliminal status"},
		{dial("db1:80", "10.0.0.7:80", "", node.ErrNotDist), "not_dist", 76,
			"db1:80 at 10.0.0.7:80 is not an Erlang distribution port\nwhat answers there speaks another protocol\nliminal help addresses"},
		{explainDial("db1:9100", &node.DialError{Address: "db1:9100", Looks: "TLS", Err: node.ErrNotDist}, meShort), "tls_mismatch", 76,
			"db1:9100 speaks TLS and this node does not\nits answer was a TLS record\nliminal node start --tls-cert PATH --tls-key PATH --tls-ca PATH, or its port without TLS"},
		{dial("db1:9100", "", "", node.ErrNotTLS), "tls_mismatch", 76,
			"db1:9100 does not speak TLS and this node does\nits answer was no TLS record\nthere: --tls-cert, --tls-key and --tls-ca, or its port with TLS"},
		{dial("db1:9100", "", "", node.ErrTLSVersion), "tls_mismatch", 76,
			"db1:9100 has no version of TLS in common with this node\nthis node speaks TLS 1.2 and 1.3\nthere: allow one of them (of an Erlang node: versions in its ssl_dist_opt)"},
		{dial("b@db1", "", "b@db1", &node.CertificateError{Reason: node.CertificateUnknownCA, Signer: "Example CA"}), "tls_untrusted", 77,
			"b@db1's certificate is not trusted\nsigned by \"Example CA\", which the file of --tls-ca lacks\n--tls-ca with that authority's file"},
		{dial("b@db1", "", "b@db1", &node.CertificateError{Reason: node.CertificateSelfSigned}), "tls_untrusted", 77,
			"b@db1's certificate is not trusted\nsigned by itself, and the file of --tls-ca lacks it\n--tls-ca with that authority's file"},
		{dial("b@db1", "", "b@db1", &node.CertificateError{Reason: "wrong_host", Host: "db1", Names: []string{"db2", "10.0.0.2"}}), "tls_untrusted", 77,
			"b@db1's certificate is refused\nit is not for the host db1 but for db2, 10.0.0.2\nthere: put another certificate in place, then kill -HUP that node"},
		{dial("b@db1", "", "b@db1", &node.CertificateError{Reason: node.CertificateRefused, Alert: "bad certificate"}), "tls_refused", 77,
			"b@db1 refused the certificate of this node\nit says \"bad certificate\": it does not trust who signed it, it has expired, or it is not for our host\nthere: the log says why; here: --tls-cert and --tls-key of another certificate"},
		{explainDial("db1:9100", &node.DialError{Address: "db1:9100", Stage: "tls", Err: node.ErrTimeout}, meShort), "unreachable", 69,
			"db1:9100 takes the connection and does not answer in TLS\nit does not speak TLS, as this node does, or that process is stopped or busy\nliminal probe db1:9100"},
		{explainDial("db1:9100", &node.DialError{Address: "db1:9100", Stage: "tls", Err: errors.New("connection closed")}, meShort), "unreachable", 69,
			"db1:9100 hung up on our TLS handshake\nit does not speak TLS, or lets nobody in now: connection closed\nliminal probe db1:9100"},
		{dial("b@@x", "", "", node.ErrBadAddress), "bad_address", 64,
			"\"b@@x\" is not an address\nan address is b, b@host, b@host:9100 or host:9100\nliminal help addresses"},
		{unknownChannel("chat"), "unknown_channel", 1,
			"no channel is called \"chat\"\nnobody subscribes to it, and nothing was published to it here\nliminal channels (lists them)"},
		{pubAdvice(fail("message_size", "message of 1.2 MiB refused; 380 sent", "channels.max_message is 1 MiB on a@dev", ""), "chat"), "message_size", 65,
			"message of 1.2 MiB refused; 380 sent\nchannels.max_message is 1 MiB on a@dev\nraise channels.max_message there, or split the input"},
		{pubAdvice(fail("message_empty", "an empty message", "", ""), "chat"), "message_empty", 65,
			"an empty message\n\nliminal pub chat --empty (sends them), or --keep-going (passes over them)"},
		{pubAdvice(fail("message_refused", "1 message refused; 2 sent", "", ""), "chat"), "message_refused", 65,
			"1 message refused; 2 sent\n\nsplit the input, or raise channels.max_message there; --empty sends empty ones"},
		{inputError("x", fs.ErrPermission), "io", 74,
			"cannot read x\npermission denied\nliminal pub CHANNEL --file PATH, of a file that can be read"},
	}
}

func TestErrorTexts(t *testing.T) {
	for _, test := range append(allTold(), allLookTold()...) {
		e := test.err
		if got := e.Message + "\n" + e.Why + "\n" + e.Try; got != test.text || e.Code != test.code || e.Exit != test.exit {
			t.Errorf("%s exit %d:\n%s\nwant %s exit %d:\n%s", e.Code, e.Exit, got, test.code, test.exit, test.text)
		}
	}
}

// commandIn finds a liminal command in advice; what follows a bracket, a comma
// or a semicolon is no part of it.
var commandIn = regexp.MustCompile(`liminal (.*?)(?: \(|, |; |\n|$)`)

// TestAdviceCanBeTyped: each command in a try is one that exists.
func TestAdviceCanBeTyped(t *testing.T) {
	a := testApp(t)
	tries := []string{"liminal demo --verbose (shows the nodes' logs)", strings.TrimSpace(examples)}
	for _, test := range append(allTold(), allLookTold()...) {
		tries = append(tries, test.err.Try)
	}
	n := 0
	for _, try := range tries {
		try = strings.ReplaceAll(try, "$(hostname -f)", "db1.example.net")
		for _, m := range commandIn.FindAllStringSubmatch(try, -1) {
			n++
			words := strings.Fields(strings.SplitN(m[1], "  ", 2)[0])
			l, err := a.grammar.arrange(words)
			if err != nil || l.leaf() == nil {
				t.Errorf("%q cannot be typed: %v", m[0], err)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d commands were found", n)
	}
}

// TestExits: every status is one that the manual lists.
func TestExits(t *testing.T) {
	known := []int{1, 20, 21, 22, 23, 24, 25, 26, 64, 65, 66, 69, 70, 73, 74, 76, 77, 78, 124}
	for code, exit := range exits {
		if !slices.Contains(known, exit) {
			t.Errorf("%s exits %d", code, exit)
		}
		if page := fmt.Sprintf("\n  %3d  ", exit); !strings.Contains(exitCodesPage, page) {
			t.Errorf("help exit-codes does not list %d", exit)
		}
	}
	if fail("nonsense", "", "", "").Exit != exitBug {
		t.Error("a code without a row is not a bug")
	}
}

// TestDialCausesAreTold: a cause without a row would be told as unreachable.
func TestDialCausesAreTold(t *testing.T) {
	for _, cause := range []error{
		node.ErrBadAddress, node.ErrCookie, node.ErrRefused, node.ErrHeld, node.ErrTwins, node.ErrFull, node.ErrDuplicate, node.ErrTooOld, node.ErrNameMode, node.ErrSelf,
		node.ErrNoHost, node.ErrNoSuchName, node.ErrEPMDRemote, node.ErrNotEPMD, node.ErrWrongName, node.ErrUnreachable, node.ErrTimeout, node.ErrNotDist,
	} {
		if !slices.ContainsFunc(dialErrors, func(row struct {
			cause error
			tell  func(*node.DialError, self) *control.Error
		}) bool {
			return row.cause == cause
		}) {
			t.Errorf("no row for %v", cause)
		}
		e := explainDial("x@h", dialError("x@h", "", "", cause), meShort)
		if e.Message == "" || e.Why == "" || e.Try == "" || e.Exit == 0 || e.Exit == exitBug {
			t.Errorf("%v: %+v", cause, e)
		}
	}
}

func TestExitStatus(t *testing.T) {
	a := testApp(t)
	out := newOutput(a.env, outputWords{}, nil)
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(&signalError{15})
	for _, test := range []struct {
		ctx  context.Context
		err  error
		want int
	}{
		{t.Context(), nil, 0},
		{t.Context(), exitError(1), 1},
		{t.Context(), fmt.Errorf("x: %w", fail("cookie", "", "", "")), 77},
		{t.Context(), errors.New("x"), 70},
		{ended, context.Cause(ended), 143},
		{ended, context.Canceled, 143},
		{ended, fail("cookie", "", "", ""), 77},
	} {
		if got := a.exitStatus(test.ctx, out, test.err); got != test.want {
			t.Errorf("%v: %d, want %d", test.err, got, test.want)
		}
	}
}
