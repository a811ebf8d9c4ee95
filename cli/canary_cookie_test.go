package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// S10: cookies that are known go through everything that has to do with them, at
// debug level and on every path that ends in an error; then all that was printed,
// served, logged and written, and what the system shows of each process, is
// searched for them.
func TestCanaryCookie(t *testing.T) {
	c := newCanary(t)
	own := c.secret("own", canaryOwn+"\n", 0o400)
	accept := c.secret("accept", "", 0o400)
	wrong := c.secret("wrong", canaryWrong+"\n", 0o400)
	inEnv := c.with("LIMINAL_COOKIE=" + canaryOwn)
	c.node(inEnv, "a", "--http", "127.0.0.1:0", "--cookie-accept-file", accept)
	c.node(c.processes, "b", "--cookie-file", own, "--cookie-accept-file", accept, "--seed", "a", "--log-format", "json")
	c.node(c.processes, "x", "--cookie-file", wrong, "--seed", "a", "--retry-join")
	c.say(0, c.processes, "peers", "--node", "a", "--wait", "1")
	c.await("x", "cookie", 1)
	c.refusals()
	c.commands(inEnv)
	c.children(inEnv)
	c.rotate()
	c.pages()
	c.procs("a")
	c.quit()
	c.badStarts(own)
	c.panics()
	c.nothingShows()
	c.searchedWell()
}

// address is where a node listens.
func (c *canary) address(name string) string { return c.status(name).Listen[0] }

func (c *canary) status(name string) (s control.Status) {
	c.t.Helper()
	text, _ := c.command("status", "--json", "--node", name).Output() // its status is 1 where a cookie was refused
	c.keep(text)
	if err := json.Unmarshal(text, &s); err != nil {
		c.t.Fatalf("%v: %s", err, text)
	}
	return s
}

// refusals are of a wrong cookie, from either side and in every form.
func (c *canary) refusals() {
	x := c.address("x")
	for _, form := range c.forms() {
		c.say(77, c.processes, "join", x, "--node", "a", form)
		c.say(77, c.processes, "join", c.address("a"), "--node", "x", form)
		for _, cookie := range []string{"LIMINAL_COOKIE=" + canaryOwn, "LIMINAL_COOKIE_FILE=" + c.path("secret", "own")} {
			c.say(26, c.with(cookie), "probe", x, form)
			c.say(77, c.with(cookie), "peers", "--attach", x, form)
			c.say(77, c.with(cookie), "watch", "--attach", x, "--count", "1", form)
		}
	}
}

// commands that go well, of somebody who has the cookie.
func (c *canary) commands(inEnv *processes) {
	a := c.address("a")
	for line, code := range map[string]int{
		"status --node a": anyStatus, "status --node b": anyStatus, // ill, for who was refused
		"peers --node a": 0, "channels --node a": 0, "node list": 0, "config show": 0, "config check": 0, "version": 0,
		"probe " + a: 0, "peers --attach " + a: 0, "watch --node a --since 1h --count 1": 0, "pub chat hello --node a": 0,
	} {
		for _, form := range c.forms() {
			c.say(code, inEnv, append(strings.Fields(line), form)...)
		}
	}
	accepting := c.with("LIMINAL_COOKIE="+canaryOwn, "LIMINAL_COOKIE_ACCEPT_FILE="+c.path("secret", "accept"))
	c.say(0, accepting, "config", "show")
	c.say(0, accepting, "config", "show", "--json")
	c.say(anyStatus, inEnv, "watch", "--attach", a, "--count", "1", "--timeout", "300ms")
	for _, line := range []string{"help environment", "man", "complete --for bash --line liminal~node~start~--cookie --breaks :", "completion bash"} {
		c.say(0, inEnv, strings.Fields(line)...)
	}
}

// children are the programs of --exec: what they are told does not hold the cookie
// that their parent has.
func (c *canary) children(inEnv *processes) {
	c.t.Helper()
	const watch = "watch --node a --since 1h --events peer.join --count 1 --exec"
	for _, more := range [][]string{{"env"}, {"cat /proc/self/environ || env", "--exec-shell"}} {
		if out := c.say(0, inEnv, append(strings.Fields(watch), more...)...); !strings.Contains(out, "LIMINAL_TYPE=peer.join") || strings.Contains(out, "LIMINAL_COOKIE") {
			c.t.Errorf("the environment of a program: %q", out)
		}
	}
	sub := inEnv.start("sub", "chat", "--node", "a", "--count", "1", "--exec", "env")
	c.say(0, inEnv, "pub", "chat", "hello", "--node", "b", "--wait", "1")
	var out strings.Builder
	for sub.stdout.Scan() {
		out.WriteString(sub.stdout.Text() + "\n")
	}
	if err := sub.cmd.Wait(); err != nil || !strings.Contains(out.String(), "LIMINAL_TYPE=message") || strings.Contains(out.String(), "LIMINAL_COOKIE") {
		c.t.Errorf("the environment of a program: %v: %q, %s", err, out.String(), sub.stderr)
	}
	c.keep([]byte(out.String() + sub.stderr.String()))
}

// rotate changes b's cookie while it runs, and tries to with files that are wrong.
func (c *canary) rotate() {
	for _, name := range []string{"a", "b"} {
		c.secret("accept", canaryNew+"\n", 0o400)
		c.signal(name, syscall.SIGHUP, "cookies changed")
	}
	c.secret("own", canaryNew+"\n", 0o400)
	c.secret("accept", canaryOwn+"\n", 0o400)
	c.signal("b", syscall.SIGHUP, "cookies changed")
	for _, bad := range []struct {
		text string
		mode os.FileMode
	}{{canaryOwn, 0o644}, {canaryOwn + "\x01", 0o400}, {strings.Repeat(canaryOwn+"\n", 9), 0o400}, {strings.Repeat(canaryOwn, 20), 0o400}} {
		for _, file := range []string{"own", "accept"} {
			before := c.secretNow(file)
			c.secret(file, bad.text, bad.mode)
			c.signal("b", syscall.SIGHUP, "reload: nothing changed")
			c.secret(file, before, 0o400)
		}
	}
	c.say(anyStatus, c.processes, "status", "--node", "a", "-v")
	c.say(anyStatus, c.processes, "status", "--node", "b", "-v")
}

// pages are those of the control socket and of health and metrics, also under
// methods and paths that they do not have.
func (c *canary) pages() {
	s := c.status("a")
	unix := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.Socket)
	}}}
	for _, path := range []string{"/v1/status", "/v1/peers", "/v1/peers?brief=1", "/v1/peers?cookie=1", "/v1/channels", "/v1/watch?last=1h", "/v1/subscribe?channel=chat",
		"/v1/subscribe?channel=chat&format=frames", "/v1/publish?channel=chat", "/v1/join", "/v1/forget", "/v1/config", "/v1/cookie", "/debug/pprof/goroutine?debug=2", "/debug/vars", "/"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodHead} {
			c.page(unix, method, "http://x"+path)
		}
	}
	tcp := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, path := range []string{"/health", "/ready", "/metrics", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/vars", "/config", "/v1/status", "/"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodHead} {
			c.page(tcp, method, "http://"+s.HTTP[0]+path)
		}
	}
}

// page keeps the head and the body of an answer. Streams have no end: a moment of
// them will do.
func (c *canary) page(client *http.Client, method, url string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(`{"addresses":["b@127.0.0.1:1"],"names":["nobody"]}`))
	if err != nil {
		c.t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		c.t.Errorf("%s %s: %v", method, url, err)
		return
	}
	defer answer.Body.Close()
	if method == http.MethodGet && (strings.Contains(url, "/v1/watch") || strings.Contains(url, "/v1/subscribe")) {
		time.AfterFunc(100*time.Millisecond, cancel)
	}
	body, _ := io.ReadAll(answer.Body)
	var head strings.Builder
	_ = answer.Header.Write(&head)
	c.keep(append([]byte(answer.Status+head.String()), body...))
}

// badStarts are cookies that cannot be had, and files in the wrong place.
func (c *canary) badStarts(own string) {
	start := []string{"node", "start", "--name", "n@127.0.0.1", "--listen", "127.0.0.1:0"}
	open, long := c.secret("open", canaryOwn, 0o644), c.secret("long", strings.Repeat(canaryOwn, 20), 0o400)
	odd, many := c.secret("odd", canaryOwn+"\x01\n", 0o400), c.secret("many", canaryOwn+"\n"+canaryNew+"\n"+canaryOwn+"1\n"+canaryOwn+"2\n", 0o400)
	inside := c.secret("inside.toml", "[node]\ncookie = \""+canaryOwn+"\"\n", 0o600)
	table := c.secret("table.toml", "node = { cookie_file = { value = \""+canaryOwn+"\" } }\n", 0o600)
	for _, bad := range []struct {
		code int
		vars []string
		args []string
	}{
		{77, nil, []string{"--cookie-file", open}},
		{77, nil, []string{"--cookie-file", odd}},
		{77, nil, []string{"--cookie-file", many}},
		{77, nil, []string{"--cookie-file", long}},
		{77, nil, []string{"--cookie-file", c.path("secret")}},
		{66, nil, []string{"--cookie-file", c.path("none")}},
		{77, []string{"LIMINAL_COOKIE=" + canaryOwn}, []string{"--cookie-accept-file", open}},
		{77, []string{"LIMINAL_COOKIE=" + canaryOwn}, []string{"--cookie-accept-file", many}},
		{77, []string{"LIMINAL_COOKIE=" + canaryOwn + "\x01"}, nil},
		{77, []string{"LIMINAL_COOKIE=" + strings.Repeat(canaryOwn, 20)}, nil},
		{78, []string{"LIMINAL_COOKIE=" + canaryOwn, "LIMINAL_COOKIE_FILE=" + own}, nil},
		{78, nil, []string{"--config", inside}},
		{78, nil, []string{"--config", table}},
		{78, nil, []string{"--config", own}},
		{64, nil, []string{"--cookie", canaryOwn}},
		{64, nil, []string{"--cookie=" + canaryOwn}},
	} {
		for _, form := range c.forms() {
			c.say(bad.code, c.with(bad.vars...), append(append(start[:len(start):len(start)], bad.args...), form)...)
		}
	}
	for _, path := range []string{inside, table, own} {
		c.say(78, c.processes, "config", "check", "--config", path)
	}
}

// panics: what is said of a bug holds names of functions and no values.
func (c *canary) panics() {
	c.t.Helper()
	for i, args := range [][]string{{"node", "start", "-v"}, {"peers", "--attach", "x@127.0.0.1:1", "-v"}, {"probe", "x@127.0.0.1:1", "--json"}} {
		env := testEnv(c.t, "LIMINAL_COOKIE="+canaryOwn)
		if i < 2 { // while the settings are read
			env.Environ = func() []string { panic("no time") }
		}
		env.Now = func() time.Time { panic("no time") } // when the cookie has been used
		r := runIn(c.t, env, args...)
		if r.code != exitBug {
			c.t.Errorf("%q: %+v", args, r)
		}
		c.keep([]byte(r.stdout + r.stderr))
	}
}

// searchedWell: the search finds what there is, and the scenario has gone where it
// was to go.
func (c *canary) searchedWell() {
	c.t.Helper()
	for _, planted := range []string{"x" + canaryNew + "y", hex.EncodeToString([]byte("x" + canaryWrong)), base64Of("xy" + canaryNew), "CANARY"} {
		if len(c.found([]byte(planted))) == 0 {
			c.t.Errorf("%q would not be found", planted)
		}
	}
	said := c.said.String() + c.out("a") + c.out("b") + c.out("x")
	for want, times := range map[string]int{
		"the cookies differ": 5, "25 characters from LIMINAL_COOKIE": 3, "33 characters from " + filepath.Join(c.dir, "secret", "own"): 1,
		"cookies changed": 3, "reload: nothing changed": 8, "can be read by others": 3, "liminal_handshakes_failed_total": 4,
		"goroutine 1 ": 3, "bug: no time": 3, "runtime/debug.Stack": 2, "level=DEBUG": 10, `"level":"DEBUG"`: 4, "not a setting": 3, "LIMINAL_TYPE=": 3,
	} {
		if got := strings.Count(said, want); got < times {
			c.t.Errorf("%q was said %d times, want %d or more", want, got, times)
		}
	}
}
