package cli

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/dist"
)

// troubles bring about each error of the manual's table by what people do, and
// then do what its try says.
var troubles = []struct {
	code string
	run  func(t *testing.T)
}{
	{"node_not_running", func(t *testing.T) {
		w := newWorld(t)
		w.follow(w.trouble("node_not_running", "peers"))
		w.obey([]string{"peers"}) // works now
		w.follow(w.trouble("node_not_running", "peers", "--node", "b"))
		w.obey([]string{"peers", "--node", "b"})
	}},
	{"stale_socket", func(t *testing.T) {
		w := newWorld(t)
		ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(w.dir(), "a.sock"), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		ln.SetUnlinkOnClose(false)
		ln.Close()
		w.follow(w.trouble("stale_socket", "peers"))
		w.obey([]string{"peers"})
	}},
	{"which_node", func(t *testing.T) {
		w := newWorld(t)
		w.node(long("a")...)
		w.node(long("b")...)
		w.follow(w.trouble("which_node", "peers"))
		e := w.trouble("which_node", "pub", "orders", "it's", "--", "-x")
		w.follow(e) // with all its words
		variable := regexp.MustCompile(`or set (LIMINAL_NODE=\w+)$`).FindStringSubmatch(e.Try)
		w.with(variable[1]).obey([]string{"peers"})
	}},
	{"socket_permission", socketPermissionTrouble},
	{"runtime_dir", func(t *testing.T) {
		w := newWorld(t)
		if err := os.Chmod(w.dir(), 0o755); err != nil {
			t.Fatal(err)
		}
		e := w.trouble("runtime_dir", "node", "start")
		w.shell(e.Try) // chmod 700
		w.obey([]string{"node", "start"})
	}},
	{"socket_path", func(t *testing.T) {
		w := newWorld(t)
		e := w.trouble("socket_path", "node", "start", "--socket", "/tmp/"+strings.Repeat("a", 200))
		w.follow(e, "/tmp/", w.dir()+"/") // no test leaves anything in /tmp
	}},
	{"socket_taken", func(t *testing.T) {
		w := newWorld(t)
		serve(t, newFakeBus(), filepath.Join(w.dir(), "x.sock"))
		w.follow(w.trouble("socket_taken", "node", "start", "--socket", filepath.Join(w.dir(), "x.sock")))
		plain := filepath.Join(w.dir(), "file")
		if err := os.WriteFile(plain, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		w.follow(w.trouble("socket_taken", "node", "start", "--socket", plain), "PATH", filepath.Join(w.dir(), "y.sock"))
	}},
	{"already_running", func(t *testing.T) {
		w := newWorld(t)
		w.node(long("a")...)
		w.follow(w.trouble("already_running", append([]string{"node", "start"}, long("a")...)...))
	}},
	{"name_in_use", func(t *testing.T) {
		port := startEPMD(t, "0", map[string]int{"a": 40121})
		w := newWorld(t, "ERL_EPMD_PORT="+port, "LIMINAL_EPMD=auto")
		e := w.trouble("name_in_use", append([]string{"node", "start"}, long("a")...)...)
		if !strings.Contains(e.Why, "epmd has it for port 40121") {
			t.Errorf("%+v", e)
		}
		w.follow(e)
	}},
	{"port_in_use", func(t *testing.T) {
		w := newWorld(t)
		taken := w.node(long("a")...)
		w.follow(w.trouble("port_in_use", "node", "start", "--name", "b@127.0.0.1", "--listen", taken))
	}},
	{"epmd_missing", func(t *testing.T) {
		w := newWorld(t)
		start := append([]string{"node", "start", "--epmd", "require"}, long("a")...)
		e := w.trouble("epmd_missing", start...)
		first, rest, _ := strings.Cut(e.Try, ", or ")
		if first != "epmd -daemon" || rest != "drop --epmd require" {
			t.Fatalf("try %q", e.Try)
		}
		if _, err := exec.LookPath("epmd"); err == nil {
			w.shell(first)
			awaitPort(t, w.env.Getenv("ERL_EPMD_PORT")) // it returns before it listens
			t.Cleanup(func() { killEPMD(t, w.env.Getenv("ERL_EPMD_PORT")) })
		} else {
			startEPMD(t, w.env.Getenv("ERL_EPMD_PORT"), map[string]int{}) // what epmd -daemon would do
		}
		r := startIn(t, w.env, start...)
		r.line(r.stdout, "ready")
		r.signals <- syscall.SIGTERM
		r.exits(0)
		w.node(long("a")...) // and without --epmd require
	}},
	{"tls_mismatch", tlsMismatchTrouble},
	{"tls_untrusted", tlsUntrustedTrouble},
	{"tls_refused", tlsRefusedTrouble},
	{"tls_file", tlsFileTrouble},
	{"config_files", configFilesTrouble},
	{"epmd_remote", func(t *testing.T) {
		w, there := newWorld(t, "LIMINAL_EPMD=auto"), newWorld(t)
		w.node(long("a")...)
		e := w.trouble("epmd_remote", "join", "app@127.0.0.1")
		_, port, _ := net.SplitHostPort(there.node(long("app")...))
		w.follow(e, "PORT", port)
	}},
	{"no_such_name", func(t *testing.T) {
		port := startEPMD(t, "0", map[string]int{})
		w := newWorld(t, "ERL_EPMD_PORT="+port, "LIMINAL_EPMD=auto")
		there := newWorld(t, "ERL_EPMD_PORT="+port, "LIMINAL_EPMD=auto")
		w.node(long("a")...)
		address := there.node(long("web")...)
		e := w.trouble("no_such_name", "join", "app@127.0.0.1")
		if !strings.HasPrefix(e.Why, "its epmd knows: web") {
			t.Errorf("%+v", e)
		}
		w.follow(e)
		alone := newWorld(t) // asks no epmd
		alone.node(long("a")...)
		_, listens, _ := net.SplitHostPort(address)
		alone.follow(alone.trouble("no_such_name", "join", "web@127.0.0.1"), "PORT", listens)
	}},
	{"unreachable", func(t *testing.T) {
		w, there := newWorld(t), newWorld(t)
		w.node(long("a")...)
		port, err := silentPort()
		if err != nil {
			t.Fatal(err)
		}
		e := w.trouble("unreachable", "join", "c@127.0.0.1:"+port)
		// There: a node that listens is what is missing. Not on every address,
		// though, in a test.
		all := there.commands(e, ":9100", "127.0.0.1:"+port)
		if len(all) != 2 || all[0][0] != "status" {
			t.Fatalf("%q", all)
		}
		there.obey(append(all[1], "--name", "c@127.0.0.1"))
		there.obey(all[0])
		w.obey([]string{"join", "c@127.0.0.1:" + port})
	}},
	{"no_host", func(t *testing.T) {
		w, there := newWorld(t), newWorld(t)
		w.node(long("a")...)
		_, port, _ := net.SplitHostPort(there.node(long("x")...))
		w.follow(w.trouble("no_host", "join", "x@host.invalid:"+port), "10.0.0.5", "127.0.0.1")
	}},
	{"cookie", func(t *testing.T) {
		w, there := newWorld(t, "LIMINAL_COOKIE=another-cookie-of-24-chars"), newWorld(t)
		w.node(long("a")...)
		address := there.node(long("b")...)
		e := w.trouble("cookie", "join", address)
		file := filepath.Join(t.TempDir(), "cookie")
		if err := os.WriteFile(file, []byte("a-cookie-of-some-length"), 0o400); err != nil {
			t.Fatal(err)
		}
		again := newWorld(t, "LIMINAL_COOKIE=")
		for _, words := range again.commands(e, "PATH", file) {
			again.obey(append(words, long("a")...))
		}
		again.obey([]string{"join", address})
	}},
	{"cookie_mode", func(t *testing.T) {
		w := newWorld(t, "LIMINAL_COOKIE=")
		if err := os.WriteFile(filepath.Join(w.env.Home, ".erlang.cookie"), []byte("a-cookie-of-some-length"), 0o644); err != nil {
			t.Fatal(err)
		}
		start := append([]string{"node", "start"}, long("a")...)
		w.shell(w.trouble("cookie_mode", start...).Try)
		w.obey(start)
	}},
	{"name_mode", func(t *testing.T) {
		w, there := newWorld(t), newWorld(t)
		w.node("--name", "a", "--listen", here)
		address := there.node(long("b")...)
		e := w.trouble("name_mode", "join", "b@"+address)
		again := newWorld(t)
		again.follow(e)
		again.obey([]string{"join", "b@" + address})
		// The other way about.
		short := newWorld(t)
		address = short.node("--name", "c", "--listen", here)
		e = there.trouble("name_mode", "join", address)
		again = newWorld(t)
		again.follow(e)
		again.obey([]string{"join", address})
	}},
	{"name_duplicate", func(t *testing.T) {
		w := newWorld(t)
		w.node(long("a")...)
		w.follow(w.trouble("name_duplicate", "join", greeter(t, "a@127.0.0.1", uint64(dist.Offer(false)))))
	}},
	{"version", func(t *testing.T) {
		w := newWorld(t)
		w.node(long("a")...)
		e := w.trouble("version", "join", greeter(t, "old@127.0.0.1", 0))
		if strings.Contains(e.Try, "liminal") {
			t.Errorf("try %q has a command now: run it", e.Try)
		}
	}},
	{"control_version", controlVersionTrouble},
	{"config_key", func(t *testing.T) {
		w := newWorld(t)
		file := filepath.Join(t.TempDir(), "config.toml")
		if err := os.WriteFile(file, []byte("[cluster]\nseed = [\"b\"]\n[node]\nnam = \"a\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		e := w.trouble("config_key", "peers", "--config", file)
		for _, words := range w.commands(e) {
			if r := w.run(words...); r.code != 78 || !strings.Contains(r.stderr, "line 2:") || !strings.Contains(r.stderr, "line 4:") {
				t.Errorf("%q does not show all problems: %+v", words, r)
			}
		}
	}},
	{"input_missing", func(t *testing.T) {
		w := newWorld(t)
		w.follow(w.trouble("input_missing", "peers", "--config", filepath.Join(t.TempDir(), "none.toml")))
	}},
	{"usage", func(t *testing.T) {
		w := newWorld(t)
		w.follow(w.trouble("usage", "pub", "chat", "--quite"))
		w.follow(w.trouble("usage", "peerz"))
		w.follow(w.trouble("usage", "node"))
	}},
	{"message_size", func(t *testing.T) {
		w := newWorld(t)
		w.node(long("a")...)
		e := w.trouble("message_size", "pub", "chat", strings.Repeat("x", 1<<20+1))
		key := regexp.MustCompile(`^raise (\S+) there, or split the input$`).FindStringSubmatch(e.Try)
		if key == nil {
			t.Fatalf("try %q", e.Try)
		}
		if _, ok := config.Lookup(key[1]); !ok {
			t.Errorf("%s is no setting", key[1])
		}
		larger := newWorld(t, "LIMINAL_MAX_MESSAGE=2MiB")
		larger.node(long("a")...)
		larger.obey([]string{"pub", "chat", strings.Repeat("x", 1<<20+1)})
	}},
	// Those that the manual's table leaves out.
	{"message_empty", func(t *testing.T) {
		w := newWorld(t)
		w.node(long("a")...)
		w.follow(w.trouble("message_empty", "pub", "chat", ""), "CHANNEL", "chat")
	}},
	{"refused", func(t *testing.T) {
		w, there := newWorld(t), newWorld(t)
		ours := w.node(long("a")...)
		address := there.node(long("b")...)
		there.obey([]string{"leave"})
		there.follow(w.trouble("refused", "join", address), "ADDR", ours)
	}},
	{"self", func(t *testing.T) {
		w := newWorld(t)
		w.follow(w.trouble("self", "join", w.node(long("a")...)))
	}},
	{"not_dist", func(t *testing.T) {
		w := newWorld(t)
		w.node(long("a")...)
		w.follow(w.trouble("not_dist", "join", startTalker(t, "HTTP/1.1 400 Bad Request\r\n\r\n")))
	}},
	{"bad_address", func(t *testing.T) {
		w := newWorld(t)
		w.node(long("a")...)
		w.follow(w.trouble("bad_address", "join", "b@@x"))
	}},
	{"unknown_channel", func(t *testing.T) {
		w := newWorld(t)
		w.node(long("a")...)
		w.follow(w.trouble("unknown_channel", "channels", "nobody"))
	}},
	{"unknown_peer", func(t *testing.T) {
		w := newWorld(t)
		w.node(long("a")...)
		w.follow(w.trouble("unknown_peer", "peers", "nobody"))
	}},
	{"timeout", func(t *testing.T) {
		w := newWorld(t)
		w.follow(w.trouble("timeout", "peers", "--wait", "1", "--timeout", "10ms"))
	}},
	{"cluster_join", func(t *testing.T) {
		w := newWorld(t)
		w.follow(w.trouble("cluster_join", "node", "start", "--join-timeout", "0s", "--seed", "b@127.0.0.1:1", "--name", "a@127.0.0.1", "--listen", here))
	}},
	{"exec_missing", func(t *testing.T) {
		w := newWorld(t)
		e := w.trouble("exec_missing", "sub", "chat", "--exec", "nothing-of-that-name")
		w.node(long("a")...)
		for _, words := range w.commands(e, "CHANNEL", "chat", "...", "true") {
			w.obey(append(words, "--idle", "1ms"))
		}
	}},
	{"exec_refused", func(t *testing.T) {
		w := newWorld(t)
		file := filepath.Join(shortDir(t), "program")
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.shell(w.trouble("exec_refused", "sub", "chat", "--exec", file).Try)
		w.node(long("a")...)
		w.obey([]string{"sub", "chat", "--exec", file, "--idle", "1ms"})
	}},
	{"exec_failed", func(t *testing.T) {
		b := newFakeBus()
		b.stream = saying(message("x"))
		w := &world{t, busEnv(t, b)}
		r := w.run("sub", "chat", "--exec", "false", "--count", "1", "--json")
		for _, words := range w.commands(w.told("exec_failed", r), "CHANNEL", "chat") {
			w.obey(append(words, "--count", "1"))
		}
	}},
}

func TestTroubles(t *testing.T) {
	for _, trouble := range troubles {
		t.Run(trouble.code, func(t *testing.T) {
			t.Parallel()
			trouble.run(t)
		})
	}
}

// manualCodes is the manual's table of errors.
var manualCodes = []string{
	"node_not_running", "stale_socket", "which_node", "socket_permission", "runtime_dir", "socket_path", "already_running",
	"name_in_use", "port_in_use", "epmd_missing", "epmd_remote", "no_such_name", "unreachable", "no_host", "cookie", "cookie_mode",
	"name_mode", "name_duplicate", "tls_mismatch", "tls_untrusted", "version", "control_version", "config_key", "usage", "message_size",
}

// TestTroublesAreComplete: each row of the table has its trouble.
func TestTroublesAreComplete(t *testing.T) {
	made := map[string]bool{}
	for _, trouble := range troubles {
		made[trouble.code] = true
		if _, ok := exits[trouble.code]; !ok {
			t.Errorf("%s has no exit status", trouble.code)
		}
	}
	for _, code := range manualCodes {
		if !made[code] {
			t.Errorf("nothing brings about %s", code)
		}
	}
}
