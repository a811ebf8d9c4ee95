package node_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/liminal-bus/liminal/node"
)

// config is a node on loopback that needs no epmd.
func config(name string, seeds ...string) node.Config {
	return node.Config{
		Name:   name + "@127.0.0.1",
		Cookie: node.NewCookie("a long and secret cookie"),
		Listen: "127.0.0.1:0",
		EPMD:   node.EPMDOff,
		Seeds:  seeds,
	}
}

func mustStart(c node.Config) *node.Node {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	n, err := node.Start(ctx, c)
	if err != nil {
		log.Fatal(err)
	}
	return n
}

// Two nodes find each other through a seed, and one watches.
func Example() {
	a := mustStart(config("a"))
	defer a.Close()
	w := a.Watch(0)
	defer w.Close()

	b := mustStart(config("b", a.ListenAddr()[0].String()))
	fmt.Println("b starts with", b.PeerNames())

	for {
		ev, err := w.Next(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		switch ev.Type {
		case node.EventSnapshotEnd:
			fmt.Println("peers at first:", ev.Peers)
		case node.EventJoin:
			fmt.Println(ev.Peer.Name, "joined")
			b.Close()
		case node.EventLeave:
			fmt.Println(ev.Peer.Name, "left:", ev.Detail)
			return
		}
	}
	// Output:
	// b starts with [a@127.0.0.1]
	// peers at first: 0
	// b@127.0.0.1 joined
	// b@127.0.0.1 left: said goodbye
}

// Peers lists who was up too, with the reason why it is not any more.
func ExampleNode_Peers() {
	a := mustStart(config("a"))
	defer a.Close()
	b := mustStart(config("b"))
	if j := a.Join(context.Background(), b.ListenAddr()[0].String()); j.Err != nil {
		log.Fatal(j.Err)
	}
	show := func() {
		for _, p := range a.Peers() {
			fmt.Printf("%s %s %s %q\n", p.Name, p.Kind, p.State, p.Reason)
		}
	}
	show()
	w := a.Watch(a.Status().EventSeq) // only what comes from here on
	defer w.Close()
	b.Close()
	if _, err := w.Next(context.Background()); err != nil {
		log.Fatal(err)
	}
	show()
	// Output:
	// b@127.0.0.1 liminal up ""
	// b@127.0.0.1 liminal left "goodbye"
}

// After Leave a node is alone until it joins again.
func ExampleNode_Leave() {
	ctx := context.Background()
	a, b := mustStart(config("a")), mustStart(config("b"))
	defer a.Close()
	defer b.Close()

	address := b.ListenAddr()[0].String()
	j := a.Join(ctx, address)
	fmt.Println("joined", j.Name, j.Err)

	left, err := a.Leave(ctx)
	fmt.Println("told", left.Told, "peers goodbye,", err)
	fmt.Println(a.Status().State, a.PeerNames())

	j = a.Join(ctx, address)
	fmt.Println("joined", j.Name, j.Err)
	fmt.Println(a.Status().State, a.PeerNames())
	// Output:
	// joined b@127.0.0.1 <nil>
	// told 1 peers goodbye, <nil>
	// alone []
	// joined b@127.0.0.1 <nil>
	// up [b@127.0.0.1]
}

// A failed Join says what went wrong in terms a program can tell apart.
func ExampleNode_Join() {
	a := mustStart(config("a"))
	defer a.Close()
	c := config("b")
	c.Cookie = node.NewCookie("another cookie, just as long")
	b := mustStart(c)
	defer b.Close()

	j := a.Join(context.Background(), b.ListenAddr()[0].String())
	fmt.Println(errors.Is(j.Err, node.ErrCookie))
	var dial *node.DialError
	fmt.Println(errors.As(j.Err, &dial), dial.Peer)
	// Output:
	// true
	// true b@127.0.0.1
}

// A watcher that was away goes on after the last event it has seen, as long as
// the node still keeps what came since.
func ExampleNode_Watch_since() {
	ctx := context.Background()
	a, b := mustStart(config("a")), mustStart(config("b"))
	defer b.Close()
	w := a.Watch(0)
	if j := a.Join(ctx, b.ListenAddr()[0].String()); j.Err != nil {
		log.Fatal(j.Err)
	}
	var seen uint64
	for seen == 0 {
		ev, _ := w.Next(ctx)
		seen = ev.Seq
		fmt.Println(ev.Seq, ev.Type)
	}
	w.Close()
	a.Close()

	w = a.Watch(seen)
	for {
		ev, err := w.Next(ctx)
		if errors.Is(err, node.ErrClosed) {
			return
		}
		fmt.Println(ev.Seq, ev.Type)
	}
	// Output:
	// 0 snapshot.end
	// 1 peer.join
	// 2 node.stopping
}

// A message goes from one node to the subscribers of another.
func ExampleNode_Publish() {
	ctx := context.Background()
	a := mustStart(config("a"))
	defer a.Close()
	b := mustStart(config("b", a.ListenAddr()[0].String()))
	defer b.Close()

	sub, err := b.Subscribe(ctx, node.SubscribeOptions{}, "orders")
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	if err := a.AwaitMembers(ctx, "orders", 1); err != nil { // the news of it takes one trip
		log.Fatal(err)
	}
	receipt, err := a.Publish(ctx, "orders", []byte(`{"id":1}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.Members, "member on", receipt.Nodes, "node")
	m, err := sub.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %d from %s: %s\n", m.Channel, m.Seq, m.From, m.Payload)
	// Output:
	// 1 member on 1 node
	// orders 1 from a@127.0.0.1: {"id":1}
}

// A publisher is for many messages: it waits where a link is full, and sums up
// what happened.
func ExamplePublisher() {
	ctx := context.Background()
	a := mustStart(config("a"))
	defer a.Close()
	sub, err := a.Subscribe(ctx, node.SubscribeOptions{}, "numbers")
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	p, err := a.Publisher("numbers")
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	for i := range 3 {
		if err := p.Publish(ctx, fmt.Appendf(nil, "%d", i)); err != nil {
			log.Fatal(err)
		}
	}
	if err := p.Flush(ctx); err != nil {
		log.Fatal(err)
	}
	r := p.Receipt()
	fmt.Println(r.Messages, "messages to", r.Subscribers, "subscriber, dropped", r.Dropped)
	for range 3 {
		m, err := sub.Next(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s ", m.Payload)
	}
	// Output:
	// 3 messages to 1 subscriber, dropped 0
	// 0 1 2
}

// Channels says who listens, on this node and on the others.
func ExampleNode_Channels() {
	ctx := context.Background()
	a := mustStart(config("a"))
	defer a.Close()
	for range 2 {
		sub, err := a.Subscribe(ctx, node.SubscribeOptions{}, "orders")
		if err != nil {
			log.Fatal(err)
		}
		defer sub.Close()
	}
	list, _, err := a.Channels(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range list {
		fmt.Println(c.Name, c.Subscribers, c.Members)
	}
	// Output:
	// orders 2 [{a@127.0.0.1 liminal 2}]
}
