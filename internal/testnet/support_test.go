package testnet_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/otptest"
	"github.com/liminal-bus/liminal/internal/testnet"
)

const (
	poll = 250 * time.Millisecond // the default of cluster.poll
	tick = 4 * time.Second        // of the nodes in these tests
)

// since is the time of an event after a moment of this process; an event's time
// has milliseconds.
func since(at time.Time, e testnet.Event) time.Duration { return max(0, e.Time.Sub(at)) }

// rounds is how often a fault is tried.
func rounds(few, promised int) int { return testnet.Runs(few, promised) }

// startOTP is an Erlang node with the cookie of the rig.
func startOTP(t *testing.T, o otptest.Options) *otptest.Node {
	t.Helper()
	o.Cookie = testnet.Cookie
	return otptest.Start(t, o)
}

// epmdWorld is a world whose nodes register with an epmd of OTP.
func epmdWorld(t *testing.T, epmd *otptest.EPMD) *testnet.World {
	t.Helper()
	return testnet.NewWorld(t, append(epmd.Env(), "LIMINAL_EPMD=require")...)
}

// connect makes an Erlang node dial one of ours, by its address.
func connect(t *testing.T, otp *otptest.Node, n *testnet.Node) {
	t.Helper()
	if got := otp.Eval(t, "net_kernel:connect_node('"+n.Name+"')."); got != "true" {
		t.Fatalf("connect_node: %s", got)
	}
}

// nodedown is when an Erlang node heard that its peer is down.
func nodedown(t *testing.T, otp *otptest.Node) func() time.Time {
	t.Helper()
	name := fmt.Sprintf("watch%d", time.Now().UnixNano())
	call := otp.Spawn("net_kernel:monitor_nodes(true, [{node_type, all}]), register(" + name + ", self()), receive {nodedown, _, _} -> erlang:system_time(microsecond) end.")
	otp.WaitEval(t, "is_pid(whereis("+name+"))", "true", testnet.Patience)
	return func() time.Time {
		var micros int64
		if _, err := fmt.Sscan(call.Get(t), &micros); err != nil {
			t.Fatalf("nodedown: %v", err)
		}
		return time.UnixMicro(micros)
	}
}

// want fails the test if an event has another reason.
func want(t *testing.T, e testnet.Event, reasons ...string) {
	t.Helper()
	if !slices.Contains(reasons, e.Reason) {
		t.Errorf("%s of %s for %q, want one of %q", e.Type, e.Name, e.Reason, reasons)
	}
}
