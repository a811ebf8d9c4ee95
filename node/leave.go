package node

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
)

// errLeft is what Join says when Leave came before its answer.
var errLeft = errors.New("the node has left meanwhile")

// Leave says goodbye to every peer and goes on alone: no link is dialled or
// taken until Join. The error is ctx's, if saying goodbye took longer.
func (n *Node) Leave(ctx context.Context) (Left, error) {
	n.table.SetAlone(true)
	n.mu.Lock()
	if n.state == NodeStopping {
		n.mu.Unlock()
		return Left{}, ErrClosed
	}
	n.state = NodeAlone
	n.plan.Clear()
	for id, waiting := range n.joins {
		for _, w := range waiting {
			w <- joinResult{err: &DialError{Err: errLeft}}
		}
		delete(n.joins, id)
	}
	n.mu.Unlock()
	signal(n.settled) // a Start that waits for its seeds waits for nothing now
	flushed := n.flush(ctx)
	told := n.goodbye(ctx, dist.ReasonClosed)
	n.PollOnce()
	return Left{Told: told, Flushed: flushed}, ctx.Err()
}

// flush waits until what is queued for peers is written, at most Config.Drain, and
// counts that. A goodbye would overtake it: control goes before data.
func (n *Node) flush(ctx context.Context) int {
	n.mu.Lock()
	drain := n.drain
	n.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	var flushed atomic.Int64
	var wg sync.WaitGroup
	for l := range n.kinds() {
		before := l.Stats()
		if before.Queued == 0 {
			continue
		}
		wg.Go(func() {
			_ = l.Flush(ctx) // what was not written is counted as dropped with the link
			flushed.Add(int64(l.Stats().Written - before.Written))
		})
	}
	wg.Wait()
	return int(flushed.Load())
}

// partTime bounds the wait for a peer to answer our goodbye by hanging up.
const partTime = time.Second

// goodbye tells liminal peers that we go and closes every link. It returns how
// many peers there were. A peer answers goodbye by closing its end, and that
// is awaited: closing first, with bytes of the peer unread, would reset the
// connection, and the peer would lose our goodbye to that.
func (n *Node) goodbye(ctx context.Context, reason dist.Reason) int {
	ctx, cancel := context.WithTimeout(ctx, partTime)
	defer cancel()
	msg := encodeGoodbye()
	live := n.partingPeers()
	var wg sync.WaitGroup
	for _, p := range live {
		wg.Go(func() {
			if p.kind == KindLiminal {
				n.send(p.link, msg)
				select {
				case <-p.link.Done():
				case <-ctx.Done():
				}
			}
			_ = p.link.Flush(ctx) // it ends anyway
			p.link.Close(reason, nil)
		})
	}
	wg.Wait()
	return len(live)
}

type livePeer struct {
	link *dist.Link
	kind Kind
}

// partingPeers lists the live links and marks them as ended by us.
func (n *Node) partingPeers() []livePeer {
	n.mu.Lock()
	defer n.mu.Unlock()
	var live []livePeer
	for _, p := range n.peers {
		if p.link != nil {
			p.parting = true
			kind := p.kind
			if mayBeLiminal(p.info.Offered) {
				kind = KindLiminal // its hello may be on the way
			}
			live = append(live, livePeer{p.link, kind})
		}
	}
	return live
}

// Reload changes what can be changed while the node runs. Seeds of a node that
// has left are not dialled.
func (n *Node) Reload(s Settings) error {
	seeds, err := parseAddresses(s.Seeds)
	if err != nil {
		return err
	}
	n.mu.Lock()
	for _, d := range []struct {
		to  *time.Duration
		new time.Duration
	}{{&n.dialFor, s.DialTimeout}, {&n.forget, s.ForgetAfter}, {&n.drain, s.Drain}} {
		if d.new > 0 {
			*d.to = d.new
		}
	}
	if s.RetryMax > 0 {
		n.plan.SetRetry(discovery.RetryBackoff(s.RetryMax))
	}
	n.mu.Unlock()
	if s.Seeds != nil {
		n.setSeeds(seeds)
	}
	return nil
}

// Close stops the node: the poll loop, then epmd and the listener, then
// goodbye and the links. It waits until nothing of the node is left, at most a
// little longer than Config.Drain, and may be called again.
func (n *Node) Close() error {
	n.closing.Do(n.shutdown)
	<-n.closed
	return nil
}

func (n *Node) shutdown() {
	defer close(n.closed)
	n.mu.Lock()
	n.state = NodeStopping
	drain := n.drain
	n.emit(time.Now(), nil, Event{Type: EventStopping})
	n.mu.Unlock()
	n.stop()
	n.wg.Wait() // the loop and the dials
	if n.epmd != nil {
		n.epmd.Close() // before the listener, see open
	}
	if n.table != nil {
		n.table.CloseListeners()
		ctx, cancel := context.WithTimeout(context.Background(), drain)
		n.flush(ctx)
		n.goodbye(ctx, dist.ReasonStopped)
		cancel()
		n.table.Close(dist.ReasonStopped)
	}
	if n.bus != nil {
		n.bus.Close()
	}
	n.feed.close()
	n.log.Info("node stopped")
}
