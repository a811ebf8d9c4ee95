package cli

import (
	"context"
	"errors"
	"sync"

	"github.com/liminal-bus/liminal/internal/control"
)

// fakeFeed is a node of which only the events matter, and what it is told to
// forget. Each stream is the next of streams; the last one is given again.
type fakeFeed struct {
	*fakeBus
	streams []feedStream
	forgot  control.Forget

	feedMu sync.Mutex
	asked  []control.WatchRequest
	names  []string
}

type feedStream func(ctx context.Context, emit func(...control.Event) error) error

func newFakeFeed(streams ...feedStream) *fakeFeed {
	return &fakeFeed{fakeBus: newFakeBus(), streams: streams}
}

func (f *fakeFeed) requests() []control.WatchRequest {
	f.feedMu.Lock()
	defer f.feedMu.Unlock()
	return append([]control.WatchRequest{}, f.asked...)
}

func (f *fakeFeed) Status(context.Context) (control.Status, error) {
	return control.Status{Schema: control.SchemaStatus, Node: "a@dev", State: "up", Boot: "7f3a"}, nil
}

func (f *fakeFeed) Watch(ctx context.Context, r control.WatchRequest, emit func(control.Event) error) error {
	f.feedMu.Lock()
	f.asked = append(f.asked, r)
	stream := f.streams[min(len(f.asked), len(f.streams))-1]
	f.feedMu.Unlock()
	return stream(ctx, func(all ...control.Event) error {
		for _, e := range all {
			if err := emit(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *fakeFeed) Forget(_ context.Context, r control.ForgetRequest) (control.Forget, error) {
	f.feedMu.Lock()
	defer f.feedMu.Unlock()
	f.names = r.Names
	doc := f.forgot
	doc.Schema, doc.Node = control.SchemaForget, "a@dev"
	return doc, nil
}

// happens gives events and then nothing more.
func happens(events ...control.Event) feedStream {
	return func(ctx context.Context, emit func(...control.Event) error) error {
		return errors.Join(emit(events...), forEver(ctx))
	}
}

// ends gives events and then the end of the node.
func ends(events ...control.Event) feedStream {
	return func(_ context.Context, emit func(...control.Event) error) error { return emit(events...) }
}

// happened makes an event of the fake node's present boot.
func happened(seq uint64, typ, name string) control.Event {
	return control.Event{Type: typ, Seq: seq, Boot: "7f3a", Time: noon, Name: name}
}

// aSnapshot is of two peers, at seq.
func aSnapshot(seq uint64) []control.Event {
	b, c := happened(seq, control.EventSnapshotPeer, "b@dev"), happened(seq, control.EventSnapshotPeer, "c@dev")
	b.State, b.Kind, b.Address, b.RTTMicros = "up", "liminal", "127.0.0.1:40122", ptr(int64(310))
	c.State, c.Kind, c.Address, c.RTTMicros, c.Detail = "down", "liminal", "10.0.0.7:9100", ptr(int64(500)), "no tick for 60 s"
	end := happened(seq, control.EventSnapshotEnd, "")
	end.Peers = ptr(2)
	return []control.Event{b, c, end}
}
