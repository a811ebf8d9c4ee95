package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

func decodeFailure(t *testing.T, text string, f *control.Failure) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), f); err != nil || f.Error == nil {
		t.Fatalf("no failure in %q: %v", text, err)
	}
}

// fakeNode behaves like a node of fixed state.
type fakeNode struct {
	status node.Status
	peers  []node.Peer
	joined map[string]node.Joined
	left   node.Left
	err    error
	events []node.Event

	watched   []string // how watchers began
	listings  int      // of all subscriptions
	forgot    map[string]node.Forgotten
	forgetErr map[string]error

	bus fakeChannels
}

func (f *fakeNode) Name() string        { return f.status.Name }
func (f *fakeNode) Status() node.Status { return f.status }
func (f *fakeNode) Peers() []node.Peer  { return f.peers }
func (f *fakeNode) Join(_ context.Context, addr string) node.Joined {
	return f.joined[addr]
}
func (f *fakeNode) Leave(context.Context) (node.Left, error) { return f.left, f.err }
func (f *fakeNode) Creation() uint32                         { return f.status.Creation }
func (f *fakeNode) Watch(since uint64) watcher               { return f.watch("since %d", since) }
func (f *fakeNode) WatchLast(d time.Duration) watcher        { return f.watch("last %v", d) }
func (f *fakeNode) WatchAfter(seq uint64, creation uint32) watcher {
	return f.watch("after %d of %x", seq, creation)
}

func (f *fakeNode) watch(format string, args ...any) watcher {
	f.watched = append(f.watched, fmt.Sprintf(format, args...))
	return &fakeWatcher{f.events}
}

func (f *fakeNode) Forget(name string) (node.Forgotten, error) {
	return f.forgot[name], f.forgetErr[name]
}

type fakeWatcher struct{ events []node.Event }

func (w *fakeWatcher) Next(context.Context) (node.Event, error) {
	if len(w.events) == 0 {
		return node.Event{}, node.ErrClosed
	}
	e := w.events[0]
	w.events = w.events[1:]
	return e, nil
}
func (w *fakeWatcher) Close() {}

func testBackend(f *fakeNode) *backend {
	return &backend{
		node: f, socket: "/r/a.sock", cookie: "6 characters from LIMINAL_COOKIE", tick: time.Minute, pid: 7,
		now: func() time.Time { return noon }, stop: func() {},
	}
}

func TestBackendPeers(t *testing.T) {
	b := testBackend(&fakeNode{status: node.Status{Name: "a@dev"}, peers: []node.Peer{
		{Name: "b@dev", State: node.StateUp, Kind: node.KindLiminal, Addr: netip.MustParseAddrPort("127.0.0.1:1"), Outgoing: true,
			Since: noon, RTT: 310 * time.Microsecond, Tries: 2, LastError: "old"},
		{Name: "c@dev", State: node.StateDown, Reason: "eof", Detail: "connection closed by peer", Tries: 3,
			LastError: "connection refused", Next: noon.Add(8 * time.Second)},
	}})
	doc, err := b.Peers(t.Context(), control.Filter{})
	if err != nil || len(doc.Peers) != 2 || doc.Schema != control.SchemaPeers {
		t.Fatalf("%+v, %v", doc, err)
	}
	up, down := doc.Peers[0], doc.Peers[1]
	if *up.Direction != "out" || *up.RTTMicros != 310 || up.Note != nil || up.Reason != nil || up.Subscriptions == nil {
		t.Errorf("up: %+v", up)
	}
	if down.Address != nil || down.Since != nil || *down.Reason != "connection closed by peer" ||
		*down.Note != "connection refused, 3 tries, next in 8.0 s" {
		t.Errorf("down: %+v, note %s", down, *down.Note)
	}
	for name, want := range map[string]int{"b": 1, "b@dev": 1} {
		if doc, err := b.Peers(t.Context(), control.Filter{Names: []string{name}}); err != nil || len(doc.Peers) != want {
			t.Errorf("by %s: %d, %v", name, len(doc.Peers), err)
		}
	}
	if _, err := b.Peers(t.Context(), control.Filter{Names: []string{"x"}}); asError(err).Code != control.CodeUnknownPeer {
		t.Errorf("unknown: %v", err)
	}
}

func TestBackendHealth(t *testing.T) {
	for _, test := range []struct {
		name   string
		status node.Status
		want   string
	}{
		{"alone by design", node.Status{State: node.NodeUp}, "healthy"},
		{"cut off", node.Status{State: node.NodeUp, Ill: []node.Reason{{Code: node.IllIsolated, Text: "isolated"}}, Warnings: []string{"isolated"}}, "degraded"},
		{"a warning is no illness", node.Status{State: node.NodeUp, Warnings: []string{"the cookie is short"}}, "healthy"},
	} {
		got, reasons, warnings := health(test.status, nil)
		if got != test.want || reasons == nil || warnings == nil || (got == "degraded") != (len(reasons) > 0) || !slices.Equal(warnings, append([]string{}, test.status.Warnings...)) {
			t.Errorf("%s: %s %v %v", test.name, got, reasons, warnings)
		}
	}
}

// TestBackendStatusIsWhole: every field of the document gets its value.
func TestBackendStatusIsWhole(t *testing.T) {
	b := testBackend(&fakeNode{
		status: node.Status{
			Name: "a@dev", State: node.NodeUp, Hidden: true, Creation: 0x7f3a, Started: noon, Told: 3, EventSeq: 9, Accepted: 1,
			Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}, Warnings: []string{"w"},
			EPMD: node.EPMDStatus{Mode: node.EPMDAuto, Port: 4369, Err: errors.New("x")}, Counters: map[string]uint64{"b": 1, "a": 2},
			Seeds:    []node.SeedStatus{{Address: "b", State: "up", Node: "b@dev"}},
			Channels: node.ChannelTotals{Channels: 2}, TLS: &node.TLSInfo{Issuer: "Example CA"},
		},
		peers: []node.Peer{{Name: "c@dev", State: node.StateDown}, {Name: "b@dev", State: node.StateUp}},
	})
	s, err := b.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is not set", v.Type().Field(i).Name)
		}
	}
	if s.Boot != "7f3a" || s.Names != "short" || s.Down[0] != "c@dev" || s.Counters[0].Name != "a" || !s.Loopback {
		t.Errorf("%+v", s)
	}
}

func TestBackendJoin(t *testing.T) {
	b := testBackend(&fakeNode{status: node.Status{Name: "a@dev"}, joined: map[string]node.Joined{
		"b": {Address: "b", Name: "b@dev", Addr: netip.MustParseAddrPort("127.0.0.1:9"), RTT: time.Millisecond},
		"c": {Address: "c", Err: dialError("c", "", "c@dev", node.ErrCookie)},
	}})
	doc, err := b.Join(t.Context(), control.JoinRequest{Addresses: []string{"c", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if e := doc.Results[0].Error; e == nil || e.Code != "cookie" || e.Exit != 77 || !strings.Contains(e.Why, "LIMINAL_COOKIE") {
		t.Errorf("refused: %+v", doc.Results[0])
	}
	if r := doc.Results[1]; r.Error != nil || *r.Endpoint != "127.0.0.1:9" || *r.RTTMicros != 1000 {
		t.Errorf("joined: %+v", r)
	}
}

func TestBackendLeaveStops(t *testing.T) {
	stopped := 0
	b := testBackend(&fakeNode{status: node.Status{Name: "a@dev"}, left: node.Left{Told: 2}})
	b.stop = func() { stopped++ }
	if l, err := b.Leave(t.Context(), control.LeaveRequest{}); err != nil || l.Told != 2 || l.Stopped || stopped != 0 {
		t.Errorf("leave: %+v, %v, stopped %d times", l, err, stopped)
	}
	b.node.(*fakeNode).err = node.ErrClosed
	if l, err := b.Leave(t.Context(), control.LeaveRequest{Stop: true}); err != nil || !l.Stopped || stopped != 1 {
		t.Errorf("stop: %+v, %v, stopped %d times", l, err, stopped)
	}
	if _, err := b.Leave(t.Context(), control.LeaveRequest{}); asError(err).Code != "node_stopped" {
		t.Errorf("leave of a closed node: %v", err)
	}
}

func TestBackendWatch(t *testing.T) {
	p := node.Peer{Name: "b@dev", State: node.StateUp, Kind: node.KindOTP, RTT: time.Millisecond, ToldBy: "c@dev"}
	b := testBackend(&fakeNode{status: node.Status{Creation: 0xff}, events: []node.Event{
		{Type: node.EventSnapshotEnd, Seq: 4, Time: noon, Peers: 0},
		{Type: node.EventRejoin, Seq: 5, Time: noon, Peer: p, Away: 72656 * time.Millisecond},
		{Type: node.EventGap, Seq: 5, Missed: 3},
	}})
	var got []string
	err := b.Watch(t.Context(), control.WatchRequest{}, func(e control.Event) error {
		text, err := json.Marshal(e)
		got = append(got, string(text))
		return err
	})
	want := []string{
		`{"type":"snapshot.end","seq":4,"boot":"ff","time":"2026-01-15T12:04:31.12Z","peers":0}`,
		`{"type":"peer.rejoin","seq":5,"boot":"ff","time":"2026-01-15T12:04:31.12Z","name":"b@dev","state":"up","kind":"otp","rtt_us":1000,"told_by":"c@dev","flaps":0,"away_ms":72656}`,
		`{"type":"gap","seq":5,"boot":"ff","time":"0001-01-01T00:00:00Z","missed":3}`,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%s\nwant\n%s", err, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
