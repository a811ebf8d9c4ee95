package museum

// inMembership: who is in the cluster.
var inMembership = []defect{
	{
		name: "the generation is no part of who a member is", file: "internal/membership/record.go",
		old:   "same := r.up && e.Up && r.peer == e.Peer",
		new:   "same := r.up && e.Up && r.peer.Name == e.Peer.Name && r.peer.Creation == e.Peer.Creation",
		tests: []string{"TestTranscripts", "TestCrossCases"},
	},
	{
		name: "a restart under the same generation is none", file: "internal/membership/record.go",
		old:   "same := r.up && e.Up && r.peer == e.Peer",
		new:   "same := r.up && e.Up && r.peer.Generation == e.Peer.Generation",
		tests: []string{"TestCrossCases"},
	},
	{
		name: "one link too many is coalesced", file: "internal/membership/record.go",
		old:   "Coalesced: links - 1, Rejoin: rejoin",
		new:   "Coalesced: links, Rejoin: rejoin",
		tests: []string{"TestFlapStorm"},
	},
	{
		name: "what came and went between two polls is lost", file: "internal/membership/record.go",
		old:   "\t\td.Flapped = append(d.Flapped, Flap{Peer: e.Peer, Count: links, Reason: e.Reason})\n",
		new:   "",
		tests: []string{"TestTranscripts", "TestModel"},
	},
	{
		name: "a member leaves as whoever replaced it", file: "internal/membership/record.go",
		old:   "\t\tr.leave(e.Reason, d)\n",
		new:   "\t\tr.peer = e.Peer\n\t\tr.leave(e.Reason, d)\n",
		tests: []string{"TestTranscripts", "TestModel"},
	},
	{
		name: "a row that is gone leaves its member", file: "internal/membership/record.go",
		old:   "\tif r.up {\n\t\tr.leave(ReasonRemoved, d)\n\t}\n\tr.up, r.listed = false, false",
		new:   "\tr.listed = false",
		tests: []string{"TestModel", "TestTranscripts"},
	},
}

// inPG: the groups, and what other scopes are told of ours.
var inPG = []defect{
	{
		name: "a leave is sent of what nobody was told", file: "internal/pg/ledger.go",
		old:   "\ti, ok := d.at[k]\n\tif !ok {\n\t\treturn nil\n\t}\n\td.size",
		new:   "\ti, ok := d.at[k]\n\tif !ok {\n\t\treturn encodeLeave(d.me, k, d.me)\n\t}\n\td.size",
		tests: []string{"TestJoinAndLeaveTwice"},
	},
	{
		name: "a group is joined twice", file: "internal/pg/ledger.go",
		old:   "\tif _, ok := d.at[k]; ok {\n\t\treturn nil\n\t}\n",
		new:   "\tif _, ok := d.at[k]; ok {\n\t\treturn encodeJoin(d.me, k, pid)\n\t}\n",
		tests: []string{"TestJoinAndLeaveTwice"},
	},
	{
		name: "an empty list is sent", file: "internal/pg/encode.go",
		old:   "\t\tb = etf.AppendListHeader(b, 1)\n\t\tb = etf.AppendPid(b, e.pid)\n",
		new:   "",
		tests: []string{"TestExactBytes"},
	},
	{
		name: "a peer speaks for a third node", file: "internal/pg/parse.go",
		old:   "if string(v.Node) != p.m.from.Node || v.Creation != p.m.from.Creation {",
		new:   "if v.Creation != p.m.from.Creation {",
		tests: []string{"TestParseRefuses"},
	},
	{
		name: "a peer speaks for an older life of its own", file: "internal/pg/parse.go",
		old:   "if string(v.Node) != p.m.from.Node || v.Creation != p.m.from.Creation {",
		new:   "if string(v.Node) != p.m.from.Node {",
		tests: []string{"TestParseRefuses"},
	},
	{
		name: "a second discover has no answer", file: "internal/pg/receive.go",
		old:   "\touts = append(outs, s.tell(p))\n",
		new:   "\tif !p.told {\n\t\touts = append(outs, s.tell(p))\n\t}\n",
		tests: []string{"TestTranscripts", "TestSixNodes"},
	},
	{
		name: "a link ends and its members stay", file: "internal/pg/scope.go",
		old:   "\ts.forget(p)\n\tdelete(s.peers, l)\n",
		new:   "\tdelete(s.peers, l)\n",
		tests: []string{"TestTranscripts", "TestSixNodes"},
	},
	{
		name: "a scope that died leaves its members", file: "internal/pg/scope.go",
		old:   "\ts.notedAll(p)\n\ts.forget(p)\n\tp.greeting = false\n",
		new:   "\ts.notedAll(p)\n\tp.greeting = false\n",
		tests: []string{"TestTranscripts"},
	},
	{
		name: "a sync adds and takes nothing away", file: "internal/pg/receive.go",
		old:   "if changes += s.sweep(p); changes > 0 {",
		new:   "if changes > 0 {",
		tests: []string{"TestReadingAgainstOracle", "TestTranscripts"},
	},
	{
		name: "a scope that was replaced is listened to", file: "internal/pg/receive.go",
		old:   "if p.known && p.scope == m.scope {",
		new:   "if p.known {",
		tests: []string{"TestLateMessages"},
	},
	{
		name: "a peer may send as fast as it can", file: "internal/pg/limits.go",
		old:   "\tb.level -= unit\n",
		new:   "",
		tests: []string{"TestRate"},
	},
	{
		name: "a peer may have as many groups as it likes", file: "internal/pg/receive.go",
		old:   "if groups > s.limits.Groups {",
		new:   "if groups > 100*s.limits.Groups {",
		tests: []string{"TestQuota", "TestQuotaGroups"},
	},
}
