package cli

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

func TestBackendForget(t *testing.T) {
	b := testBackend(&fakeNode{
		status: node.Status{Name: "a@dev"},
		forgot: map[string]node.Forgotten{
			"b":          {Name: "b@dev", State: node.StateDown, Address: "10.0.0.7:9100"},
			"10.0.0.8:1": {Address: "10.0.0.8:1"},
		},
		forgetErr: map[string]error{
			"up":   fmt.Errorf("x: %w", node.ErrUp),
			"none": fmt.Errorf("x: %w", node.ErrUnknownPeer),
			"two":  fmt.Errorf("x: %w", &node.AmbiguousError{Names: []string{"two@dev", "two@far"}}),
			"a":    node.ErrSelf,
			"late": node.ErrClosed,
		},
	})
	names := []string{"b", "10.0.0.8:1", "up", "none", "two", "a", "late"}
	doc, err := b.Forget(t.Context(), control.ForgetRequest{Names: names})
	if err != nil || doc.Schema != control.SchemaForget || doc.Node != "a@dev" || len(doc.Results) != len(names) {
		t.Fatalf("%+v, %v", doc, err)
	}
	for i, r := range doc.Results {
		if r.Asked != names[i] {
			t.Errorf("result %d is of %q", i, r.Asked)
		}
	}
	if r := doc.Results[0]; r.Error != nil || *r.Name != "b@dev" || *r.State != "down" || *r.Address != "10.0.0.7:9100" {
		t.Errorf("a peer: %+v", r)
	}
	if r := doc.Results[1]; r.Error != nil || r.Name != nil || r.State != nil || *r.Address != "10.0.0.8:1" {
		t.Errorf("an address: %+v", r)
	}
	for i, want := range []control.Error{
		{Code: "peer_up", Exit: 1, Try: "liminal peers up"},
		{Code: "unknown_peer", Exit: 1, Try: "liminal peers"},
		{Code: "unknown_peer", Exit: 1, Try: "liminal forget two@dev"},
		{Code: "self", Exit: 1, Try: "liminal leave"},
		{Code: "node_stopped", Exit: 69, Try: "liminal status"},
	} {
		e := doc.Results[2+i].Error
		if e == nil || e.Code != want.Code || e.Exit != want.Exit || e.Try != want.Try || e.Why == "" {
			t.Errorf("%s: %+v, want %+v", names[2+i], e, want)
		}
	}
}

// Each way to begin a watch reaches the node as what it is.
func TestBackendWatchBegins(t *testing.T) {
	for _, c := range []struct {
		request control.WatchRequest
		want    string
	}{
		{control.WatchRequest{}, "since 0"},
		{control.WatchRequest{Resume: true, Since: 7}, "after 7 of 7f3a"},
		{control.WatchRequest{Resume: true, Since: 7, Boot: "7f3a"}, "after 7 of 7f3a"},
		{control.WatchRequest{Resume: true, Boot: "beef"}, "after 0 of beef"},
		{control.WatchRequest{Resume: true, Since: 7, Boot: "no boot"}, "after 7 of ffff80c5"},
		{control.WatchRequest{Resume: true, Since: 7, Boot: "100007f3a"}, "after 7 of ffff80c5"},
		{control.WatchRequest{Last: time.Minute}, "last 1m0s"},
	} {
		f := &fakeNode{status: node.Status{Creation: 0x7f3a}}
		err := testBackend(f).Watch(t.Context(), c.request, func(control.Event) error { return nil })
		if err != nil || !slices.Equal(f.watched, []string{c.want}) {
			t.Errorf("%+v began %q, %v, want %q", c.request, f.watched, err, c.want)
		}
	}
}

// The events of channels carry how many there are after them, others do not.
func TestBackendEventsOfChannels(t *testing.T) {
	p := node.Peer{Name: "b@dev", State: node.StateUp, Subs: 0}
	e := eventOf(node.Event{Type: node.EventSubRemove, Peer: p, Channel: "chat"}, "ff")
	if e.Channel != "chat" || e.Count != 0 || e.Subs == nil || *e.Subs != 0 || e.Name != "b@dev" {
		t.Errorf("one channel: %+v", e)
	}
	if e := eventOf(node.Event{Type: node.EventSubAdd, Peer: p, Count: 9}, "ff"); e.Channel != "" || e.Count != 9 {
		t.Errorf("several: %+v", e)
	}
	if e := eventOf(node.Event{Type: node.EventState, Peer: p}, "ff"); e.Subs != nil || e.State != "up" {
		t.Errorf("a change of state: %+v", e)
	}
	// Every type has the same name on the wire.
	for _, c := range []struct{ node, wire string }{
		{string(node.EventState), control.EventState}, {string(node.EventForget), control.EventForget},
		{string(node.EventSubAdd), control.EventSubAdd}, {string(node.EventSubRemove), control.EventSubRemove},
		{string(node.EventBookmark), control.EventBookmark}, {string(node.EventGap), control.EventGap},
		{string(node.EventStopping), control.EventStopping}, {string(node.EventJoin), control.EventJoin},
	} {
		if c.node != c.wire {
			t.Errorf("%s is %s on the wire", c.node, c.wire)
		}
	}
}
