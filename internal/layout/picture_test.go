package layout

import "slices"

// modPath is where the packages of the picture live.
const modPath = "github.com/liminal-bus/liminal"

// place is one row of the picture: what a package may import beside the standard
// library, and what it may not import from there.
type place struct {
	ours     []string // packages of ours
	modules  []string // modules of others
	std      []string // the only packages of the standard library; nil for any
	bans     []ban
	testOnly bool // may be imported by tests alone
}

// ban forbids an import; a pattern ending in /... covers all below it too.
type ban struct{ pattern, because string }

// pure is what a package that only decides may not touch.
var pure = bans("a deciding core does no I/O, holds no clock and starts no goroutine: callers pass in what it needs",
	"net/...", "os/...", "io/...", "time/...", "sync/...", "context", "syscall", "runtime/...", "log/...",
	"crypto/rand", "math/rand/...")

// pureText is what makes text of values may not touch.
var pureText = bans("it makes text of values for whoever shows it, and writes nothing", "net/...", "os/...", "io/...", "context")

// places is the picture. Tests of a package may import all that lies below it.
var places = map[string]place{
	"cli/liminal": {ours: []string{"cli"}},
	"cli": {
		ours:    []string{"tui", "internal/control", "internal/config", "node", "internal/display", "internal/termguard", "internal/certs", "node/observe"},
		modules: []string{"github.com/urfave/cli/v2", "github.com/mattn/go-isatty", "github.com/xrash/smetrics", "golang.org/x/sys"},
	},
	"tui": {
		ours: []string{"internal/control", "internal/display"},
		modules: []string{
			"github.com/charmbracelet/bubbletea", "github.com/charmbracelet/bubbles", "github.com/charmbracelet/lipgloss",
			"github.com/charmbracelet/x/ansi", "golang.org/x/sys",
		},
		bans: bans("the screen is a model, events in and frames out: its commands are handed a client", "net/...", "os/exec"),
	},
	"internal/display": {bans: pureText},
	"internal/certs":   {bans: bans("it makes files: who speaks TLS is handed them", "crypto/tls", "net/http/...", "os/exec")},
	"internal/control": {modules: []string{"golang.org/x/sys"}},
	"internal/config":  {ours: []string{"node"}, modules: []string{"github.com/pelletier/go-toml/v2", "github.com/xrash/smetrics"}},

	"node": {ours: []string{
		"internal/discovery", "internal/membership", "internal/bus", "internal/pg", "internal/links", "internal/epmd",
		"internal/dist", "internal/etf", // it answers control messages and builds terms
		"internal/secure", // its Config takes certificates
	}},
	"node/observe":      {ours: []string{"node"}},
	"node/observe/prom": {ours: []string{"node", "node/observe"}, modules: []string{"github.com/prometheus/client_golang"}},

	"internal/discovery":  {},
	"internal/membership": {bans: pure},
	"internal/bus":        {},
	"internal/pg":         {ours: []string{"internal/etf"}, bans: pure},
	"internal/links":      {ours: []string{"internal/dist", "internal/secure"}},
	"internal/epmd":       {},
	"internal/dist":       {ours: []string{"internal/etf", "internal/secure"}},
	"internal/secure":     {bans: bans("it wraps a connection that it is given: links owns every socket", "net/http/...", "os/exec")},
	"internal/etf":        {bans: bans("terms are bytes in memory: reading and writing them belongs to dist", "net/...", "os/...", "time")},

	"internal/termguard": {std: []string{"os"}}, // each more import would be initialised before it

	"internal/layout":  {testOnly: true},
	"internal/museum":  {testOnly: true},
	"internal/otptest": {testOnly: true},
	"internal/perf":    {testOnly: true},
	"internal/soak":    {testOnly: true, ours: []string{"internal/links", "internal/dist", "internal/etf"}}, // its light peers
	"internal/tlstest": {testOnly: true},
	"internal/testnet": {testOnly: true, modules: []string{"golang.org/x/sys"}},
}

// arrow is an import that shall never be allowed, whatever places says.
type arrow struct{ from, to, because string }

// arrows are tried in order; "..." is any package.
var arrows = []arrow{
	{"...", "cli/liminal", "main is the outermost shell and holds only signals and the exit status"},
	{"cli/liminal", "...", "main hands over to cli, where everything can be tested"},
	{"...", "cli", "commands are the outermost layer: nothing below may know how it is typed or printed"},
	{"tui", "node", "the screen shows what the control API tells, so it can watch any node, not only one in its process"},
	{"...", "tui", "the screen is one way to look at a node: only cli may offer it"},
	{"node/...", "internal/control", "an embedded node has no socket: cli puts a node behind the control server"},
	{"node/...", "internal/config", "an embedded node has no file: config turns a file into a node.Config, never the reverse"},
	{"internal/control", "...", "the API types are a leaf, so that cli and tui can import them without a node"},
	{"internal/config", "internal/control", "settings are known before there is a socket to speak on"},
	{"internal/...", "internal/control", "a layer below node has no API of its own: node tells, cli translates"},
	{"internal/certs", "...", "a certificate is made from a name: it knows nothing of nodes and links"},
	{"...", "internal/certs", "a node is handed certificates and makes none: only cli does, for a person who asks"},
	{"...", "internal/config", "settings arrive as arguments: only cli reads files and environment"},
	{"cli", "internal/...", "a command goes through node or the control API, which keep the cluster's promises"},
	{"internal/membership", "...", "who is in the cluster is decided from plain values, so that a model can check it"},
	{"internal/discovery", "...", "addresses and back-off know nothing of links: node dials"},
	{"internal/epmd", "...", "EPMD's protocol stands alone: names to ports"},
	{"internal/secure", "...", "who may be trusted is decided by certificates alone, whatever they protect"},
	{"internal/etf", "...", "the term codec is the bottom of the house"},
	{"internal/bus", "...", "local queues know nothing of the wire: node joins the two"},
	{"internal/pg", "internal/dist", "groups are decided as values: node sends them, so pg needs no link to be tested"},
	{"internal/links", "internal/membership", "the table says what is up and decides nothing: membership diffs what node copies from it"},
	{"internal/links", "internal/etf", "links moves frames and does not look into them: dist does"},
	{"internal/dist", "internal/links", "a link does not know the table it stands in"},
	{"internal/...", "node", "nothing points up: node wires its parts, parts do not know the whole"},
	{"node", "node/...", "a node serves nobody but its peers: what shows it to others lies on top of it"},
	{"node/observe", "node/observe/...", "client_golang costs each start of a program that links it: only who asks for it pays"},
	{"cli", "node/observe/prom", "client_golang costs each start of a program that links it: only who asks for it pays"},
}

// nodeBans hold for node, all below it, and what those import in turn.
var nodeBans = bans("whoever holds the cookie must find nothing in a node that runs code or opens another door",
	"os/exec", "plugin", "encoding/gob", "net/http/...")

// nodeBansExempt serve HTTP on an address the operator asks for; the other bans
// hold for them too.
var nodeBansExempt = map[string]bool{"node/observe": true, "node/observe/prom": true}

// bansFor are nodeBans, as far as they hold for a package of node.
func bansFor(path string) []ban {
	if !nodeBansExempt[path] {
		return nodeBans
	}
	return slices.DeleteFunc(slices.Clone(nodeBans), func(b ban) bool { return b.pattern == "net/http/..." })
}

// everywhere holds for each file, tests included.
var everywhere = bans("x/net moves with every HTTP/2 advisory; what it offers beyond std is not needed here", "golang.org/x/net/...")

// topLevel is all that may stand in the root beside dot-files.
var topLevel = []string{
	"cli", "node", "tui", "internal", "testdata", "go.mod", "go.sum", "justfile", "README.md", "LICENSE",
}

// maxModules is how many modules what we build may import. Those that tests
// alone import do not count, nor do tools: their code runs in nobody's node,
// and better tests should not have to be weighed against a thinner product.
const maxModules = 12

func bans(because string, patterns ...string) []ban {
	var list []ban
	for _, p := range patterns {
		list = append(list, ban{p, because})
	}
	return list
}
