package testnet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/otptest"
	"github.com/liminal-bus/liminal/internal/testnet"
)

// F7: an Erlang node connects and disconnects as fast as it can, far faster than
// the poll, and from the other side the redial joins in. Each link is joined,
// coalesced or flapped, and the last one has the members of both.
func TestFlapStorm(t *testing.T) {
	otptest.Need(t)
	t.Parallel()
	epmd := otptest.NewEPMD(t)
	w := epmdWorld(t, epmd)
	a := w.Node("a")
	sub := w.Start("sub", "chat", "--node", "a")
	o := startOTP(t, otptest.Options{EPMD: epmd, EvalTimeout: 2 * time.Minute, Args: []string{"-kernel", "dist_auto_connect", "never"}})
	o.Spawn("pg:join(<<\"chat\">>, self()), receive never -> ok end")
	lasts := 3 * time.Second
	if testnet.Long() {
		lasts = time.Minute
	}
	made := o.Eval(t, fmt.Sprintf("End = erlang:monotonic_time(millisecond) + %d, "+
		"F = fun F(N) -> case erlang:monotonic_time(millisecond) > End of true -> N; false -> "+
		"net_kernel:connect_node('%s'), erlang:disconnect_node('%s'), F(N+1) end end, F(0).", lasts.Milliseconds(), a.Name, a.Name))
	connect(t, o, a)
	testnet.Until(t, "both know both members", func() bool {
		return a.Subscribers(t, "chat") == 2 && o.Eval(t, "length(pg:get_members(<<\"chat\">>)).") == "2"
	})
	a.AwaitUp(t, o.Name)
	a.CheckLaws(t)
	s := a.Status(t)
	t.Logf("OTP connected %s times in %v: %d joined, %d coalesced, %d flapped", made, lasts,
		s.Counter("peers_joined"), s.Counter("links_coalesced"), s.Counter("links_flapped"))
	if links := a.Peers(t)[0].Generation; links < 10 {
		t.Errorf("only %d links", links)
	}
	sub.Kill()
}
