package soak

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is the result of a run.
type report struct {
	Schema  string             `json:"schema"`
	Seed    uint64             `json:"seed"`
	Lasted  float64            `json:"seconds"`
	OTP     bool               `json:"otp"`
	Nodes   []nodeReport       `json:"nodes"`
	Actions map[string]int     `json:"actions"`
	Resets  int                `json:"connections_reset"`
	Stalls  int                `json:"machine_stalls"`
	Events  map[string]int     `json:"events"`
	Totals  map[string]uint64  `json:"totals"`
	PerPeer map[string]float64 `json:"per_peer"`
	Health  map[string]int     `json:"health"`
	Wrong   []string           `json:"wrong"`
}

// nodeReport is one long-lived node.
type nodeReport struct {
	Name       string     `json:"name"`
	RSS        [3]float64 `json:"rss_bytes"`  // at first after the warm-up, last, most
	Goroutines [3]float64 `json:"goroutines"` // before, after, most
	FDs        [3]float64 `json:"fds"`
	MostPeers  float64    `json:"most_peers"`
	Live       [3]float64 `json:"live_bytes"` // as rss_bytes: what the collector finds in use
	Slope      rise       `json:"rss_slope"`
	LiveSlope  rise       `json:"live_slope"`
	Ceiling    float64    `json:"ceiling_bytes_per_hour"`
	Judged     bool       `json:"judged"`
	Samples    []sample   `json:"samples"`
}

// rise is a slope and its standard error, in bytes an hour.
type rise struct {
	Slope float64 `json:"bytes_per_hour"`
	Error float64 `json:"standard_error"`
}

func (r rise) String() string { return fmt.Sprintf("%+.1f ± %.1f", r.Slope/mib, r.Error/mib) }

// sure is what the slope is at least, nineteen times of twenty and more.
func (r rise) sure() float64 { return r.Slope - 2*r.Error }

// measure makes the report of a node of what was sampled; after is what it takes
// when all is over.
func (s *steady) measure(after sample) nodeReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := nodeReport{
		Name: s.name, Samples: s.samples,
		Goroutines: [3]float64{s.base.Goroutines, after.Goroutines, 0}, FDs: [3]float64{s.base.FDs, after.FDs, 0},
	}
	if len(s.samples) == 0 {
		return n
	}
	warm := slices.IndexFunc(s.samples, func(x sample) bool { return x.At >= s.samples[len(s.samples)-1].At/3 })
	var rss, live []point
	for i, x := range s.samples {
		n.RSS[2], n.Goroutines[2], n.FDs[2] = max(n.RSS[2], x.RSS), max(n.Goroutines[2], x.Goroutines), max(n.FDs[2], x.FDs)
		n.Live[2] = max(n.Live[2], x.Live)
		n.MostPeers = max(n.MostPeers, x.Peers)
		if i >= warm {
			rss, live = append(rss, point{x.At, x.RSS}), append(live, point{x.At, x.Live})
		}
	}
	window := rss[len(rss)-1].at - rss[0].at
	n.RSS[0], n.RSS[1] = rss[0].value, rss[len(rss)-1].value
	n.Live[0], n.Live[1] = live[0].value, live[len(live)-1].value
	n.Slope, n.LiveSlope, n.Judged = rise{slope(rss), spread(rss)}, rise{slope(live), spread(live)}, window >= judged
	if window > 0 {
		n.Ceiling = ceiling(window)
	}
	return n
}

// wrong says where a node took too much.
func (n nodeReport) wrong() (wrong []string) {
	for what, r := range map[string]rise{"the resident set": n.Slope, "what is in use": n.LiveSlope} {
		if n.Judged && r.sure() > n.Ceiling {
			wrong = append(wrong, fmt.Sprintf("%s: %s grows by %v MiB an hour, at most %.1f are let pass", n.Name, what, r, n.Ceiling/mib))
		}
	}
	for what, v := range map[string][3]float64{"goroutines": n.Goroutines, "descriptors": n.FDs} {
		if !near(v[1], v[0]) {
			wrong = append(wrong, fmt.Sprintf("%s: %.0f %s before, %.0f after", n.Name, v[0], what, v[1]))
		}
	}
	return wrong
}

// near is within 2 %, or one.
func near(now, before float64) bool { return math.Abs(now-before) <= max(1, before/50) }

// text writes the report for people.
func (r report) text(out io.Writer) {
	fmt.Fprintf(out, "soak of %v, seed %d\n\n", time.Duration(r.Lasted*float64(time.Second)).Round(time.Second), r.Seed)
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tRSS MiB first, last, most\tSLOPE MiB/h (ceiling)\tLIVE MiB first, last, most\tSLOPE MiB/h\tGOROUTINES before, after, most\tDESCRIPTORS\tMOST PEERS")
	for _, n := range r.Nodes {
		judged := fmt.Sprintf("(%.1f)", n.Ceiling/mib)
		if !n.Judged {
			judged = "(too short to judge)"
		}
		fmt.Fprintf(t, "%s\t%.1f  %.1f  %.1f\t%v %s\t%.1f  %.1f  %.1f\t%v\t%.0f  %.0f  %.0f\t%.0f  %.0f  %.0f\t%.0f\n", n.Name, n.RSS[0]/mib, n.RSS[1]/mib, n.RSS[2]/mib,
			n.Slope, judged, n.Live[0]/mib, n.Live[1]/mib, n.Live[2]/mib, n.LiveSlope, n.Goroutines[0], n.Goroutines[1], n.Goroutines[2], n.FDs[0], n.FDs[1], n.FDs[2], n.MostPeers)
	}
	t.Flush()
	for _, n := range r.Nodes {
		n.picture(out)
	}
	fmt.Fprintf(out, "\nactions    %s\nevents     %s\nhealth     %s\n", counts(r.Actions), counts(r.Events), counts(r.Health))
	fmt.Fprintf(out, "%d connections reset, %d times the machine stood still\n\n", r.Resets, r.Stalls)
	for _, name := range slices.Sorted(maps.Keys(r.Totals)) {
		fmt.Fprintf(out, "%-24s %d\n", name, r.Totals[name])
	}
	if len(r.Wrong) == 0 {
		fmt.Fprintln(out, "\nall laws hold")
	}
	for _, s := range r.Wrong {
		fmt.Fprintln(out, "WRONG:", s)
	}
}

// picture draws the resident set over time.
func (n nodeReport) picture(out io.Writer) {
	var points []point
	for _, x := range n.Samples {
		points = append(points, point{x.At, x.RSS / mib})
	}
	rows := plot(points, 72, 4)
	if len(rows) == 0 {
		return
	}
	columns := means(points, 72)
	fmt.Fprintf(out, "\n%s resident, %.1f to %.1f MiB\n", n.Name, slices.Min(columns), slices.Max(columns))
	for _, row := range rows {
		fmt.Fprintln(out, "  |"+row)
	}
}

func counts(m map[string]int) string {
	var words []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		words = append(words, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(words, ", ")
}

// write puts the report where the environment asks for it.
func (r report) write() error {
	path := os.Getenv(envJSON)
	if path == "" {
		return nil
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(append(text, '\n'))
	return err
}
