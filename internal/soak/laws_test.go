package soak

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The laws hold when all is at rest; each function says what does not agree.

// links: what was offered to all the links there ever were is accounted for, and
// is what receipts told.
func (s *steady) links() (wrong []string, err error) {
	state, err := s.status()
	if err != nil {
		return nil, err
	}
	rows, err := s.peers()
	if err != nil {
		return nil, err
	}
	c, queued := state.counters(), 0
	for _, row := range rows {
		queued += row.Queued
	}
	accounted := c["link_written"] + uint64(queued)
	for _, why := range []string{"full", "too_large", "link_down", "in_flight"} {
		accounted += c["link_dropped_"+why]
	}
	if c["link_offered"] != accounted {
		wrong = append(wrong, fmt.Sprintf("%s: links were offered %d, and account for %d", s.name, c["link_offered"], accounted))
	}
	s.publishing.Lock()
	defer s.publishing.Unlock()
	if c["link_offered"] != s.offered {
		wrong = append(wrong, fmt.Sprintf("%s: links were offered %d, receipts say %d", s.name, c["link_offered"], s.offered))
	}
	return wrong, nil
}

// between: each link of two long-lived nodes carried what was put on it.
func (s *steady) between(all []*steady) (wrong []string, err error) {
	mine, err := s.peers()
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		if o == s {
			continue
		}
		theirs, err := o.peers()
		if err != nil {
			return nil, err
		}
		out, in := mine[o.name+host], theirs[s.name+host]
		if out.Queued != 0 || out.Out != out.Written || in.In != out.Written {
			wrong = append(wrong, fmt.Sprintf("%s to %s: %d put on the link, %d written, %d queued; %d came", s.name, o.name,
				out.Out, out.Written, out.Queued, in.In))
		}
	}
	return wrong, nil
}

// readers: what was offered to subscribers is accounted for, and the readers that
// were there all the time know of all that came.
func (s *steady) readers() (wrong []string, err error) {
	state, err := s.status()
	if err != nil {
		return nil, err
	}
	c := state.counters()
	accounted := c["bus_taken"] + c["bus_queued"]
	for name, v := range c {
		if strings.HasPrefix(name, "bus_dropped_") {
			accounted += v
		}
	}
	if c["bus_offered"] != accounted || c["bus_queued"] != 0 {
		wrong = append(wrong, fmt.Sprintf("%s: subscribers were offered %d, and account for %d, of which %d are queued", s.name, c["bus_offered"], accounted, c["bus_queued"]))
	}
	in, err := s.received()
	if err != nil {
		return nil, err
	}
	for what, r := range map[string]*reader{"quick": s.fast, "slow": s.slow} {
		if got, lost := r.got.Load(), r.lost.Load(); got+lost != in {
			wrong = append(wrong, fmt.Sprintf("%s: %d came in, its %s reader got %d and lost %d", s.name, in, what, got, lost))
		}
	}
	return wrong, nil
}

// resting gives what is not as it has to be when traffic rests.
func (w *world) resting() (wrong []string) {
	for _, s := range w.steady {
		for _, law := range []func() ([]string, error){s.links, func() ([]string, error) { return s.between(w.steady) }, s.readers} {
			more, err := law()
			if err != nil {
				more = append(more, err.Error())
			}
			wrong = append(wrong, more...)
		}
	}
	return wrong
}

var entry = regexp.MustCompile(`<<"([^"]+)">> => (\d+)`)

// mapOf reads a map of names to numbers as Erlang prints it.
func mapOf(text string) map[string]uint64 {
	all := map[string]uint64{}
	for _, m := range entry.FindAllStringSubmatch(text, -1) {
		all[m[1]], _ = strconv.ParseUint(m[2], 10, 64)
	}
	return all
}

// withOTP: the links to the long-lived node of OTP carried what it says to have
// got, and to have sent. told is what it has sent, by node.
func (w *world) withOTP(told map[string]uint64) (wrong []string) {
	text, err := w.otp.EvalErr("counter ! {get, self()}, receive {counted, M} -> M after 20000 -> late end.")
	if err != nil {
		return []string{err.Error()}
	}
	got := mapOf(text)
	for _, s := range w.steady {
		rows, err := s.peers()
		if err != nil {
			return []string{err.Error()}
		}
		row, me := rows[w.otp.Name], s.name+host
		if row.Flaps != 0 || row.Written != got[me] || row.In != told[me] || got[me] == 0 || told[me] == 0 {
			wrong = append(wrong, fmt.Sprintf("%s and OTP, %d losses: %d written, %d came; %d came, %d sent", s.name, row.Flaps, row.Written, got[me], row.In, told[me]))
		}
	}
	return wrong
}

var (
	joined = []string{"peer.join", "peer.rejoin"}
	gone   = []string{"peer.down", "peer.leave"}
)

// story: what a node has told agrees with itself, the plan and the counters.
func (w *world) story(s *steady, kinds map[string]int) (wrong []string) {
	events, err := s.watcher.all()
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	for _, e := range events {
		kinds[e.Type]++
	}
	more, up := w.tale(s.name, events)
	return append(append(wrong, more...), s.sums(up)...)
}

// tale: the events of a node have no hole, a name joins and goes by turns, and
// each that goes has its cause. It counts those that are up in the end.
func (w *world) tale(at string, events []event) (wrong []string, present int) {
	up, last := map[string]bool{}, uint64(0)
	since := map[string]time.Time{}
	for _, e := range events {
		if hole := last != 0 && e.Seq != last+1 && e.Type != "bookmark" && !strings.HasPrefix(e.Type, "snapshot."); hole || e.Type == "gap" {
			wrong = append(wrong, fmt.Sprintf("%s: event %d (%s) follows %d", at, e.Seq, e.Type, last))
		}
		last = max(last, e.Seq)
		is, goes := slices.Contains(joined, e.Type), slices.Contains(gone, e.Type)
		if (is || goes) && up[e.Name] == is {
			wrong = append(wrong, fmt.Sprintf("%s: %s of %s (event %d), which is up: %v", at, e.Type, e.Name, e.Seq, up[e.Name]))
		}
		if is || goes || e.Type == "snapshot.peer" {
			up[e.Name] = is || e.Type == "snapshot.peer" && (e.State == "up" || e.State == "suspect")
		}
		if is {
			since[e.Name] = e.Time
		}
		if goes && !w.explained(at, e) && !crossed(at, e, since[e.Name]) {
			wrong = append(wrong, fmt.Sprintf("%s: %s of %s at %v without a cause: %s", at, e.Type, e.Name, e.Time.Sub(w.begun), e.Reason))
		}
	}
	maps.DeleteFunc(up, func(_ string, is bool) bool { return !is })
	return wrong, len(up)
}

// crossed says whether a link may have gone because both ends dialled at once: an
// OTP node of the smaller name drops its own attempt for ours even after its
// digest, which may have been taken here already (package links, "What remains").
func crossed(at string, e event, since time.Time) bool {
	const moment = time.Second
	return strings.HasPrefix(e.Name, "o") && e.Name < at && !since.IsZero() && e.Time.Sub(since) < moment
}

// explained says whether something was done that a node may see a peer go for.
func (w *world) explained(at string, e event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.causes, func(c cause) bool {
		if e.Time.Before(c.from) || e.Time.After(c.to) {
			return false
		}
		// The node of OTP is dialled past the proxies.
		flap := c.what == "flap" && c.who == at && !strings.HasPrefix(e.Name, "o")
		return c.who == "" || c.who == ofPlan(e.Name) || flap
	})
}

// sums holds the events against the counters.
func (s *steady) sums(up int) (wrong []string) {
	state, err := s.status()
	if err != nil {
		return []string{err.Error()}
	}
	c := state.counters()
	if c["peers_joined"]-c["peers_left"] != uint64(up) {
		wrong = append(wrong, fmt.Sprintf("%s: %d joined, %d left, events say that %d are up", s.name, c["peers_joined"], c["peers_left"], up))
	}
	for _, name := range []string{"peers_expelled", "dropped_bad_message", "pg_dropped_lost", "accept_errors"} {
		if c[name] != 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %s is %d", s.name, name, c[name]))
		}
	}
	return wrong
}
