package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
)

// channelColumns are those of `liminal channels`; new ones come only at the end.
var channelColumns = []listColumn[control.Channel]{
	{name: "name", head: "CHANNEL", plain: channelName, less: byText(channelName)},
	{name: "subs", head: "SUBS", right: true, plain: channelSubs, less: func(a, b control.Channel) bool { return a.Subscribers < b.Subscribers }},
	{name: "nodes", head: "NODES", right: true, plain: channelNodes, less: func(a, b control.Channel) bool { return a.Nodes < b.Nodes }},
	{name: "in_per_s", head: "IN/S", right: true, plain: channelIn, shown: shownIn, less: func(a, b control.Channel) bool { return a.InRate < b.InRate }},
	{name: "out_per_s", head: "OUT/S", right: true, plain: channelOut, shown: shownOut, less: func(a, b control.Channel) bool { return a.OutRate < b.OutRate }},
	{name: "drops", head: "DROPS", right: true, plain: channelDrops, shown: shownDrops, less: func(a, b control.Channel) bool { return a.Drops < b.Drops }},
	{name: "last", head: "LAST", plain: channelLast, shown: shownLast, less: byLast},
}

func (o *output) channelsTable(channels []control.Channel, v listView[control.Channel], now time.Time) {
	cols, rows := tableOf(channels, v, now)
	for i, c := range v.columns {
		for _, row := range rows {
			if text := clean(row[i].text); c.name == "name" && textWidth(text) > nameWidth {
				row[i].text = o.cut(text, nameWidth)
			}
		}
	}
	o.table(cols, rows)
}

// nameWidth is how much of a channel's name a table shows: one long name must not
// push all other columns off the screen.
const nameWidth = 40

func channelName(c control.Channel) string  { return c.Name }
func channelSubs(c control.Channel) string  { return strconv.Itoa(c.Subscribers) }
func channelNodes(c control.Channel) string { return strconv.Itoa(c.Nodes) }
func channelIn(c control.Channel) string    { return rateText(c.InRate) }
func channelOut(c control.Channel) string   { return rateText(c.OutRate) }
func channelDrops(c control.Channel) string { return strconv.FormatUint(c.Drops, 10) }

func channelLast(c control.Channel) string {
	if c.Last == nil {
		return ""
	}
	return stampText(*c.Last)
}

func shownIn(c control.Channel, _ time.Time) cell  { return cell{text: shownRate(c.InRate)} }
func shownOut(c control.Channel, _ time.Time) cell { return cell{text: shownRate(c.OutRate)} }

func shownDrops(c control.Channel, _ time.Time) cell {
	if c.Drops == 0 {
		return cell{text: "0"}
	}
	return cell{text: grouped(c.Drops), style: yellow}
}

func shownLast(c control.Channel, now time.Time) cell {
	if c.Last == nil {
		return cell{text: "-"}
	}
	return cell{text: secondsText(now.Sub(*c.Last)) + " ago"}
}

// secondsText is a span that is known to the second.
func secondsText(d time.Duration) string {
	if d < time.Second {
		return "<1 s"
	}
	if d < time.Minute {
		return strconv.Itoa(int(d/time.Second)) + " s"
	}
	return display.Span(d)
}

// byLast puts the latest first, and channels without a message last.
func byLast(a, b control.Channel) bool {
	if a.Last == nil || b.Last == nil {
		return a.Last != nil && b.Last == nil
	}
	return a.Last.After(*b.Last)
}

// rateText is a rate for scripts, to a tenth: "12", "0.3".
func rateText(r float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(r, 'f', 1, 64), ".0")
}

// shownRate is one for people: tenths only where they say something.
func shownRate(r float64) string {
	if r < 9.95 {
		return rateText(r)
	}
	return grouped(uint64(r + 0.5))
}
