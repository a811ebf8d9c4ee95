package node

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/otptest"
)

// mixedCookie is what the processes of a mixed cluster share.
const mixedCookie = "mixed-of-four"

func init() { roles["member"] = memberRole }

// memberRole is a node that subscribes to the channel all and does what lines of
// its standard input say: await N, publish TEXT. It prints what comes.
func memberRole(seed string, epmdPort int) error {
	n, err := Start(context.Background(), Config{
		Name: "p" + strconv.Itoa(os.Getpid()) + "@127.0.0.1", Cookie: NewCookie(mixedCookie),
		EPMD: EPMDRequire, EPMDPort: epmdPort, Listen: "127.0.0.1:0", Seeds: []string{seed},
	})
	if err != nil {
		return err
	}
	defer n.Close()
	s, err := n.Subscribe(context.Background(), SubscribeOptions{}, "all")
	if err != nil {
		return err
	}
	fmt.Println("ready", n.Name())
	go func() {
		for {
			m, err := s.Next(context.Background())
			if err != nil {
				return
			}
			fmt.Println("got", m.From, string(m.Payload))
		}
	}()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		word, rest, _ := strings.Cut(in.Text(), " ")
		switch word {
		case "await":
			if err := awaitExactly(n, rest); err != nil {
				return err
			}
			fmt.Println("there", rest)
		case "publish":
			if _, err := n.Publish(context.Background(), "all", []byte(rest)); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaitExactly waits until the channel all has as many members as text says.
func awaitExactly(n *Node, text string) error {
	want, err := strconv.Atoi(text)
	keys, _ := channelKeys([]string{"all"})
	for err == nil {
		changed := n.groups.awaited()
		if members, _ := n.groups.counted(keys[0]); members+1 == want {
			return nil
		}
		<-changed
	}
	return err
}

// member is a process with a node of ours.
type member struct {
	t     testing.TB
	name  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
}

func startMember(t testing.TB, seed *otptest.Node) *member {
	t.Helper()
	cmd, in, out := startCopy(t, "member", seed.Name, seed.EPMD.Port)
	m := &member{t: t, cmd: cmd, in: in, lines: make(chan string, 100)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(m.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			m.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		m.kill()
		<-read
		_ = cmd.Wait()
	})
	ready := m.line()
	if m.name = strings.TrimPrefix(ready, "ready "); m.name == ready {
		t.Fatalf("a member says %q", ready)
	}
	return m
}

// kill is kill -9.
func (m *member) kill() { _ = m.cmd.Process.Kill() }

func (m *member) line() string {
	m.t.Helper()
	select {
	case line := <-m.lines:
		return line
	case <-time.After(within):
		m.t.Fatalf("%s says nothing", m.name)
		return ""
	}
}

func (m *member) say(words ...any) {
	m.t.Helper()
	if _, err := fmt.Fprintln(m.in, words...); err != nil {
		m.t.Fatal(err)
	}
}

// await waits until the process knows of so many members.
func (m *member) await(count int) {
	m.t.Helper()
	m.say("await", count)
	if got, want := m.line(), fmt.Sprint("there ", count); got != want {
		m.t.Fatalf("%s says %q, want %q", m.name, got, want)
	}
}

// mixed is a cluster of OTP nodes, a node of this process and one of another,
// each with one member of the channel all.
type mixed struct {
	t    *testing.T
	otps []*otptest.Node
	n    *Node
	s    *Subscription
	m    *member // nil once killed
	sent int
}

func startMixed(t *testing.T) *mixed {
	x := &mixed{t: t}
	epmd := otptest.NewEPMD(t)
	for i := range 2 {
		x.otps = append(x.otps, otptest.Start(t, otptest.Options{EPMD: epmd, Name: fmt.Sprint("otp", i), Cookie: mixedCookie}))
	}
	x.otps[1].Eval(t, "net_kernel:connect_node('"+x.otps[0].Name+"').")
	c := otpConfig(t, "a", x.otps[0])
	c.Seeds = []string{x.otps[0].Name}
	x.n = start(t, c)
	x.m = startMember(t, x.otps[0])
	x.s = subscribe(t, x.n, "all")
	for _, o := range x.otps {
		o.Eval(t, fmt.Sprintf(collector, `<<"all">>`))
	}
	return x
}

// settled waits until every node knows of as many members.
func (x *mixed) settled(members int) {
	x.t.Helper()
	gone(x.t, x.n, "all", members)
	for _, o := range x.otps {
		o.WaitEval(x.t, "length(pg:get_members(<<\"all\">>)).", strconv.Itoa(members), within)
	}
	if x.m != nil {
		x.m.await(members)
	}
}

// delivers has each node publish, and checks that all get it once.
func (x *mixed) delivers() {
	x.t.Helper()
	x.publishes("from "+x.n.name, func(text string) {
		if r := publish(x.t, x.n, "all", text); r.Members != len(x.otps)+x.others() || r.Dropped > 0 {
			x.t.Errorf("receipt %+v", r)
		}
	})
	for _, o := range x.otps {
		x.publishes("from "+o.Name, func(text string) {
			o.Eval(x.t, "[P ! <<\""+text+"\">> || P <- pg:get_members(<<\"all\">>)].")
		})
	}
	if x.m != nil {
		x.publishes("from "+x.m.name, func(text string) { x.m.say("publish", text) })
	}
	for _, o := range x.otps { // each text once
		got := o.Eval(x.t, "collector ! {collected, self()}, receive {all, L} -> length(L) after 5000 -> none end.")
		if got != strconv.Itoa(x.sent) {
			x.t.Errorf("%s has got %s messages, want %d", o.Name, got, x.sent)
		}
	}
}

func (x *mixed) others() int {
	if x.m != nil {
		return 1
	}
	return 0
}

func (x *mixed) publishes(text string, send func(string)) {
	x.t.Helper()
	text = fmt.Sprint(x.sent, " ", text)
	x.sent++
	send(text)
	if m := arrived(x.t, x.s); string(m.Payload) != text || !strings.HasSuffix(text, m.From) {
		x.t.Errorf("%q came from %s, want %q", m.Payload, m.From, text)
	}
	if x.m != nil {
		if got := x.m.line(); !strings.HasSuffix(got, text) {
			x.t.Errorf("%s: %q, want %q", x.m.name, got, text)
		}
	}
	for _, o := range x.otps {
		o.WaitEval(x.t, "collector ! {collected, self()}, receive {all, L} -> length(L) end.", strconv.Itoa(x.sent), within)
	}
}

func (x *mixed) killOTP() {
	x.t.Helper()
	if err := x.otps[1].Kill(); err != nil {
		x.t.Fatal(err)
	}
	x.otps = x.otps[:1]
}

func (x *mixed) killOurs() {
	x.m.kill()
	x.m = nil
}

// An OTP node and one of ours are killed out of a cluster of four, in either
// order: their members are gone everywhere, and the survivors of both kinds
// deliver to each other.
func TestOTPKilledOutOfAMixedCluster(t *testing.T) {
	otptest.Need(t)
	for name, order := range map[string][]func(*mixed){
		"OTP first":  {(*mixed).killOTP, (*mixed).killOurs},
		"ours first": {(*mixed).killOurs, (*mixed).killOTP},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := startMixed(t)
			x.settled(4)
			x.delivers()
			for i, kill := range order {
				kill(x)
				x.settled(3 - i)
				x.delivers()
			}
		})
	}
}
