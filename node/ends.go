package node

import (
	"sync"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

// maxWatches bounds the monitors and links that one peer may have on our
// channels: one on each that there can be.
const maxWatches = 1 << 18

// ends remembers which processes of peers want to hear of the end of a
// channel's process: it ends with the channel's last subscriber. All else that
// can be monitored here lives as long as the node.
type ends struct {
	mu      sync.Mutex
	watched map[etf.Pid]map[watch]struct{}
	perLink map[*dist.Link]int
}

// watch is one monitor, or one link where ref is zero.
type watch struct {
	link *dist.Link
	from etf.Pid
	ref  etf.Ref
}

// add remembers w, unless the process has ended meanwhile (lives says), or its
// link has, or the peer has too many already. A link that ends after the look
// finds w when it is dropped.
func (e *ends) add(of etf.Pid, w watch, lives func() bool) (ok, full bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if down, _, _ := w.link.Down(); down != "" || !lives() {
		return false, false
	}
	if e.perLink[w.link] >= maxWatches {
		return false, true
	}
	if e.watched == nil {
		e.watched, e.perLink = map[etf.Pid]map[watch]struct{}{}, map[*dist.Link]int{}
	}
	if e.watched[of] == nil {
		e.watched[of] = map[watch]struct{}{}
	}
	if _, known := e.watched[of][w]; !known {
		e.watched[of][w] = struct{}{}
		e.perLink[w.link]++
	}
	return true, false
}

func (e *ends) remove(of etf.Pid, w watch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.watched[of][w]; !known {
		return
	}
	delete(e.watched[of], w)
	if len(e.watched[of]) == 0 {
		delete(e.watched, of)
	}
	e.unbook(w.link)
}

// unbook takes one off a link's count. The caller holds e.mu.
func (e *ends) unbook(l *dist.Link) {
	if e.perLink[l]--; e.perLink[l] == 0 {
		delete(e.perLink, l)
	}
}

// drop forgets what came over a link: its end tells the peer more.
func (e *ends) drop(l *dist.Link) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.perLink[l] == 0 {
		return
	}
	delete(e.perLink, l)
	for of, watches := range e.watched {
		for w := range watches {
			if w.link == l {
				delete(watches, w)
			}
		}
		if len(watches) == 0 {
			delete(e.watched, of)
		}
	}
}

// end tells all who watch a process that it has ended. Nothing on a link
// waits; one that is down needs to know nothing.
func (e *ends) end(of etf.Pid) {
	e.mu.Lock()
	watches := e.watched[of]
	delete(e.watched, of)
	for w := range watches {
		e.unbook(w.link)
	}
	e.mu.Unlock()
	for w := range watches {
		if w.ref == (etf.Ref{}) {
			_ = w.link.Exit(of, w.from, reasonNormal)
		} else {
			_ = w.link.MonitorExit(dist.PidTarget(of), w.from, w.ref, reasonNormal)
		}
	}
}

var (
	reasonNormal = etf.AppendAtom(nil, "normal")
	reasonNoproc = etf.AppendAtom(nil, "noproc")
)
