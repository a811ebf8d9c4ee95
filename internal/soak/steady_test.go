package soak

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// steady is a long-lived node with what is attached to it all the time.
type steady struct {
	*proc
	proxy      *proxy
	fast, slow *reader
	watcher    *watcher
	unit       cost // what one more peer, and one more stream, cost

	publishing sync.Mutex // order is kept within one publication only
	number     uint64     // of the last message; guarded by publishing
	offered    uint64     // copies for links, as receipts tell; guarded by publishing
	messages   atomic.Uint64

	mu      sync.Mutex
	samples []sample
	base    sample
	health  map[string]int // answers of /health by their reasons
}

// cost is what something takes.
type cost struct{ goroutines, fds float64 }

// startSteady starts a long-lived node with its proxy before it.
func (r *rig) startSteady(name string, seeds ...string) (*steady, error) {
	s := &steady{proxy: newProxy(r.t), health: map[string]int{}}
	flags := []string{"--advertise", s.proxy.addr}
	for _, seed := range seeds {
		flags = append(flags, "--seed", seed)
	}
	p, err := r.start(name, flags...)
	if err != nil {
		return nil, err
	}
	s.proc = p
	s.proxy.lead(p.addr)
	return s, nil
}

// attach opens the streams that stay.
func (s *steady) attach() (err error) {
	if s.fast, err = s.subscribe(0, channel); err != nil {
		return err
	}
	if s.slow, err = s.subscribe(2*time.Second, channel); err != nil {
		return err
	}
	s.watcher, err = s.watch()
	return err
}

// say publishes so many messages in one request.
func (s *steady) say(count int) error {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	var body strings.Builder
	for range count {
		s.number++
		fmt.Fprintf(&body, "%s %012d %s\n", s.name, s.number, filler)
	}
	got, err := s.publish(body.String())
	if err != nil {
		return err
	}
	s.messages.Add(got.Messages)
	if got.Messages != uint64(count) || got.Refused > 0 {
		return fmt.Errorf("%s: %d messages published, of which %d taken, %d refused", s.name, count, got.Messages, got.Refused)
	}
	for _, p := range got.Peers {
		s.offered += p.Sent + p.Dropped
	}
	return nil
}

var filler = strings.Repeat("x", 100)

// talk publishes so many messages a second until ctx ends.
func (s *steady) talk(ctx context.Context, rate int, failed func(error)) {
	const tenth = 100 * time.Millisecond
	tick := time.NewTicker(tenth)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := s.say(max(1, rate/10)); err != nil {
			failed(err)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// sample is what a node costs at a moment.
type sample struct {
	At         time.Duration `json:"at"`
	RSS        float64       `json:"rss_bytes"`
	Live       float64       `json:"live_bytes"`
	Goroutines float64       `json:"goroutines"`
	FDs        float64       `json:"fds"`
	Peers      float64       `json:"peers"`

	collected float64 // garbage, so many times
}

// scrape asks /metrics.
func (s *steady) scrape(begun time.Time) (sample, error) {
	code, text, err := s.get("/metrics")
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("%s: /metrics: %d", s.name, code)
	}
	if err != nil {
		return sample{}, err
	}
	v := values(text)
	x := sample{
		At: since(begun), RSS: v["process_resident_memory_bytes"], Live: v["go_gc_heap_live_bytes"],
		Goroutines: v["go_goroutines"], FDs: v["process_open_fds"], Peers: v[`liminal_peers{state="up"}`] + v[`liminal_peers{state="suspect"}`],
		collected: v["go_gc_cycles_total"],
	}
	if x.RSS == 0 { // not every system tells
		x.RSS = v["go_memstats_sys_bytes"]
	}
	if x.Goroutines == 0 || x.FDs == 0 {
		return x, fmt.Errorf("%s: /metrics has no goroutines or descriptors", s.name)
	}
	return x, nil
}

// values reads the text form.
func values(text string) map[string]float64 {
	all := map[string]float64{}
	for line := range strings.Lines(text) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
			var v float64
			if _, err := fmt.Sscan(line[i:], &v); err == nil {
				all[line[:i]] = v
			}
		}
	}
	return all
}

// observe asks all three pages again and again until ctx ends.
func (s *steady) observe(ctx context.Context, begun time.Time, every time.Duration, failed func(error)) {
	for ctx.Err() == nil {
		x, err := s.scrape(begun)
		if err == nil {
			err = s.well()
		}
		if err != nil {
			failed(err)
			return
		}
		s.mu.Lock()
		s.samples = append(s.samples, x)
		s.mu.Unlock()
		pause(ctx, every)
	}
}

// well asks the other two pages: the node is ready, and alive, whatever the others do.
func (s *steady) well() error {
	for _, path := range []string{"/ready", "/health"} {
		code, text, err := s.get(path)
		if err != nil {
			return err
		}
		if code != http.StatusOK {
			return fmt.Errorf("%s: %s: %d %s", s.name, path, code, text)
		}
		if path == "/health" {
			s.mu.Lock()
			s.health[strings.TrimSpace(text)]++
			s.mu.Unlock()
		}
	}
	return nil
}

// warm publishes until the node has collected garbage: Go starts goroutines of its
// own when it first does.
func (s *steady) warm(begun time.Time) error {
	return until(func() error {
		if err := s.say(1000); err != nil {
			return err
		}
		x, err := s.scrape(begun)
		if err == nil && x.collected < 2 {
			err = fmt.Errorf("%s has not collected garbage", s.name)
		}
		return err
	})
}

// rest is the least of a few samples: what is there when nothing is under way.
func (s *steady) rest(ctx context.Context, begun time.Time) (least sample, err error) {
	for i := range 5 {
		x, err := s.scrape(begun)
		if err != nil {
			return least, err
		}
		if i == 0 {
			least = x
		}
		least.Goroutines, least.FDs = min(least.Goroutines, x.Goroutines), min(least.FDs, x.FDs)
		pause(ctx, 40*time.Millisecond)
	}
	return least, nil
}

// knows waits until exactly these are up.
func (s *steady) knows(names ...string) error {
	return until(func() error {
		rows, err := s.peers()
		if err != nil {
			return err
		}
		var up []string
		for name, row := range rows {
			if row.up() {
				up = append(up, name)
			}
		}
		slices.Sort(up)
		slices.Sort(names)
		if !slices.Equal(up, names) {
			return fmt.Errorf("%s has %v up, want %v", s.name, up, names)
		}
		return nil
	})
}
