package testnet_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/testnet"
)

// orders are all in which three seeds can come.
var orders = [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {0, 2, 1}, {1, 2, 0}, {2, 0, 1}}

// F16: a node whose three seeds are all down starts and serves, says that it is
// isolated, and joins each seed soon after it has come, in every order and
// whatever the others do; after all of them have gone it begins anew.
func TestSeedsInAllOrders(t *testing.T) {
	t.Parallel()
	first := testnet.Figures{What: "first of three seeds up to joined"}
	more := testnet.Figures{What: "another seed up to joined"}
	t.Run("orders", func(t *testing.T) {
		for i := range testnet.Runs(3, 30) {
			order := orders[i%len(orders)]
			t.Run(fmt.Sprint(i, order), func(t *testing.T) {
				t.Parallel()
				seedsComeAndGo(t, order, rand.New(rand.NewPCG(16, uint64(i))), &first, &more)
			})
		}
	})
	first.Check(t, 0, 7*time.Second+2*poll)
	more.Check(t, 0, 7*time.Second+2*poll)
}

func seedsComeAndGo(t *testing.T, order []int, rnd *rand.Rand, first, more *testnet.Figures) {
	w := testnet.NewWorld(t)
	addrs := []string{freeAddr(t), freeAddr(t), freeAddr(t)}
	n := w.Node("n", "--seed", addrs[0], "--seed", addrs[1], "--seed", addrs[2])
	for round, times := 0, testnet.Runs(1, 2); round < times; round++ {
		s := n.Status(t)
		alone := s.State == "joining" || strings.Contains(strings.Join(s.Warnings, " "), "isolated")
		if !alone || round == 0 && s.State != "joining" {
			t.Errorf("without seeds it is %s: %q", s.State, s.Warnings)
		}
		if r := n.Publish(t, "x", "hello"); r.Messages != 1 {
			t.Errorf("alone it does not publish: %+v", r)
		}
		var seeds []*testnet.Node
		for i, which := range order {
			testnet.Watch(time.Duration(rnd.Int64N(int64(1500*time.Millisecond))), func() {})
			mark, name := n.Mark(), fmt.Sprint("s", which)
			seed := w.Node(name, "--listen", addrs[which])
			at := time.Now()
			up := n.Await(t, mark, seed.Name, append(testnet.Joined, "snapshot.peer")...) // the first ends its start
			if seeds = append(seeds, seed); i == 0 {
				first.Add(since(at, up))
			} else {
				more.Add(since(at, up))
			}
		}
		mark := n.Mark()
		for _, seed := range seeds {
			seed.Kill()
		}
		for _, seed := range seeds {
			n.Await(t, mark, seed.Name, testnet.Gone...)
		}
	}
	n.CheckLaws(t)
}

// freeAddr is a loopback address and port that nobody has now. All of 127/8 is
// this machine on Linux, so another program hardly takes the same.
func freeAddr(t *testing.T) string {
	t.Helper()
	host := fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250))
	l, err := net.Listen("tcp", host)
	if err != nil { // not Linux
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
