package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/liminal-bus/liminal/internal/control"
)

// world is one machine of a test: its own home, runtime directory and epmd port.
type world struct {
	*testing.T
	env Env
}

func newWorld(t *testing.T, vars ...string) *world {
	t.Helper()
	port, err := silentPort()
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, testEnv(t, append([]string{"ERL_EPMD_PORT=" + port, "LIMINAL_COOKIE=a-cookie-of-some-length"}, vars...)...)}
}

// with is the same machine with other variables, "NAME=" for none.
func (w *world) with(vars ...string) *world { return &world{w.T, testEnvWith(w.env, vars...)} }

func (w *world) dir() string { return w.env.Getenv("LIMINAL_RUNTIME_DIR") }

// node starts a node, which ends with the test, and gives its address.
func (w *world) node(args ...string) (address string) {
	w.Helper()
	_, address = w.start(append([]string{"node", "start"}, args...))
	return address
}

// start runs a node to its first line.
func (w *world) start(args []string) (r *running, address string) {
	w.Helper()
	r = startIn(w.T, w.env, append(args, "--json")...)
	var doc readyDoc
	if err := json.Unmarshal([]byte(r.line(r.stdout, "{")), &doc); err != nil || doc.Type != "node.ready" {
		w.Fatalf("%q: %v, %+v", args, err, doc)
	}
	w.Cleanup(func() { r.signals <- syscall.SIGTERM; r.exits(0) })
	return r, doc.Listen[0]
}

func (w *world) run(args ...string) result { w.Helper(); return runIn(w.T, w.env, args...) }

// trouble runs a command that fails and gives its error.
func (w *world) trouble(code string, args ...string) *control.Error {
	w.Helper()
	r := w.run(append([]string{"--json"}, args...)...)
	return w.told(code, r)
}

func (w *world) told(code string, r result) *control.Error {
	w.Helper()
	var doc control.Failure
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n") // of which a node's log takes some
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &doc); err != nil || doc.Error == nil {
		var join control.Join // says it in the document
		if json.Unmarshal([]byte(r.stdout), &join) == nil && len(join.Results) == 1 && join.Results[0].Error != nil {
			doc.Error = join.Results[0].Error
		} else {
			w.Fatalf("no error of code %s: %+v", code, r)
		}
	}
	e := doc.Error
	if e.Code != code || e.Exit != r.code || exits[code] != e.Exit || e.Message == "" || e.Why == "" || e.Try == "" {
		w.Fatalf("exit %d, want %s: %+v", r.code, code, e)
	}
	return e
}

// commands are those of a try, in order, placeholders filled in.
func (w *world) commands(e *control.Error, fill ...string) [][]string {
	w.Helper()
	try := strings.NewReplacer(fill...).Replace(e.Try)
	var all [][]string
	for _, m := range commandIn.FindAllStringSubmatch(try, -1) {
		words, err := splitWords(m[1])
		if err != nil {
			w.Fatalf("%s: %v", m[0], err)
		}
		all = append(all, words)
	}
	if len(all) == 0 {
		w.Fatalf("no command in %q", e.Try)
	}
	return all
}

// follow does what a try says: a node that it starts must become ready, and any
// other command exit with 0.
func (w *world) follow(e *control.Error, fill ...string) {
	w.Helper()
	for _, words := range w.commands(e, fill...) {
		w.obey(words)
	}
}

func (w *world) obey(words []string) {
	w.Helper()
	if len(words) > 1 && words[0] == "node" && words[1] == "start" {
		w.start(words)
		return
	}
	if r := w.run(words...); r.code != 0 {
		w.Errorf("liminal %s: %+v", strings.Join(words, " "), r)
	}
}

// shell runs the line of another program, as a person would.
func (w *world) shell(line string) {
	w.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Env = append(os.Environ(), append(w.env.Environ(), "HOME="+w.env.Home)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.Errorf("%s: %v: %s", line, err, out)
	}
}

const here = "127.0.0.1:0"

// long gives the flags of a node with a long name, so that no name is looked up.
func long(name string) []string { return []string{"--name", name + "@127.0.0.1", "--listen", here} }
