package museum

// inDist: the handshake, the frames and the cookies.
var inDist = []defect{
	{
		name: "a message is taken before all its bytes are there", file: "internal/dist/handshake_conn.go",
		old:   "if _, err := io.ReadFull(d.conn, body); err != nil {",
		new:   "if _, err := d.conn.Read(body); err != nil {",
		tests: []string{"TestByteByByte"},
	},
	{
		name: "the deadline is one for each step", file: "internal/dist/handshake_conn.go",
		old:   "\tbody, err := d.read()\n",
		new:   "\t_ = d.conn.SetDeadline(time.Now().Add(SetupTime))\n\tbody, err := d.read()\n",
		tests: []string{"TestTotalDeadline"},
	},
	{
		name: "a length has two bytes under TLS too", file: "internal/dist/handshake_conn.go",
		old:   "d.tls, d.header, d.s.vouch = tls, headerTLS, tls.Vouch",
		new:   "d.tls, d.header, d.s.vouch = tls, headerPlain, tls.Vouch",
		tests: []string{"TestPrefixUnderTLS"},
	},
	{
		name: "a handshake's length is compared with its sign", file: "internal/dist/handshake_conn.go",
		old:   "if length > uint32(limit) { // before",
		new:   "if int32(length) > int32(limit) { // before",
		tests: []string{"TestLyingPrefixUnderTLS"},
	},
	{
		name: "a frame's length is compared with its sign", file: "internal/dist/frame.go",
		old:   "if n > f.max {",
		new:   "if int32(n) > int32(f.max) {",
		tests: []string{"TestDeclaredLengths"},
	},
	{
		name: "memory is made for a length that was only declared", file: "internal/dist/frame.go",
		old:   "return int(min(uint64(2*len(f.b)), need))",
		new:   "return int(need)",
		tests: []string{"TestFrameBufferGrowsByReceived"},
	},
	{
		name: "an empty digest is right", file: "internal/dist/handshake_acceptor.go",
		old:   "\tif a.remote.Cookie < 0 {",
		new:   "\tif digest == [digestSize]byte{} {\n\t\ta.remote.Cookie = 0\n\t}\n\tif a.remote.Cookie < 0 {",
		tests: []string{"TestDigestOneBitOff"},
	},
	{
		name: "half of a digest is enough", file: "internal/dist/cookies.go",
		old:   "ConstantTimeCompare(want[:], digest[:]), i, found)",
		new:   "ConstantTimeCompare(want[:8], digest[:8]), i, found)",
		tests: []string{"TestDigestOneBitOff"},
	},
	{
		name: "the ack of the one dialled proves nothing", file: "internal/dist/handshake_initiator.go",
		old:   "if !i.local.cookies()[i.remote.Cookie].proves(i.own, digest) {",
		new:   "if false && !i.local.cookies()[i.remote.Cookie].proves(i.own, digest) {",
		tests: []string{"TestEverySequenceInitiator"},
	},
	{
		name: "our own challenge is answered to who dialled", file: "internal/dist/handshake_acceptor.go",
		old:   "if a.local.Challenges.Outstanding(theirs) {",
		new:   "if false && a.local.Challenges.Outstanding(theirs) {",
		tests: []string{"TestReflectionRefusedByAcceptor"},
	},
	{
		name: "our own challenge is answered to whom we dial", file: "internal/dist/handshake_initiator.go",
		old:   "if i.local.Challenges.Outstanding(g.challenge) {",
		new:   "if false && i.local.Challenges.Outstanding(g.challenge) {",
		tests: []string{"TestReflectionRefused"},
	},
	{
		name: "a challenge is drawn twice", file: "internal/dist/challenge.go",
		old:   "if _, taken := c.out[n]; !taken {",
		new:   "if _, taken := c.out[n]; !taken || taken {",
		tests: []string{"TestChallengesDrawAgainWhenOutstanding"},
	},
	{
		name: "the challenge of a handshake that failed is kept", file: "internal/dist/handshake_machine.go",
		old:   "\t\ts.local.Challenges.Release(s.own)\n",
		new:   "",
		tests: []string{"TestHowItEnds"},
	},
	{
		name: "a second tag is let in", file: "internal/dist/handshake_machine.go",
		old:   "if len(body) > 0 && body[0] == r.tag {",
		new:   "if len(body) > 0 && (body[0] == r.tag || body[0] == tagAck) {",
		tests: []string{"TestOneTagInEachState"},
	},
	{
		name: "a step may lead past its row", file: "internal/dist/handshake_machine.go",
		old:   "if err == nil && !r.next.has(next) {",
		new:   "if err == nil && next > stateCount {",
		tests: []string{"TestUndeclaredTransition"},
	},
	{
		name: "with a second cookie any digest is right", file: "internal/dist/cookies.go",
		old:   "\tfound := -1\n",
		new:   "\tfound := min(1, len(set)-1) - max(0, 2-len(set))\n",
		tests: []string{"TestFitting", "TestCookieSets"},
	},
	{
		name: "the ack may be of any of our cookies", file: "internal/dist/handshake_initiator.go",
		old:   "if !i.local.cookies()[i.remote.Cookie].proves(i.own, digest) {",
		new:   "if fitting(i.local.cookies(), i.own, digest) < 0 {",
		tests: []string{"TestAckOfAnotherCookie"},
	},
	{
		name: "a cookie prints itself", file: "internal/dist/cookie.go",
		old:   "func (Cookie) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }",
		new:   "func (c Cookie) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.reveal()) }",
		tests: []string{"TestCookieNeverPrintsByFmt"},
	},
	{
		name: "SPAWN is offered", file: "internal/dist/flags.go",
		old:   "FlagFragments | FlagMandatory25Digest | FlagAlias",
		new:   "FlagFragments | FlagMandatory25Digest | FlagAlias | FlagSpawn",
		tests: []string{"TestOffer"},
	},
	{
		name: "the control lane holds twice what it may", file: "internal/dist/link_send.go",
		old:   "full := l.ctl.bytes > l.limits.Control || l.ctl.bigBytes > l.limits.Payload",
		new:   "full := l.ctl.bytes > 2*l.limits.Control || l.ctl.bigBytes > l.limits.Payload",
		tests: []string{"TestControlLaneBound"},
	},
	{
		name: "fragments have no bound in bytes", file: "internal/dist/fragment.go",
		old:   "case size > f.maxBytes-f.of(s).bytes:",
		new:   "case size > f.maxBytes:",
		tests: []string{"TestFragmentBytesBound"},
	},
	{
		name: "fragments that never end are kept without number", file: "internal/dist/fragment.go",
		old:   "if d == DropNone && f.of(s).count >= f.maxOpen {",
		new:   "if d == DropNone && f.of(s).count < 0 {",
		tests: []string{"TestFragmentAbuse"},
	},
	{
		name: "a peer that says nothing is never dead", file: "internal/dist/link_beat.go",
		old:   "if l.clocks.heard.still(l.count.bytesIn.Load(), now) >= limit {",
		new:   "if l.clocks.heard.still(l.count.bytesIn.Load(), now) >= 100*limit {",
		tests: []string{"TestSilentPeer"},
	},
}
