package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
)

// channelsCommand is `liminal channels`.
func (a *app) channelsCommand() *cli.Command {
	own := []cli.Flag{waitFlag("return once each NAME has N subscribers; without NAME, all channels together")}
	return &cli.Command{
		Name:      "channels",
		Usage:     "channels, subscribers, rates; --wait N returns once N listen",
		ArgsUsage: "[NAME...]",
		Description: "SUBS and NODES count the whole cluster, IN/S, OUT/S, DROPS and LAST this node.\n" +
			"NAME is a channel: orders, or :orders for a group whose name is an atom; groups of other\n" +
			"names are shown as Erlang writes them. With --wait a node that has not started yet, or a\n" +
			"channel that nobody knows, counts as one without subscribers.",
		Flags:  clientFlags(append(own, listFlags(channelColumns)...)...),
		Action: a.action(command{max: -1, settings: true}, runChannels),
	}
}

func runChannels(ctx context.Context, c *call) error {
	view, err := newListView(c.cli, channelColumns)
	if err != nil {
		return err
	}
	if c.cli.IsSet("wait") {
		return c.waitChannels(ctx, view)
	}
	return c.dialled(ctx, func(ctx context.Context, t *target) error {
		doc, err := c.askChannels(ctx, t)
		if err != nil {
			return err
		}
		return c.showChannels(doc, view)
	})
}

// askChannels asks for those named. One that is not there is an error whether
// the node says so or leaves it out.
func (c *call) askChannels(ctx context.Context, t *target) (control.Channels, error) {
	doc, err := t.Channels(ctx, c.args)
	if err != nil {
		return doc, err
	}
	for _, name := range c.args {
		if !slices.ContainsFunc(doc.Channels, func(ch control.Channel) bool { return ch.Name == name }) {
			return doc, unknownChannel(name)
		}
	}
	return doc, nil
}

func unknownChannel(name string) *control.Error {
	return fail("unknown_channel", fmt.Sprintf("no channel is called %q", name),
		"nobody subscribes to it, and nothing was published to it here", "liminal channels (lists them)")
}

// waitChannels returns once enough listen, then shows the list.
func (c *call) waitChannels(ctx context.Context, v listView[control.Channel]) error {
	want := c.cli.Int("wait")
	if want < 0 {
		return usage("--wait takes a number from 0 on", "it counts subscribers", c.cli.Command)
	}
	var seen control.Channels
	err := c.wait(ctx, func(ctx context.Context, t *target) (bool, error) {
		doc, err := c.askChannels(ctx, t)
		if unknown := (*control.Error)(nil); errors.As(err, &unknown) && unknown.Code == "unknown_channel" {
			if want == 0 {
				return false, unknown // there is nothing to wait for
			}
			return false, nil
		}
		if err == nil {
			seen = doc
		}
		return err == nil && missingChannels(doc.Channels, c.args, want) == "", err
	})
	if late := (*lateError)(nil); errors.As(err, &late) {
		return c.channelsLate(late, seen.Channels, want)
	}
	if err != nil {
		return err
	}
	return c.showChannels(seen, v)
}

// missingChannels says what is short of N subscribers: "chat has 1 of 2".
func missingChannels(channels []control.Channel, names []string, want int) string {
	have, all := map[string]int{}, 0
	for _, ch := range channels {
		have[ch.Name] = ch.Subscribers
		all += ch.Subscribers
	}
	if len(names) == 0 && all < want {
		return fmt.Sprintf("all channels together have %d of %s", all, count(want, "subscriber"))
	}
	var short []string
	for _, name := range names {
		if have[name] < want {
			short = append(short, fmt.Sprintf("%s has %d of %s", name, have[name], count(want, "subscriber")))
		}
	}
	return someOf(short, ", ")
}

func (c *call) channelsLate(late *lateError, seen []control.Channel, want int) error {
	if late.last != nil {
		return c.nodeLate(late)
	}
	try := "liminal sub CHANNEL"
	if len(c.args) > 0 {
		try = "liminal sub " + c.args[0]
	}
	return fail("timeout", fmt.Sprintf("%v: %s", late, missingChannels(seen, c.args, want)),
		"nobody else subscribes", try+" (in another terminal), or raise --timeout")
}

// showChannels prints the answer in the form asked for.
func (c *call) showChannels(doc control.Channels, v listView[control.Channel]) error {
	v.order(doc.Channels)
	if c.out.form == formJSON {
		return c.out.json(doc)
	}
	switch {
	case c.out.form == formPlain:
		plainList(c.out, doc.Channels, v)
	case len(doc.Channels) == 0:
		c.out.note("%s knows of no channel\n", doc.Node)
	default:
		c.out.channelsTable(doc.Channels, v, c.env.Now())
	}
	if len(doc.Incomplete) > 0 {
		c.out.note("liminal: SUBS may be too low: no counts in time from %s\n", someOf(doc.Incomplete, ", "))
	}
	return nil
}
