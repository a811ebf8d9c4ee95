package otptest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	epmdTries = 10               // ports tried before NewEPMD gives up
	epmdReady = 10 * time.Second // for one epmd to answer
	pollEvery = 5 * time.Millisecond
)

// EPMD is a private epmd on 127.0.0.1, never the machine's own.
type EPMD struct {
	Port int // the same for its whole life, restarts included

	t    testing.TB
	bin  string
	proc *proc // nil while stopped
}

// NewEPMD starts an epmd on a free port; the test's cleanup stops it. Its
// methods must be called from the test's goroutine, except Addr and Env.
func NewEPMD(t testing.TB) *EPMD {
	t.Helper()
	Need(t)
	tl, _ := findTools()
	e := &EPMD{t: t, bin: tl.epmd}
	t.Cleanup(e.cleanup)
	var err error
	// A free port is free only until someone takes it: try another one then.
	for range epmdTries {
		if e.Port, err = freePort(); err != nil {
			continue
		}
		if e.proc, err = e.launch(); err == nil {
			return e
		}
	}
	t.Fatalf("otptest: start epmd: %v", err)
	return nil
}

// Addr is "127.0.0.1:PORT".
func (e *EPMD) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(e.Port)) }

// Env is what a process needs in its environment to use this epmd.
func (e *EPMD) Env() []string { return []string{"ERL_EPMD_PORT=" + strconv.Itoa(e.Port)} }

// Stop kills the epmd and waits until it is gone; every connection to it ends.
func (e *EPMD) Stop() {
	e.t.Helper()
	if e.proc == nil {
		return
	}
	if err := e.proc.kill(); err != nil {
		e.t.Errorf("otptest: stop epmd: %v", err)
	}
	e.proc = nil
}

// Start runs an epmd on the same port again. It knows no names until nodes
// register anew.
func (e *EPMD) Start() {
	e.t.Helper()
	if e.proc != nil {
		return
	}
	var err error
	for range epmdTries {
		if e.proc, err = e.launch(); err == nil {
			return
		}
	}
	e.t.Fatalf("otptest: restart epmd on port %d: %v", e.Port, err)
}

// Names lists the registered short names, as in `epmd -names`.
func (e *EPMD) Names() []string {
	e.t.Helper()
	names, err := epmdNames(e.Addr())
	if err != nil {
		e.t.Fatalf("otptest: names from epmd: %v", err)
	}
	return names
}

func (e *EPMD) cleanup() {
	if e.proc == nil {
		return
	}
	out := e.proc.log
	if !e.proc.alive() {
		e.t.Errorf("otptest: epmd on port %d died by itself:\n%s", e.Port, out)
	}
	e.Stop()
	if e.t.Failed() {
		e.t.Logf("epmd on port %d:\n%s", e.Port, out)
	}
}

// launch runs epmd in the foreground and returns once it serves. Another program
// may have won the port and answer in its stead, so an answer alone is not
// enough: ours must have logged the question (-d), or have lived a second.
func (e *EPMD) launch() (*proc, error) {
	cmd := exec.Command(e.bin, "-d", "-address", "127.0.0.1", "-port", strconv.Itoa(e.Port))
	cmd.Env = baseEnv("/", e.Port)
	p, err := spawn(cmd)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for start := time.Now(); time.Since(start) < epmdReady; {
		select {
		case <-p.done:
			return nil, fmt.Errorf("epmd on port %d ended: %v\n%s", e.Port, p.err, p.log)
		case <-tick.C:
		}
		_, err = epmdNames(e.Addr())
		ours := strings.Contains(p.log.String(), "NAMES_REQ") || time.Since(start) > time.Second
		if ours && err == nil {
			return p, nil
		}
	}
	_ = p.kill()
	return nil, fmt.Errorf("epmd on port %d does not answer: %v\n%s", e.Port, err, p.log)
}

// awaitForgotten returns once epmd no longer lists name, so that a node killed a
// moment ago can be started again under its name.
func (e *EPMD) awaitForgotten(name string, within time.Duration) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); <-tick.C {
		names, err := epmdNames(e.Addr())
		if err != nil || !contains(names, name) {
			return
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// epmdNames sends NAMES_REQ (EPMD protocol: length 1, tag 'n'); the answer is the
// port as 32 bits, then a line "name N at port P" for each node until end of file.
func epmdNames(addr string) ([]string, error) {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Write([]byte{0, 1, 'n'}); err != nil {
		return nil, err
	}
	all, err := io.ReadAll(io.LimitReader(c, 1<<20))
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	if len(all) < 4 || strconv.Itoa(int(binary.BigEndian.Uint32(all))) != port {
		return nil, fmt.Errorf("%s is not an epmd: %q", addr, all)
	}
	return parseNames(string(all[4:])), nil
}

func parseNames(text string) []string {
	names := []string{}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 5 && f[0] == "name" {
			names = append(names, f[1])
		}
	}
	return names
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
