package config

import (
	"slices"
	"time"

	"github.com/liminal-bus/liminal/node"
)

// Part says who uses a setting.
type Part string

// The parts.
const (
	PartNode    Part = "node"    // node start
	PartCommand Part = "command" // every other command
	PartBoth    Part = "both"
)

// Kind is the form of a value.
type Kind string

// The kinds. A list is comma-separated outside the file.
const (
	KindText     Kind = "text"
	KindBool     Kind = "bool"
	KindDuration Kind = "duration"
	KindList     Kind = "list"
	KindSize     Kind = "size"   // bytes, with or without a unit
	KindNumber   Kind = "number" // a whole one
)

// Setting is one row of the table.
type Setting struct {
	Key     string // in the file: table.name
	Flag    string // without the dashes
	Env     string // variable
	Default string // as in the environment
	Choices []string
	Reload  bool // SIGHUP applies it
	Part    Part
	Doc     string // one line, for the example file and the help
	Example string // a value for the help, where the default says little

	zero   bool                    // a duration that may be 0
	size   bool                    // a number of bytes
	within span                    // of a number or size
	field  func(f *fields) any     // where it goes
	check  func(text string) error // of one value, or of each in a list
}

// UI is what the commands use.
type UI struct {
	Color   string        // auto, always, never
	ASCII   bool          // plain ASCII even where the locale is UTF-8
	Timeout time.Duration // 0 is no limit
}

// Log is where the node's log goes and how.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // text, json
}

// fields is what the table fills.
type fields struct {
	node       node.Config
	mesh       bool
	socket     string
	cookieFile string
	acceptFile string
	http       string
	tls        node.TLSFiles
	ui         UI
	log        Log
}

var settings = []Setting{
	{Key: "node.name", Flag: "name", Env: "LIMINAL_NAME", Default: "liminal", Part: PartNode,
		Doc: "NAME or NAME@HOST; without HOST this machine's short name; a dot in HOST means Erlang long names", Example: "a@dev",
		field: func(f *fields) any { return &f.node.Name }, check: checkName},
	{Key: "node.listen", Flag: "listen", Env: "LIMINAL_LISTEN", Default: "localhost:0", Part: PartNode,
		Doc: "[HOST]:PORT; port 0 picks a free one; \":9100\" listens on every address", Example: ":9100",
		field: func(f *fields) any { return &f.node.Listen }, check: checkListen},
	{Key: "node.advertise", Flag: "advertise", Env: "LIMINAL_ADVERTISE", Part: PartNode,
		Doc: "HOST or HOST:PORT that peers are told to dial; empty: where the node listens", Example: "db1.example.net:9100",
		field: func(f *fields) any { return &f.node.Advertise }, check: checkAdvertise},
	{Key: "node.cookie_file", Flag: "cookie-file", Env: "LIMINAL_COOKIE_FILE", Default: defaultCookieFile, Part: PartNode,
		Reload: true,
		Doc:    "one line, readable by its owner alone; LIMINAL_COOKIE holds the cookie itself instead", Example: "/etc/liminal/cookie",
		field: func(f *fields) any { return &f.cookieFile }, check: checkPath},
	{Key: "node.cookie_accept_file", Flag: "cookie-accept-file", Env: "LIMINAL_COOKIE_ACCEPT_FILE", Part: PartNode, Reload: true,
		Doc: "cookies that are taken besides, one a line, at most 3; for a change of the cookie without downtime", Example: "/etc/liminal/cookie.accept",
		field: func(f *fields) any { return &f.acceptFile }, check: checkPath},
	{Key: "node.hidden", Flag: "hidden", Env: "LIMINAL_HIDDEN", Default: "false", Part: PartNode,
		Doc:   "true: Erlang peers do not list us in nodes()",
		field: func(f *fields) any { return &f.node.Hidden }},
	{Key: "node.epmd", Flag: "epmd", Env: "LIMINAL_EPMD", Default: "auto", Part: PartNode, Choices: []string{"auto", "require", "off"},
		Doc:   "auto | require | off: whether to register with the local epmd (off: peers need host:port)",
		field: func(f *fields) any { return &f.node.EPMD }},
	{Key: "node.drain", Flag: "drain", Env: "LIMINAL_DRAIN", Default: "5s", Part: PartNode, Reload: true,
		Doc:   "time to flush and say goodbye on stop",
		field: func(f *fields) any { return &f.node.Drain }},
	{Key: "node.socket", Flag: "socket", Env: "LIMINAL_SOCKET", Part: PartBoth,
		Doc: "control socket; empty: RUNTIME/NAME.sock", Example: "/tmp/a.sock",
		field: func(f *fields) any { return &f.socket }, check: checkPath},
	{Key: "node.http", Flag: "http", Env: "LIMINAL_HTTP", Part: PartNode,
		Doc: "[HOST]:PORT of /health, /ready and /metrics over HTTP; empty: none", Example: "127.0.0.1:9101",
		field: func(f *fields) any { return &f.http }, check: checkListen},

	{Key: "cluster.seeds", Flag: "seed", Env: "LIMINAL_SEEDS", Part: PartNode, Reload: true,
		Doc: "dialled until they answer: b, b@host (asks epmd), b@host:9100 or host:9100 (no epmd)", Example: "b,c@dev:9100",
		field: func(f *fields) any { return &f.node.Seeds }, check: checkSeed},
	{Key: "cluster.join_timeout", Flag: "join-timeout", Env: "LIMINAL_JOIN_TIMEOUT", Default: "10s", Part: PartNode, zero: true,
		Doc:   "how long a start tries its seeds before it fails; 0s tries each once",
		field: func(f *fields) any { return &f.node.JoinTimeout }},
	{Key: "cluster.retry_join", Flag: "retry-join", Env: "LIMINAL_RETRY_JOIN", Default: "false", Part: PartNode,
		Doc:   "true: a start never gives up on its seeds",
		field: func(f *fields) any { return &f.node.RetryJoin }},
	{Key: "cluster.mesh", Flag: "mesh", Env: "LIMINAL_MESH", Default: "true", Part: PartNode,
		Doc:   "false: dial seeds only, not the peers that peers tell of",
		field: func(f *fields) any { return &f.mesh }},
	{Key: "cluster.scope", Flag: "scope", Env: "LIMINAL_SCOPE", Default: "pg", Part: PartNode,
		Doc:   "the Erlang pg scope whose groups are the channels",
		field: func(f *fields) any { return &f.node.Scope }, check: checkScope},
	{Key: "cluster.poll", Flag: "poll", Env: "LIMINAL_POLL", Default: "250ms", Part: PartNode,
		Doc:   "how often membership is compared; 10ms to an eighth of tick",
		field: func(f *fields) any { return &f.node.Poll }},
	{Key: "cluster.dial_timeout", Flag: "dial-timeout", Env: "LIMINAL_DIAL_TIMEOUT", Default: "5s", Part: PartNode, Reload: true,
		Doc:   "longest time for resolving and connecting",
		field: func(f *fields) any { return &f.node.DialTimeout }},
	{Key: "cluster.retry_max", Flag: "retry-max", Env: "LIMINAL_RETRY_MAX", Default: "5s", Part: PartNode, Reload: true,
		Doc:   "longest pause between dials; pauses double, with jitter",
		field: func(f *fields) any { return &f.node.RetryMax }},
	{Key: "cluster.forget_after", Flag: "forget-after", Env: "LIMINAL_FORGET_AFTER", Default: "10m", Part: PartNode, Reload: true,
		Doc:   "how long a peer that left or fell stays listed",
		field: func(f *fields) any { return &f.node.ForgetAfter }},
	{Key: "cluster.tick", Flag: "tick", Env: "LIMINAL_TICK", Default: "60s", Part: PartNode,
		Doc:   "silence after which a peer is down (Erlang's net_ticktime)",
		field: func(f *fields) any { return &f.node.Tick }},
	{Key: "cluster.probe", Flag: "probe", Env: "LIMINAL_PROBE", Default: "1s", Part: PartNode,
		Doc:   "time between two probes of a peer",
		field: func(f *fields) any { return &f.node.Probe }},
	{Key: "cluster.probe_timeout", Flag: "probe-timeout", Env: "LIMINAL_PROBE_TIMEOUT", Default: "3s", Part: PartNode,
		Doc:   "silence after which a liminal peer is down; at least twice probe",
		field: func(f *fields) any { return &f.node.ProbeTimeout }},
	{Key: "cluster.otp_probe_timeout", Flag: "otp-probe-timeout", Env: "LIMINAL_OTP_PROBE_TIMEOUT", Default: "0s", Part: PartNode, zero: true,
		Doc:   "the same for Erlang peers; 0s leaves them to tick",
		field: func(f *fields) any { return &f.node.OTPProbeTimeout }},

	{Key: "channels.max_message", Flag: "max-message", Env: "LIMINAL_MAX_MESSAGE", Default: "1MiB", Part: PartNode,
		Doc:  "longest message published or taken, 1B to 64MiB",
		size: true, within: span{1, 64 << 20},
		field: func(f *fields) any { return &f.node.MaxMessage }},
	{Key: "channels.queue", Flag: "queue", Env: "LIMINAL_QUEUE", Default: "262144", Part: PartNode,
		Doc:    "messages kept for a slow subscriber, 1 to 16777216",
		within: span{1, 1 << 24},
		field:  func(f *fields) any { return &f.node.Queue }},

	{Key: "tls.cert", Flag: "tls-cert", Env: "LIMINAL_TLS_CERT", Part: PartNode, Reload: true,
		Doc: "certificate of this node, PEM; with tls.key and tls.ca every link is under mutual TLS", Example: "/etc/liminal/node.pem",
		field: func(f *fields) any { return &f.tls.Cert }, check: checkPath},
	{Key: "tls.key", Flag: "tls-key", Env: "LIMINAL_TLS_KEY", Part: PartNode, Reload: true,
		Doc: "its key, readable by its owner alone", Example: "/etc/liminal/node.key",
		field: func(f *fields) any { return &f.tls.Key }, check: checkPath},
	{Key: "tls.ca", Flag: "tls-ca", Env: "LIMINAL_TLS_CA", Part: PartNode, Reload: true,
		Doc: "authorities that sign for peers", Example: "/etc/liminal/ca.pem",
		field: func(f *fields) any { return &f.tls.CA }, check: checkPath},

	{Key: "log.level", Flag: "log-level", Env: "LIMINAL_LOG_LEVEL", Default: "info", Part: PartNode, Reload: true,
		Choices: []string{"debug", "info", "warn", "error"},
		Doc:     "debug | info | warn | error",
		field:   func(f *fields) any { return &f.log.Level }},
	{Key: "log.format", Flag: "log-format", Env: "LIMINAL_LOG_FORMAT", Default: "text", Part: PartNode, Reload: true,
		Choices: []string{"text", "json"},
		Doc:     "text | json, on stderr",
		field:   func(f *fields) any { return &f.log.Format }},

	{Key: "ui.color", Flag: "color", Env: "LIMINAL_COLOR", Default: "auto", Part: PartBoth, Choices: []string{"auto", "always", "never"},
		Doc:   "auto | always | never; NO_COLOR in the environment means never",
		field: func(f *fields) any { return &f.ui.Color }},
	{Key: "ui.ascii", Flag: "ascii", Env: "LIMINAL_ASCII", Default: "false", Part: PartBoth,
		Doc:   "true: plain ASCII; false: only where the locale is not UTF-8",
		field: func(f *fields) any { return &f.ui.ASCII }},
	{Key: "ui.timeout", Flag: "timeout", Env: "LIMINAL_TIMEOUT", Default: "30s", Part: PartCommand, zero: true,
		Doc:   "longest a command waits; 0s is no limit; streams have none",
		field: func(f *fields) any { return &f.ui.Timeout }},
}

// tables are the sections of the file with what the example says of them.
var tables = []struct{ name, doc string }{
	{"node", ""},
	{"cluster", ""},
	{"channels", ""},
	{"tls", "all three or none"},
	{"log", ""},
	{"ui", "how commands write"},
}

// Variable is a variable of the environment that is no setting's.
type Variable struct{ Name, Doc string }

var variables = []Variable{
	{"LIMINAL_CONFIG", "the file to read, in place of the first found"},
	{"LIMINAL_NODE", "the local node that commands talk to"},
	{"LIMINAL_COOKIE", "the cookie itself, in place of a cookie file"},
	{"LIMINAL_RUNTIME_DIR", "where sockets and locks live; 0700 and ours"},
	{"LIMINAL_VERBOSE", "not empty: as --verbose"},
	{"NO_COLOR", "not empty: as --color never, unless LIMINAL_COLOR is set"},
	{"ERL_EPMD_PORT", "the port of every epmd, 4369 if unset"},
}

// records tell a program that --exec runs about its record. Known here so that a
// liminal that such a program runs does not wonder about them.
var records = []Variable{
	{"LIMINAL_TYPE", "message, drop, or the type of an event"},
	{"LIMINAL_CHANNEL", "the channel"},
	{"LIMINAL_FROM", "the node that published"},
	{"LIMINAL_SEQ", "the number of the message or event"},
	{"LIMINAL_ID", "the id of the message"},
	{"LIMINAL_COUNT", "how many, where something is counted"},
	{"LIMINAL_PEER", "the peer that an event is of"},
	{"LIMINAL_STATE", "its state"},
	{"LIMINAL_KIND", "its kind"},
}

// RecordVariables lists the variables that --exec sets. None is ever read.
func RecordVariables() []Variable { return slices.Clone(records) }

// Settings gives the table.
func Settings() []Setting { return slices.Clone(settings) }

// Variables lists the variables that are no setting's.
func Variables() []Variable { return slices.Clone(variables) }

// Lookup finds a setting by its key.
func Lookup(key string) (Setting, bool) {
	if i := indexOf(key); i >= 0 {
		return settings[i], true
	}
	return Setting{}, false
}

func indexOf(key string) int {
	return slices.IndexFunc(settings, func(s Setting) bool { return s.Key == key })
}

// Kind gives the form of the value.
func (s *Setting) Kind() Kind {
	var f fields
	switch s.field(&f).(type) {
	case *bool:
		return KindBool
	case *time.Duration:
		return KindDuration
	case *[]string:
		return KindList
	case *int:
		if s.size {
			return KindSize
		}
		return KindNumber
	}
	return KindText
}
