package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/otptest"
)

// fakeServer gives every connection to serve until the test ends.
func fakeServer(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { conn.Close() })()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() { cancel(); ln.Close(); group.Wait() })
	return ln.Addr().String()
}

// says answers whatever comes first with text.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 64))
		_, _ = io.WriteString(conn, text)
		_, _ = io.Copy(io.Discard, conn)
	}
}

// silent reads and says nothing.
func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// accepts shakes hands as the node peer@127.0.0.1.
func accepts(change func(*dist.Local, *dist.AcceptorHooks)) func(net.Conn) {
	return func(conn net.Conn) {
		local := dist.Local{
			Name: "peer@127.0.0.1", Creation: 0xabcd, Flags: dist.Offer(false),
			Cookie: NewCookie("a cookie for these tests"), Challenges: new(dist.Challenges),
		}
		var hooks dist.AcceptorHooks
		if change != nil {
			change(&local, &hooks)
		}
		if _, err := dist.Accept(conn, time.Time{}, local, hooks); err == nil {
			_, _ = io.Copy(io.Discard, conn)
		}
	}
}

// fakeEPMD knows the names that it is given, and gives its port.
func fakeEPMD(t *testing.T, ports map[string]int) int {
	addr := fakeServer(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		head := make([]byte, 3) // length, request
		if _, err := io.ReadFull(r, head); err != nil {
			return
		}
		name := make([]byte, int(head[0])<<8+int(head[1])-1)
		_, _ = io.ReadFull(r, name)
		port, known := ports[string(name)]
		switch {
		case head[2] == 110: // NAMES_REQ
			_, _ = conn.Write([]byte{0, 0, 17, 17})
			for name, port := range ports {
				fmt.Fprintf(conn, "name %s at port %d\n", name, port)
			}
		case known: // PORT2_RESP
			b := []byte{119, 0, byte(port >> 8), byte(port), 77, 0, 0, 6, 0, 5, byte(len(name) >> 8), byte(len(name))}
			_, _ = conn.Write(append(append(b, name...), 0, 0))
		default:
			_, _ = conn.Write([]byte{119, 1})
		}
	})
	return portOf(addr)
}

func portOf(addr string) int {
	_, text, _ := net.SplitHostPort(addr)
	port, _ := strconv.Atoi(text)
	return port
}

// closedPort is one on which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// steps is a report as one line: "resolve skip, epmd ok, ...".
func steps(r CheckReport) string {
	var all []string
	for _, s := range r.Steps {
		all = append(all, string(s.Stage)+" "+string(s.Result))
	}
	return strings.Join(all, ", ")
}

func TestCheckStages(t *testing.T) {
	alive := func(_ *dist.Local, h *dist.AcceptorHooks) {
		h.Admit = func(dist.Hello) dist.Status { return dist.StatusAlive }
	}
	refuses := func(_ *dist.Local, h *dist.AcceptorHooks) {
		h.Admit = func(dist.Hello) dist.Status { return dist.StatusNotAllowed }
	}
	old := func(l *dist.Local, _ *dist.AcceptorHooks) {
		l.Flags = dist.Offer(false) &^ (dist.FlagUnlinkID | dist.FlagMandatory25Digest | dist.FlagV4NC)
	}
	wrong := func(l *dist.Local, _ *dist.AcceptorHooks) { l.Cookie = NewCookie("another") }
	const upToConnect = "resolve skip, epmd skip, connect ok, "
	good := fakeServer(t, accepts(nil))
	noEPMD := portOf(closedPort(t))
	for _, c := range []struct {
		name, address string
		epmd          int // its port, 0 for none
		failed        CheckStage
		cause         error
		steps, detail string // of all, part of the last
	}{
		{"all good", good, 0, "", nil, upToConnect + "tls skip, name ok, flags ok, cookie ok", "proved"},
		{"by name", "peer@" + good, 0, "", nil, upToConnect + "tls skip, name ok, flags ok, cookie ok", "proved"},
		{"by epmd", "peer@127.0.0.1", fakeEPMD(t, map[string]int{"peer": portOf(good)}), "", nil,
			"resolve skip, epmd ok, connect ok, tls skip, name ok, flags ok, cookie ok", "proved"},
		{"no host", "peer@host.invalid:9100", 0, CheckResolve, ErrNoHost, "resolve fail", "no address for host.invalid"},
		{"no such name", "peer@127.0.0.1", fakeEPMD(t, map[string]int{"web": 4000}), CheckEPMD, ErrNoSuchName, "resolve skip, epmd fail", "does not know peer"},
		{"no epmd", "peer@127.0.0.1", noEPMD, CheckEPMD, ErrEPMDRemote, "resolve skip, epmd fail", "connection refused"},
		{"epmd not asked", "peer@127.0.0.1", 0, CheckEPMD, ErrNoPort, "resolve skip, epmd fail", "epmd is not asked"},
		{"closed port", "peer@" + closedPort(t), 0, CheckConnect, ErrUnreachable, "resolve skip, epmd skip, connect fail", "connection refused"},
		{"TLS", fakeServer(t, says("\x15\x03\x03\x00\x02\x02\x0a")), 0, CheckTLS, ErrNotDist, upToConnect + "tls fail", "looks like TLS"},
		{"HTTP", fakeServer(t, says("HTTP/1.1 400 Bad Request\r\n\r\n")), 0, CheckTLS, ErrNotDist, upToConnect + "tls fail", "looks like HTTP"},
		{"hangs up", fakeServer(t, func(net.Conn) {}), 0, CheckTLS, nil, upToConnect + "tls fail", ""},
		{"silent", fakeServer(t, silent), 0, CheckTLS, ErrTimeout, upToConnect + "tls fail", "no answer in time"},
		{"not allowed", fakeServer(t, accepts(refuses)), 0, CheckName, ErrRefused, upToConnect + "tls skip, name fail", "not allowed"},
		{"alive under all names", fakeServer(t, accepts(alive)), 0, CheckName, ErrDuplicate, upToConnect + "tls skip, name fail", "still up"},
		{"another name", "other@" + good, 0, CheckName, ErrWrongName, upToConnect + "tls skip, name fail", "another node answered"},
		{"too old", fakeServer(t, accepts(old)), 0, CheckFlags, ErrTooOld, upToConnect + "tls skip, name ok, flags fail", "UNLINK_ID, V4_NC"},
		{"wrong cookie", fakeServer(t, accepts(wrong)), 0, CheckCookie, ErrCookie, upToConnect + "tls skip, name ok, flags ok, cookie fail", "cookies differ"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			limit := within
			if c.name == "silent" {
				limit = 300 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			config := CheckConfig{Address: c.address, Cookie: NewCookie("a cookie for these tests"), EPMD: EPMDOff}
			if c.epmd != 0 {
				config.EPMD, config.EPMDPort = EPMDAuto, c.epmd
			}
			r, err := Check(ctx, config)
			if err != nil {
				t.Fatal(err)
			}
			last := r.Steps[len(r.Steps)-1]
			if r.Failed != c.failed || steps(r) != c.steps || !strings.Contains(last.Detail, c.detail) {
				t.Errorf("stopped at %q, want %q\nsteps %s\nwant  %s\nlast %+v, want %q", r.Failed, c.failed, steps(r), c.steps, last, c.detail)
			}
			if (r.Err != nil) != (c.failed != "") || c.cause != nil && !errors.Is(r.Err, c.cause) {
				t.Errorf("error %v, want %v", r.Err, c.cause)
			}
			if r.Took <= 0 || r.Failed == "" && (r.Peer.Name != "peer@127.0.0.1" || r.Peer.Kind != KindLiminal || r.Peer.Creation != 0xabcd || !r.Peer.Published || r.Peer.RTT <= 0) {
				t.Errorf("report %+v", r)
			}
		})
	}
}

// What epmd does know is told with the error.
func TestCheckTellsKnownNames(t *testing.T) {
	r, err := Check(t.Context(), CheckConfig{
		Address: "app@127.0.0.1", Cookie: NewCookie("x"), EPMDPort: fakeEPMD(t, map[string]int{"web": 4000}),
	})
	var dial *DialError
	if err != nil || !errors.As(r.Err, &dial) || !slices.Equal(dial.Known, []string{"web"}) {
		t.Errorf("%v, %+v", err, dial)
	}
}

// A liminal node is found through Local, and has forgotten the visit at once.
func TestCheckLiminal(t *testing.T) {
	a := start(t, testConfig(t, "a"))
	r, err := Check(t.Context(), CheckConfig{
		Address: "a@127.0.0.1", Cookie: NewCookie("a cookie for these tests"), EPMD: EPMDOff,
		Local: func(context.Context, string) (string, bool) { return a.testAddr(), true },
	})
	if err != nil || r.Failed != "" {
		t.Fatalf("%v, %+v", err, r)
	}
	if got, want := steps(r), "resolve skip, epmd skip, connect ok, tls skip, name ok, flags ok, cookie ok"; got != want {
		t.Errorf("steps %s, want %s", got, want)
	}
	waitFor(t, a, "the link is gone", func(a *Node) bool { return len(liveLinks(a)) == 0 })
	forgets(t, a, r.As)
}

func TestCheckRefusesInput(t *testing.T) {
	if _, err := Check(t.Context(), CheckConfig{Address: "b@@x", Cookie: NewCookie("x")}); !errors.Is(err, ErrBadAddress) {
		t.Errorf("a bad address: %v", err)
	}
	if _, err := Check(t.Context(), CheckConfig{Address: "b"}); !errors.Is(err, ErrNoCookie) {
		t.Errorf("no cookie: %v", err)
	}
	taken := func(string) (func(), error) { return nil, ErrLooks }
	if _, err := Check(t.Context(), CheckConfig{Address: "b", Cookie: NewCookie("x"), Claim: taken}); !errors.Is(err, ErrLooks) {
		t.Errorf("no name is free: %v", err)
	}
}

func TestCheckOTP(t *testing.T) {
	otptest.Need(t)
	for _, short := range []bool{false, true} {
		otp := otptest.Start(t, otptest.Options{Short: short, EPMD: otptest.NewEPMD(t)})
		wrong := CheckConfig{Address: otp.Name, Cookie: NewCookie("another"), EPMDPort: otp.EPMD.Port}
		r, err := Check(t.Context(), wrong)
		if err != nil || r.Failed != CheckCookie || !errors.Is(r.Err, ErrCookie) {
			t.Errorf("with a wrong cookie: %v, %+v", err, r)
		}
		otp.WaitEval(t, "code:is_loaded(dist_util) =/= false.", "true", within) // as by any first connection
		before := otp.Eval(t, traces)
		for _, address := range []string{otp.Name, otp.Addr(t)} {
			c := CheckConfig{Address: address, Cookie: NewCookie(otp.Cookie), EPMDPort: otp.EPMD.Port}
			r, err := Check(t.Context(), c)
			if err != nil || r.Failed != "" || r.Peer.Kind != KindOTP || r.Peer.Name != otp.Name || !r.Peer.Published {
				t.Errorf("%s: %v, %+v", address, err, r)
			}
			otp.WaitEval(t, traces, before, within)
		}
		look(t, lookAtOTP(otp, otp.Name)).Close() // nor does a look load anything
		otp.WaitEval(t, traces, before, within)
		if log := otp.Log(); strings.Count(log, "REPORT") > 1 { // one is of the wrong cookie
			t.Errorf("it has logged:\n%s", log)
		}
	}
}
