package museum

// inLinks: the table of links, and who may take a place in it.
var inLinks = []defect{
	{
		name: "a claim of its name ends a live link", file: "internal/links/cross.go",
		old:   "\tif up {\n\t\treturn dist.StatusAlive\n",
		new:   "\tif up {\n\t\tgo r.info.Link.Close(dist.ReasonReplaced, nil)\n\t\treturn dist.StatusAlive\n",
		tests: []string{"TestLiveNameWithoutCookieChangesNothing"},
	},
	{
		name: "handshakes under way have no bound", file: "internal/links/pending.go",
		old:   "\tif len(p.conns) >= MaxPending {",
		new:   "\tif len(p.conns) >= 1<<20 {",
		tests: []string{"TestPendingVictims", "TestIdleFlood"},
	},
	{
		name: "the newest handshake has to go", file: "internal/links/pending.go",
		old:   "case share[c.addr] == share[oldest.addr] && c.seq < oldest.seq:",
		new:   "case share[c.addr] == share[oldest.addr] && c.seq > oldest.seq:",
		tests: []string{"TestPendingVictims"},
	},
	{
		name: "a handshake that is over keeps its place", file: "internal/links/accept.go",
		old:   "defer t.pending.remove(c)",
		new:   "_ = c",
		tests: []string{"TestIdleFlood"},
	},
	{
		name: "the smaller name wins", file: "internal/links/cross.go",
		old:   "return self > peer",
		new:   "return self < peer",
		tests: []string{"TestGreaterNameWins"},
	},
	{
		name: "a link comes up before the one before it is down", file: "internal/links/hooks.go",
		old:   "\tif h.prev != nil {\n\t\t<-h.prev\n\t}\n",
		new:   "",
		tests: []string{"TestDownOfReplacedComesBeforeUp"},
	},
	{
		name: "a link's end is that of its name", file: "internal/links/hooks.go",
		old:   "r != nil && r.info.Link == l {",
		new:   "r != nil && r.info.Up {",
		tests: []string{"TestDownOfReplacedComesBeforeUp", "TestRestartedPeerReplacesAtOnce"},
	},
	{
		name: "two nodes of one name replace each other for ever", file: "internal/links/row.go",
		old:   "return creation != r.info.Creation && now.Before(r.held)",
		new:   "return creation == 0 && now.Before(r.held)",
		tests: []string{"TestDuplicateNameIsContained"},
	},
	{
		name: "a peer is forgotten in all its lives", file: "internal/links/forgotten.go",
		old:   "return ok && f.creation != 0 && f.creation == creation",
		new:   "return ok && f.creation != 0 && creation != 0",
		tests: []string{"TestDisownIsOfOneLife"},
	},
	{
		name: "the generation does not rise", file: "internal/links/install.go",
		old:   "Generation: last.Generation + 1,",
		new:   "Generation: max(1, last.Generation),",
		tests: []string{"TestGenerationsAndVersions"},
	},
	{
		name: "a link that ended keeps its place", file: "internal/links/hooks.go",
		old:   "\t\tt.live--\n",
		new:   "",
		tests: []string{"TestPlaceComesBack"},
	},
	{
		name: "rows of names that are down are kept for ever", file: "internal/links/row.go",
		old:   "if len(t.rows)-t.live < MaxDown {",
		new:   "if len(t.rows)-t.live < 100*MaxDown {",
		tests: []string{"TestRowsAreBounded"},
	},
}
