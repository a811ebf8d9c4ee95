package observe

import (
	"context"
	"time"

	"github.com/liminal-bus/liminal/node"
)

// Source is what is observed: a *node.Node.
type Source interface {
	Name() string
	Status() node.Status
	Metrics() node.Metrics
	Alive(ctx context.Context) error
}

// Exporter turns what a node counts into metrics. Its method may be called from
// any goroutine. One Exporter serves all who ask, since it remembers which peers
// have series of their own.
type Exporter struct {
	src    Source
	ledger ledger
	now    func() time.Time
}

// NewExporter makes one for a node.
func NewExporter(src Source) *Exporter { return &Exporter{src: src, now: time.Now} }

// Families reads all metrics of the node, in an order that stays. Those of the
// process are not among them: they are the program's own.
func (e *Exporter) Families() []Family {
	m := e.src.Metrics()
	all := make([]Family, 0, len(rows)+len(peerRows))
	for _, r := range rows {
		all = append(all, Family{Name: r.name, Type: r.kind, Help: r.help, Series: r.read(&m)})
	}
	return append(all, e.ledger.families(e.now(), &m)...)
}
