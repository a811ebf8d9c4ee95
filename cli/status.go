package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
)

// statusCommand is `liminal status`.
func (a *app) statusCommand() *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "this node: name, addresses, health",
		Description: "Exits 0 while the node joins and while it is healthy, 1 when it is not.\n" +
			"--wait 0 returns once the node answers, --wait N once N peers are up as well.",
		Flags:  clientFlags(waitFlag("return once the node answers and N peers are up")),
		Action: a.action(command{settings: true}, runStatus),
	}
}

func runStatus(ctx context.Context, c *call) error {
	if c.cli.IsSet("wait") {
		return c.waitStatus(ctx)
	}
	return c.dialled(ctx, func(ctx context.Context, t *target) error {
		s, err := t.Status(ctx)
		if err != nil {
			return err
		}
		return c.showStatus(s)
	})
}

func (c *call) waitStatus(ctx context.Context) error {
	want := c.cli.Int("wait")
	if want < 0 {
		return usage("--wait takes a number from 0 on", "it counts peers", c.cli.Command)
	}
	var s control.Status
	err := c.wait(ctx, func(ctx context.Context, t *target) (bool, error) {
		now, err := t.Status(ctx)
		if err != nil {
			return false, err
		}
		s = now
		return s.Peers.Up+s.Peers.Suspect >= want, nil
	})
	if late := (*lateError)(nil); errors.As(err, &late) {
		return c.statusLate(late, s, want)
	}
	if err != nil {
		return err
	}
	return c.showStatus(s)
}

func (c *call) statusLate(late *lateError, s control.Status, want int) error {
	if late.last != nil {
		e := asError(late.last)
		return fail("timeout", fmt.Sprintf("%v: %s", late, e.Message), e.Why, e.Try+", or raise --timeout")
	}
	what := fmt.Sprintf("%v: %d of %s up", late, s.Peers.Up+s.Peers.Suspect, countIs(want, "peer"))
	why := "the node knows of no other peer"
	if len(s.Down) > 0 {
		why = "down: " + strings.Join(s.Down, ", ")
	}
	return fail("timeout", what, why, "liminal peers, or raise --timeout")
}

// showStatus prints s and judges it.
func (c *call) showStatus(s control.Status) error {
	var err error
	switch c.out.form {
	case formJSON:
		err = c.out.json(s)
	case formPlain:
		for _, row := range statusRows(s) {
			c.out.fields(row[0], row[1])
		}
	default:
		c.out.statusText(s, c.env.Now())
	}
	if err == nil && s.Health != "healthy" {
		return exitError(exitNo) // the answer said why
	}
	return err
}

// statusText is the form for people.
func (o *output) statusText(s control.Status, now time.Time) {
	rows := [][2]string{{"listen", o.listenText(s)}, {"peers", peersText(s)}, {"channels", channelsText(s.Channels)}}
	if s.TLS != nil {
		rows = slices.Insert(rows, 1, [2]string{"tls", tlsText(s.TLS)})
	}
	if len(s.Seeds) > 1 {
		rows = append(rows, [2]string{"seeds", seedCounts(s.Seeds)})
	}
	for _, seed := range s.Seeds {
		rows = append(rows, [2]string{"seed", seedText(seed)})
	}
	if text := cookiesText(s); text != "" {
		rows = append(rows, [2]string{"cookies", text})
	}
	if len(s.HTTP) > 0 {
		rows = append(rows, [2]string{"http", strings.Join(s.HTTP, ", ") + " (/health, /ready, /metrics)"})
	}
	for _, w := range s.Warnings {
		rows = append(rows, [2]string{"warning", w})
	}
	if o.verbose {
		rows = append(rows, verboseRows(s)...)
	}
	width := len(s.Node)
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	hidden := ""
	if s.Hidden {
		hidden = ", hidden"
	}
	o.printf("%s  %s %s, %s (liminal %s, pid %d, %s names%s)\n",
		o.paint.paint(bold, fmt.Sprintf("%-*s", width, s.Node)), o.paint.state(s.State), display.Up(now.Sub(s.Started)),
		o.paint.state(s.Health), s.Version, s.PID, s.Names, styled(hidden))
	for _, r := range rows {
		o.printf("%-*s  %s\n", width, r[0], r[1])
	}
}

func (o *output) listenText(s control.Status) string {
	text := strings.Join(s.Listen, ", ")
	if s.Loopback {
		text += " (this machine only; --listen :9100 opens it)"
	}
	return text
}

// peersText counts by state and names those that are down.
func peersText(s control.Status) string {
	parts := []string{strconv.Itoa(s.Peers.Up) + " up"}
	for _, p := range []struct {
		n    int
		word string
	}{{s.Peers.Suspect, "suspect"}, {s.Peers.Dialling, "dialling"}, {s.Peers.Left, "left"}, {s.Peers.Down, "down"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	text := strings.Join(parts, ", ")
	if len(s.Down) > 0 {
		text += ": " + strings.Join(s.Down, ", ")
	}
	return text
}

// channelsText: "2, 4 subscriptions, 31 msg/s in, 44 msg/s out, 0 drops".
func channelsText(c control.ChannelCounts) string {
	return fmt.Sprintf("%d, %s, %s msg/s in, %s msg/s out, %s", c.Channels, count(c.Subscriptions, "subscription"),
		shownRate(c.InRate), shownRate(c.OutRate), countWide(c.Drops, "drop", "drops"))
}

func seedsText(seeds []control.Seed) string {
	var parts []string
	for _, s := range seeds {
		parts = append(parts, seedText(s))
	}
	return strings.Join(parts, "; ")
}

// seedCounts: "3: 1 up, 2 dialling", the states in the order of the seeds.
func seedCounts(seeds []control.Seed) string {
	n, order := map[string]int{}, []string(nil)
	for _, s := range seeds {
		if n[s.State]++; n[s.State] == 1 {
			order = append(order, s.State)
		}
	}
	for i, state := range order {
		order[i] = fmt.Sprintf("%d %s", n[state], state)
	}
	return fmt.Sprintf("%d: %s", len(seeds), strings.Join(order, ", "))
}

func seedText(s control.Seed) string {
	text := s.Address + " " + s.State
	if s.Error != nil {
		text += bracketed(", ", *s.Error, tries(s.Tries))
	}
	return text
}

func verboseRows(s control.Status) [][2]string {
	rows := [][2]string{{"socket", s.Socket}, {"cookie", s.Cookie}, {"epmd", epmdText(s.EPMD)}, {"boot", s.Boot}}
	for _, n := range s.Counters {
		rows = append(rows, [2]string{"counter", fmt.Sprintf("%s %d", n.Name, n.Value)})
	}
	return rows
}

func epmdText(e control.EPMD) string {
	state := "not registered"
	if e.Registered {
		state = "registered"
	}
	return fmt.Sprintf("%s, port %d, %s%s", e.Mode, e.Port, state, bracketed("", text(e.Error)))
}

// statusRows is the form for scripts: a name and a value a line; new names come
// only at the end.
func statusRows(s control.Status) [][2]string {
	n := strconv.Itoa
	return [][2]string{
		{"node", s.Node}, {"state", s.State}, {"health", s.Health}, {"version", s.Version},
		{"pid", n(s.PID)}, {"names", s.Names}, {"hidden", strconv.FormatBool(s.Hidden)}, {"boot", s.Boot},
		{"started", stampText(s.Started)}, {"listen", strings.Join(s.Listen, ",")}, {"socket", s.Socket},
		{"epmd", s.EPMD.Mode}, {"epmd_registered", strconv.FormatBool(s.EPMD.Registered)}, {"cookie", s.Cookie},
		{"seeds", seedsText(s.Seeds)}, {"peers_up", n(s.Peers.Up)}, {"peers_suspect", n(s.Peers.Suspect)},
		{"peers_dialling", n(s.Peers.Dialling)}, {"peers_left", n(s.Peers.Left)}, {"peers_down", n(s.Peers.Down)},
		{"down", strings.Join(s.Down, ",")}, {"warnings", strings.Join(s.Warnings, "; ")},
		{"event_seq", strconv.FormatUint(s.EventSeq, 10)}, {"mesh_addresses", n(s.MeshPeers)},
		{"channels", n(s.Channels.Channels)}, {"subscriptions", n(s.Channels.Subscriptions)},
		{"in_per_s", rateText(s.Channels.InRate)}, {"out_per_s", rateText(s.Channels.OutRate)},
		{"drops", strconv.FormatUint(s.Channels.Drops, 10)},
		{"cookies_accepted", n(s.CookiesAccepted)}, {"other_cookie", strings.Join(s.OtherCookie, ",")},
		{"http", strings.Join(s.HTTP, ",")}, {"health_reasons", strings.Join(s.Reasons, ",")},
		{"tls", tlsWord(s.TLS)}, {"tls_not_after", tlsUntil(s.TLS)},
	}
}
