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
	n.mu.Lock()
	drain := n.drain
	n.mu.Unlock()
	told, flushed := n.goodbye(ctx, drain, dist.ReasonClosed)
	n.PollOnce()
	return Left{Told: told, Flushed: flushed}, ctx.Err()
}

// partTime bounds the wait for a peer to answer our goodbye by hanging up.
const partTime = time.Second

// goodbye parts from every peer, from all at once: what is queued for it is
// written first, as long as drain, since a goodbye would overtake it; then it is
// told, and its link closed. It returns how many peers there were, and how many
// messages were still written.
func (n *Node) goodbye(ctx context.Context, drain time.Duration, reason dist.Reason) (told, flushed int) {
	var written atomic.Int64
	live := n.partingPeers()
	var wg sync.WaitGroup
	for _, p := range live {
		wg.Go(func() {
			written.Add(p.flush(ctx, drain))
			n.part(ctx, p, reason)
		})
	}
	wg.Wait()
	return len(live), int(written.Load())
}

// flush waits until what is queued for a peer is written, and counts that. What is
// not is counted as dropped with the link.
func (p livePeer) flush(ctx context.Context, drain time.Duration) int64 {
	before := p.link.Stats()
	if before.Queued == 0 {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	_ = p.link.Flush(ctx)
	return int64(p.link.Stats().Written - before.Written)
}

// part tells a liminal peer goodbye and closes the link. A peer answers goodbye
// by closing its end, and that is awaited: closing first, with bytes of the peer
// unread, would reset the connection, and the peer would lose our goodbye to
// that.
func (n *Node) part(ctx context.Context, p livePeer, reason dist.Reason) {
	ctx, cancel := context.WithTimeout(ctx, partTime)
	defer cancel()
	if n.cfg.look {
		n.awaitAnswers(ctx, p.link)
	}
	if p.kind == KindLiminal {
		n.send(p.link, encodeGoodbye())
		select {
		case <-p.link.Done():
		case <-ctx.Done():
		}
	}
	_ = p.link.Flush(ctx) // it ends anyway
	p.link.Close(reason, nil)
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
// has left are not dialled, and one that was forgotten is not until a reload has
// been without it.
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
// second longer than Config.Drain, and may be called again.
func (n *Node) Close() error {
	if n.closing.CompareAndSwap(false, true) { // a sync.Once would have the second caller wait on a lock
		n.shutdown()
	}
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
		n.goodbye(context.Background(), drain, dist.ReasonStopped)
		n.table.Close(dist.ReasonStopped)
	}
	n.tasks.Wait()
	if n.bus != nil {
		n.bus.Close()
	}
	n.feed.close()
	if n.release != nil {
		n.release()
	}
	if n.opened {
		n.log.Info("node stopped")
	}
}
