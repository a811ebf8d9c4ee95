package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/liminal-bus/liminal/internal/bus"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/pg"
)

// countsWait is how long Channels waits for the subscriber counts of peers.
const countsWait = time.Second

// maxCounts bounds one answer to the question for counts, in bytes. Where more is
// to be told, the atom more ends the list.
const maxCounts = 512 << 10

// counts are what liminal peers say stands behind their members.
type counts struct {
	kinds map[*dist.Link]Kind

	mu     sync.Mutex
	told   map[*dist.Link]map[pg.Key]int // nil of those that did not answer
	cut    map[*dist.Link]bool           // the answer was not all
	missed []string                      // nodes that did not tell all
}

// askCounts asks all liminal peers that are members of the groups, at once.
// some says that the groups are not all there are.
func (n *Node) askCounts(ctx context.Context, groups []group, some bool) *counts {
	c := &counts{told: map[*dist.Link]map[pg.Key]int{}, cut: map[*dist.Link]bool{}}
	c.kinds = n.kinds()
	wanted := map[*memberLink][]pg.Key{}
	for _, g := range groups {
		for _, m := range g.Members {
			if c.kinds[m.Link.link] == KindLiminal {
				wanted[m.Link] = append(wanted[m.Link], g.Key)
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, countsWait)
	defer cancel()
	var wg sync.WaitGroup
	for m, keys := range wanted {
		if !some || len(keys) > maxAsked {
			keys = nil // all
		}
		wg.Go(func() { n.askCount(ctx, c, m.link, keys) })
	}
	wg.Wait()
	return c
}

// kinds says what runs at the other end of each link.
func (n *Node) kinds() map[*dist.Link]Kind {
	n.mu.Lock()
	defer n.mu.Unlock()
	kinds := map[*dist.Link]Kind{}
	for _, p := range n.peers {
		if p.link != nil {
			kinds[p.link] = p.kind
		}
	}
	return kinds
}

// askCount waits for one peer's answer.
func (n *Node) askCount(ctx context.Context, c *counts, l *dist.Link, keys []pg.Key) {
	done := make(chan struct{})
	n.put(&call{link: l, take: func(r *etf.Reader) error {
		defer close(done)
		told, cut, err := readCounts(r)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.told[l], c.cut[l] = told, cut || err != nil
		return err
	}}, selfName, requestCounts(keys))
	select {
	case <-done:
	case <-l.Done():
	case <-ctx.Done():
	}
}

// of gives a peer's count, if it told one. A peer that told all and not this one
// has just left it, or just joined: it counts by its member.
func (c *counts) of(m *memberLink, k pg.Key) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all, answered := c.told[m.link]
	told, ok := all[k]
	unsure := !answered || c.cut[m.link]
	if !ok && unsure && c.kinds[m.link] == KindLiminal && !slices.Contains(c.missed, m.name) {
		c.missed = append(c.missed, m.name)
	}
	return told, ok
}

// incomplete lists the nodes that did not tell all that was looked up.
func (c *counts) incomplete() []string {
	slices.Sort(c.missed)
	return c.missed
}

// requestCounts is {channels, [Group]}; no groups stands for all.
func requestCounts(keys []pg.Key) []byte {
	b := etf.AppendAtom(etf.AppendTuple(nil, 2), "channels")
	b = etf.AppendListHeader(b, len(keys))
	for _, k := range keys {
		b = append(b, k...)
	}
	return etf.AppendNil(b)
}

// appendCounts answers {channels, [Group]} with [{Group, Subscribers}].
func (n *Node) appendCounts(b []byte, r *etf.Reader) ([]byte, error) {
	infos, err := n.askedChannels(r)
	if err != nil {
		return nil, err
	}
	var list []byte
	entries := 0
	for _, i := range infos {
		key, err := pg.ChannelKey(i.Name)
		if err != nil || i.Subscribers == 0 {
			continue
		}
		entries++
		if len(list) > maxCounts {
			list = etf.AppendAtom(list, moreAtom)
			break
		}
		list = append(etf.AppendTuple(list, 2), key...)
		list = etf.AppendInt(list, int64(i.Subscribers))
	}
	b = append(etf.AppendListHeader(b, entries), list...)
	return etf.AppendNil(b), nil
}

const moreAtom = "more"

// maxAsked bounds how many groups one question may name.
const maxAsked = 1024

// askedChannels reads [Group] and looks up those channels, or all.
func (n *Node) askedChannels(r *etf.Reader) (infos []bus.Info, err error) {
	count, err := r.ListHeader()
	if err != nil || count > maxAsked {
		return nil, cmpErr(err, errUnknownMessage)
	}
	if count == 0 {
		return n.bus.List(), nil
	}
	for range count {
		group, err := r.Raw()
		if err != nil {
			return nil, err
		}
		name, _ := pg.Key(group).Channel()
		if info, ok := n.bus.Info(name); ok {
			infos = append(infos, info)
		}
	}
	return infos, nil
}

// readCounts reads [{Group, Subscribers}]; cut says that it is not all.
func readCounts(r *etf.Reader) (told map[pg.Key]int, cut bool, err error) {
	count, err := r.ListHeader()
	told = map[pg.Key]int{}
	for ; count > 0 && err == nil; count-- {
		if count == 1 && r.AtomIs(moreAtom) {
			return told, true, nil
		}
		err = readCount(r, told)
	}
	return told, false, err
}

func readCount(r *etf.Reader, told map[pg.Key]int) error {
	arity, err := r.TupleHeader()
	if err != nil || arity < 2 {
		return cmpErr(err, errUnknownMessage)
	}
	group, err := r.Raw()
	if err != nil {
		return err
	}
	k, err := r.Uint()
	if err != nil {
		return err
	}
	told[pg.Key(group)] = int(min(k, 1<<31))
	for ; arity > 2 && err == nil; arity-- {
		err = r.Skip()
	}
	return err
}
