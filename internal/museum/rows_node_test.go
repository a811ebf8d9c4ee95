package museum

// inNode: what the parts come to when they are put together.
var inNode = []defect{
	{
		name: "a poll that is late takes peers for dead", file: "node/loop.go",
		old:   "\t\tn.table.Forgive(now)\n",
		new:   "",
		tests: []string{"TestLateLoopForgives"},
	},
	{
		name: "who said goodbye is dialled again", file: "node/messages.go",
		old:   "\tif p.saidBye {\n\t\tn.plan.Goodbye(info.Name, time.Now())",
		new:   "\tif p.saidBye && p.name == \"\" {\n\t\tn.plan.Goodbye(info.Name, time.Now())",
		tests: []string{"TestGoodbyeStopsRedialling"},
	},
	{
		name: "who is over its quota stays", file: "node/groups.go",
		old:   "\tl.Close(dist.ReasonQuota, err)\n",
		new:   "\t_ = l\n",
		tests: []string{"TestQuotaExpels"},
	},
	{
		name: "who was expelled comes back at once", file: "node/groups.go",
		old:   "\tg.n.table.Hold(name, quotaHold)\n",
		new:   "",
		tests: []string{"TestQuotas"},
	},
	{
		name: "a link ends and what its peer had joined stays", file: "node/messages.go",
		old:   "\tn.groups.down(info.Link) // first: what it refuses from here on is still counted\n",
		new:   "",
		tests: []string{"TestPurgeWithTheLink"},
	},
	{
		name: "a message to an older life of ours arrives", file: "internal/dist/ops_rows.go",
		old:   "case creation != in.l.local.Creation:",
		new:   "case creation == 0:",
		in:    "node",
		tests: []string{"TestSendToAnOlderLife"},
	},
	{
		name: "the oldest event of the ring is one that was written over", file: "node/watch.go",
		old:   "oldest := f.last - uint64(len(f.ring)) + 1",
		new:   "oldest := f.last - uint64(len(f.ring))",
		tests: []string{"TestFeedModel"},
	},
	{
		name: "a gap counts one event too few", file: "node/watch.go",
		old:   "gap := Event{Type: EventGap, Seq: w.pos, Time: now, Missed: at - w.pos}",
		new:   "gap := Event{Type: EventGap, Seq: w.pos, Time: now, Missed: at - w.pos - 1}",
		tests: []string{"TestWatchGap", "TestWatchModel"},
	},
	{
		name: "a watch goes on one event too late", file: "node/watch.go",
		old:   "w := &Watcher{n: n, pos: seq, closed: make(chan struct{})}",
		new:   "w := &Watcher{n: n, pos: seq + 1, closed: make(chan struct{})}",
		tests: []string{"TestWatchAfter"},
	},
	{
		name: "a watch goes on with a seq of another life", file: "node/watch.go",
		old:   "if creation != n.creation || seq > n.feed.seq() {",
		new:   "if seq > n.feed.seq() {",
		tests: []string{"TestWatchAfter", "TestWatchSinceOfAnotherLife"},
	},
	{
		name: "long messages are decoded all at once", file: "node/gate.go",
		old:   "for len(g.queue) > 0 && g.used+g.queue[0].size <= gateSize {",
		new:   "for len(g.queue) > 0 && g.used >= 0 {",
		tests: []string{"TestGate"},
	},
	{
		name: "a peer writes our log", file: "node/log_seldom.go",
		old:   "\ts.free--\n",
		new:   "",
		tests: []string{"TestSeldom", "TestStrangersCannotFillTheLog"},
	},
	{
		name: "our own address is dialled for ever", file: "internal/discovery/done.go",
		old:   "OutcomeSelf:    (*Plan).self,",
		new:   "OutcomeSelf:    (*Plan).refusal,",
		tests: []string{"TestSelfIsSetAside"},
	},
	{
		name: "a short link begins the pauses anew", file: "internal/discovery/due.go",
		old:   "if t.state == linked && now.Sub(t.since) >= p.opts.Stable {",
		new:   "if t.state == linked {",
		tests: []string{"TestShortLinksDoNotResetTheBackoff"},
	},
	{
		name: "a page may ask under its own name", file: "node/observe/hosts.go",
		old:   "\tif a[host] {",
		new:   "\tif a[host] || len(a) > 0 {",
		tests: []string{"TestHosts"},
	},
	{
		name: "each peer that ever was has its series", file: "node/observe/ledger.go",
		old:   "if entitled(now, p) && len(kept) < MaxPeers {",
		new:   "if entitled(now, p) {",
		tests: []string{"TestCardinality"},
	},
}
