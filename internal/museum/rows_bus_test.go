package museum

// inBus: the queues of subscribers.
var inBus = []defect{
	{
		name: "the newest message goes, not the oldest", file: "internal/bus/subscriber.go",
		old: "\t\tdefault:\n\t\t\tdropped = s.makeRoom(e)\n",
		new: "\t\tdefault:\n\t\t\ts.offered++\n\t\t\ts.dropped[oldest]++\n\t\t\ts.lost++\n" +
			"\t\t\te.ch.drops.Add(1)\n\t\t\ts.mu.Unlock()\n\t\t\treturn taken, 1\n",
		tests: []string{"TestFullQueue", "TestModel"},
	},
	{
		name: "a loss in the middle is not marked", file: "internal/bus/subscriber.go",
		old:   "\tif s.queue.n > 0 {\n\t\ts.queue.front().lost += lost\n\t} else {",
		new:   "\tif s.queue.n == 0 {",
		tests: []string{"TestFullQueue", "TestModel"},
	},
	{
		name: "a drop is not counted", file: "internal/bus/subscriber.go",
		old:   "\ts.dropped[why]++\n",
		new:   "",
		tests: []string{"TestModel"},
	},
	{
		name: "who comes late overtakes the line", file: "internal/bus/subscriber.go",
		old:   "if !s.fits(e) || wait && len(s.line) > 0 {",
		new:   "if !s.fits(e) {",
		tests: []string{"TestGiveUpLong"},
	},
	{
		name: "a queue is bounded by messages alone", file: "internal/bus/subscriber.go",
		old:   "s.queue.n < s.maxQueue && s.queue.bytes+len(e.data) <= s.maxBytes",
		new:   "s.queue.n < s.maxQueue",
		tests: []string{"TestModel"},
	},
	{
		name: "a ring that grows turns its messages round", file: "internal/bus/ring.go",
		old:   "\t\tcopy(slots[k:], r.slots[:r.n-k])\n",
		new:   "\t\tcopy(slots[k:], r.slots[r.n-k:])\n",
		tests: []string{"TestRing", "TestModel"},
	},
}

// inETF: terms of the outside world.
var inETF = []defect{
	{
		name: "terms nest without end", file: "internal/etf/decode.go",
		old:   "\tif d.depth == 0 {",
		new:   "\tif d.depth == -1<<40 {",
		tests: []string{"TestBombs"},
	},
	{
		name: "a count is compared with its sign", file: "internal/etf/reader.go",
		old:   "if uint64(n)*uint64(unit) > uint64(len(b)-5) {",
		new:   "if int32(n)*int32(unit) > int32(len(b)-5) {",
		tests: []string{"TestBombs", "TestReaderInPlace"},
	},
	{
		name: "terms inside each other promise the same bytes", file: "internal/etf/decode.go",
		old:   "if d.owed > d.Len() {",
		new:   "if n > d.Len() {",
		tests: []string{"TestBombs"},
	},
	{
		name: "terms have no number", file: "internal/etf/decode.go",
		old:   "\td.terms--\n",
		new:   "",
		tests: []string{"TestTermsAreCountedInAll"},
	},
	{
		name: "an integer is as long as it likes", file: "internal/etf/reader_num.go",
		old:   "if int(n) > maxBytes {",
		new:   "if int(n) > 1<<10*maxBytes {",
		tests: []string{"TestBombs"},
	},
	{
		name: "a view can grow into what is behind it", file: "internal/etf/reader.go",
		old:   "return r.b[from:r.off:r.off]\n}\n\n// Skip",
		new:   "return r.b[from:r.off]\n}\n\n// Skip",
		tests: []string{"TestViewsCannotGrow"},
	},
}
