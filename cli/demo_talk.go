package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// demoChannel is the one that the nodes of the demo talk on.
const demoChannel = "chat"

// talk has two nodes subscribe and the third publish.
func (d *demo) talk(ctx context.Context) error {
	d.tell("a and b subscribe to %s, and c publishes:\n", demoChannel)
	for _, name := range []string{"a", "b"} {
		if err := d.subscribe(ctx, name); err != nil {
			return err
		}
	}
	return d.publish(ctx, "c", "hello from c", "a", "b")
}

// talkWithout: what b subscribed to went with it.
func (d *demo) talkWithout(ctx context.Context) error {
	d.tell("c publishes again. Its message goes to those who are left:\n")
	return d.publish(ctx, "c", "is b gone?", "a")
}

// talkAgain: the new b learnt of a's subscription when it came.
func (d *demo) talkAgain(ctx context.Context) error {
	d.tell("b publishes. It was told who subscribes when it came back:\n")
	return d.publish(ctx, "b", "back again", "a")
}

func (d *demo) subscribe(ctx context.Context, name string) error {
	sub, err := d.views[name].service.Subscribe(ctx, node.SubscribeOptions{}, demoChannel)
	if err != nil {
		return demoError("%s cannot subscribe", name, err)
	}
	d.subs[name] = sub
	return nil
}

// publish sends text from one node and shows how each of the others gets it. It
// fails if it reaches more or fewer than those.
func (d *demo) publish(ctx context.Context, from, text string, to ...string) error {
	ctx, cancel := context.WithTimeout(ctx, demoStep)
	defer cancel()
	n := d.views[from].service
	if err := n.AwaitMembers(ctx, demoChannel, len(to)); err != nil {
		return demoError("%s does not see who subscribes", from, err)
	}
	receipt, err := n.Publish(ctx, demoChannel, []byte(text))
	if err != nil {
		return demoError("%s cannot publish", from, err)
	}
	if receipt.Members != len(to) {
		return demoError("%s published to the wrong nodes", from, fmt.Errorf("%d members, not %d", receipt.Members, len(to)))
	}
	for _, name := range to {
		if err := d.hear(ctx, name, text); err != nil {
			return err
		}
	}
	d.tell("\n")
	return nil
}

// hear waits for a message and shows it as that node got it.
func (d *demo) hear(ctx context.Context, name, want string) error {
	got, err := d.subs[name].Next(ctx)
	if err != nil {
		return demoError("%s did not get the message", name, err)
	}
	m := control.Message{
		Channel: got.Channel, From: got.From, ID: got.ID, Seq: got.Seq, Time: got.At, Payload: got.Payload, Encoding: got.Encoding, Lost: got.Lost,
	}
	if d.out.form == formJSON {
		d.out.write(string(cleanJSON(observed(name, &m))))
	} else {
		d.out.printf("%s %s message %s %s: %s\n", d.out.stamp(m.Time), name, m.Channel, m.From, string(m.Payload))
	}
	if string(got.Payload) != want || got.Lost > 0 {
		return demoError("%s got another message", name, fmt.Errorf("%q, after %d lost", got.Payload, got.Lost))
	}
	return nil
}

// observed is a message line of `liminal demo --json`.
func observed(name string, m *control.Message) []byte {
	line := control.AppendMessageJSON(nil, m)
	head := fmt.Sprintf(`{"observer":%q,`, name) // a, b or c
	return slices.Concat([]byte(head), line[1:])
}

func demoError(format, name string, err error) error {
	return fail("demo", fmt.Sprintf(format, name), err.Error(), "liminal demo --verbose (shows the nodes' logs)")
}

// unsubscribe lets go of a subscription; its node is gone already, or goes.
func (d *demo) unsubscribe(name string) {
	if sub := d.subs[name]; sub != nil {
		_ = sub.Close() // it has no news
		delete(d.subs, name)
	}
}
