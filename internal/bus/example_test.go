package bus_test

import (
	"context"
	"fmt"

	"github.com/liminal-bus/liminal/internal/bus"
)

// A slow subscriber loses the oldest messages and is told where.
func Example() {
	b := bus.New(bus.Options{Queue: 2})
	s := b.NewSubscriber(bus.SubscriberOptions{})
	c, first := b.Attach(s, "orders")
	fmt.Println("first subscriber:", first)

	for _, text := range []string{"one", "two", "three"} {
		c.Deliver(bus.Incoming{From: "a@host", Payload: []byte(text), Seq: c.NextSeq()})
	}
	for range 2 {
		m, err := s.Next(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s %d: %s (%d lost before it)\n", m.Channel, m.Seq, m.Payload, m.Lost)
	}
	for _, emptied := range b.Detach(s) {
		fmt.Println("nobody is left on", emptied.Channel.Name())
	}
	// Output:
	// first subscriber: true
	// orders 2: two (1 lost before it)
	// orders 3: three (0 lost before it)
	// nobody is left on orders
}
