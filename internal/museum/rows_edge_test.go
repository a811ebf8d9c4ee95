package museum

// inControl: the socket, and who may talk to the node.
var inControl = []defect{
	{
		name: "the socket's mode is set after its birth", file: "internal/control/listen_linux.go", goos: "linux",
		old: "\treturn bindWith(path, net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {\n" +
			"\t\tvar chErr error\n\t\terr := c.Control(func(fd uintptr) { chErr = unix.Fchmod(int(fd), 0o600) })\n" +
			"\t\tif err != nil {\n\t\t\treturn err\n\t\t}\n\t\treturn chErr\n\t}})\n",
		new: "\tln, err := bindWith(path, net.ListenConfig{Control: func(_, _ string, _ syscall.RawConn) error { return nil }})\n" +
			"\tif err == nil {\n\t\terr = unix.Chmod(path, 0o600)\n\t}\n\treturn ln, err\n",
		tests: []string{"TestSocketIsPrivateFromBirth"},
	},
	{
		name: "any user may talk to the node", file: "internal/control/listen.go",
		old:   "return uid == 0 || int64(uid) == int64(own)",
		new:   "return int64(uid) >= 0 || int64(uid) == int64(own)",
		tests: []string{"TestAllowed"},
	},
	{
		name: "what stands in the socket's place is removed", file: "internal/control/listen.go",
		old:   "if fi.Mode().Type() != os.ModeSocket {",
		new:   "if fi.Mode().Type() == os.ModeDir {",
		tests: []string{"TestListenRefuses"},
	},
	{
		name: "a socket that somebody answers on is removed", file: "internal/control/listen.go",
		old:   "\t\tnc.Close()\n\t\treturn ErrAnswering\n",
		new:   "\t\tnc.Close()\n\t\treturn os.Remove(path)\n",
		tests: []string{"TestListenTakesOverStale"},
	},
	{
		name: "a bookmark stands in the middle of a snapshot", file: "internal/control/stream.go",
		old:   "\tif st.open {\n\t\treturn",
		new:   "\tif st.open && st.last.Seq == 1<<40 {\n\t\treturn",
		tests: []string{"TestBookmarks"},
	},
	{
		name: "a record's lengths are added up in 32 bits", file: "internal/control/record.go",
		old:   "if id > uint64(len(text)) {",
		new:   "if uint32(id) > uint32(len(text)) {",
		tests: []string{"TestRecordLengthsThatLie"},
	},
}

// inConfig: settings, and the files behind them.
var inConfig = []defect{
	{
		name: "a key that is no setting is passed over", file: "internal/config/parse.go",
		old:   "\tw.problem(at, key, key+\" is not a setting\", nearestKey(key))\n",
		new:   "\t_, _ = at, nearestKey(key)\n",
		tests: []string{"TestBadFiles"},
	},
	{
		name: "others may read the cookie's file", file: "internal/config/cookie.go",
		old:   "case mode.Perm()&0o077 != 0:",
		new:   "case mode.Perm()&0o022 != 0:",
		tests: []string{"TestCookieFileIsRefused"},
	},
	{
		name: "tables nest without end", file: "internal/config/nesting.go",
		old:   "if depth > maxNesting || dots >= maxNesting {",
		new:   "if dots >= maxNesting {",
		tests: []string{"TestNesting"},
	},
	{
		name: "others may read the key's file", file: "internal/secure/files.go",
		old:   "mode&0o077 != 0 {",
		new:   "mode&0o022 != 0 {",
		tests: []string{"TestLoad"},
	},
}

// inCLI: what people and scripts get.
var inCLI = []defect{
	{
		name: "a wrong cookie has the exit code of a mere no", file: "cli/errors.go",
		old:   "\"cookie\":            exitRefused,",
		new:   "\"cookie\":            exitNo,",
		tests: []string{"TestExitsArePromised"},
	},
	{
		name: "a name reaches the terminal as it is", file: "cli/sanitize.go",
		old:   "\t\t\targs[i] = clean(arg)\n",
		new:   "\t\t\targs[i] = arg\n",
		tests: []string{"TestSayCleansArguments"},
	},
	{
		name: "JSON on a terminal keeps what encoding/json leaves alone", file: "cli/sanitize.go",
		old:   "return r != '\\n' && display.Harmful(r) }",
		new:   "return r != '\\n' && r < ' ' && display.Harmful(r) }",
		tests: []string{"FuzzClean", "TestClean"},
	},
	{
		name: "DEL is harmless", file: "internal/display/escape.go",
		old:   "return r < ' ' || r == 0x7f",
		new:   "return r < ' '",
		tests: []string{"TestHarmful"},
	},
	{
		name: "marks climb over other lines of the screen", file: "tui/clean.go",
		old:   "utf8.RuneCountInString(c) <= 1+maxMarks &&",
		new:   "utf8.RuneCountInString(c) <= 100*maxMarks &&",
		tests: []string{"TestClean"},
	},
	{
		name: "a watch that lost its node begins anew", file: "cli/watch_stream.go",
		old:   "\t\ts.next = control.WatchRequest{Resume: true, Since: e.Seq, Boot: e.Boot}\n",
		new:   "",
		tests: []string{"TestWatchGoesOnWhereItWas"},
	},
}
