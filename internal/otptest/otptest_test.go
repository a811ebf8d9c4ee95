package otptest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTwoNodesPingEachOther(t *testing.T) {
	for _, tc := range []struct {
		name string
		a, b Options
	}{
		{"long names", Options{Name: "a"}, Options{Name: "b"}},
		{"short names", Options{Name: "a", Short: true}, Options{Name: "b", Short: true}},
		{"host of no resolver", Options{Name: "a", Host: "nowhere.test"}, Options{Name: "b", Host: "nowhere.test"}},
		{"cookie given", Options{Name: "a", Cookie: "odd'\\\"$x"}, Options{Name: "b", Cookie: "odd'\\\"$x"}},
		{"more of everything", Options{Name: "a", TickTime: 8}, Options{Name: "b", TickTime: 8, NoPG: true, Args: []string{"-kernel", "start_pg", "true"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b := Start(t, tc.a), Start(t, tc.b)
			for _, pair := range [][2]*Node{{a, b}, {b, a}} {
				if got := pair[0].Eval(t, fmt.Sprintf("net_adm:ping('%s').", pair[1].Name)); got != "pong" {
					t.Errorf("%s pings %s: %s, want pong", pair[0].Name, pair[1].Name, got)
				}
			}
			if got := a.Eval(t, "nodes() =:= ['"+b.Name+"'] orelse nodes()"); got != "true" {
				t.Errorf("nodes() = %s, want only %s", got, b.Name)
			}
			if tc.b.NoPG {
				a.Eval(t, "pg:join(g, self())")
				b.WaitEval(t, "length(pg:get_members(g))", "1", 10*time.Second)
				if got := a.Eval(t, "net_kernel:get_net_ticktime()"); got != "8" {
					t.Errorf("net_ticktime = %s, want 8", got)
				}
			}
		})
	}
}

func TestHiddenNodeIsNotListed(t *testing.T) {
	a, b := Start(t, Options{Name: "a", Hidden: true}), Start(t, Options{Name: "b"})
	if got := a.Eval(t, "net_kernel:connect_node('b@127.0.0.1')"); got != "true" {
		t.Fatalf("connect_node = %s\n%s", got, a.Log())
	}
	b.WaitEval(t, "{nodes(), nodes(hidden)}", "{[],['a@127.0.0.1']}", 10*time.Second)
}

func TestCookiesDiffer(t *testing.T) {
	a, b := Start(t, Options{Name: "a"}), Start(t, Options{Name: "b", Cookie: "another"})
	if got := a.Eval(t, "net_adm:ping('b@127.0.0.1')"); got != "pang" {
		t.Errorf("ping = %s, want pang", got)
	}
	if a.Cookie == b.Cookie || a.Eval(t, "erlang:get_cookie()") == b.Eval(t, "erlang:get_cookie()") {
		t.Errorf("cookies %q and %q are the same", a.Cookie, b.Cookie)
	}
}

func TestEval(t *testing.T) {
	n := Start(t, Options{EvalTimeout: 10 * time.Second})
	for _, tc := range []struct{ expr, want string }{
		{"1 + 1.", "2"},
		{"1 + 1", "2"},
		{"  A = [1], B = [2], A ++ B .  ", "[1,2]"},
		{`{"é", <<"é"/utf8>>, 'Ж'}`, `{"é",<<"é"/utf8>>,'Ж'}`},
		{`lists:seq(1, 100) -- lists:seq(4, 100)`, "[1,2,3]"},
		{"% only a comment\n ok", "ok"},
		{"1/0.", "exception error: badarith"},
		{"throw({a, b}).", "exception throw: {a,b}"},
		{"exit(normal).", "exception exit: normal"},
		{"error({x, \"y\"})", `exception error: {x,"y"}`},
		{"no:such(1)", "exception error: undef"},
		{"X.", "exception error: {unbound_var,'X'}"},
		{"foo(", "exception syntax: syntax error before: '.'"},
		{"", "exception syntax: syntax error before: '.'"},
		{"exit(self(), kill), receive never -> ok end", "exception evaluator exited: killed"},
		{"whereis(otptest) =:= self()", "true"},
		{"V = 1", "1"},
		{"V = 2", "2"}, // bindings do not last
		{"put(k, v)", "undefined"},
		{"get(k)", "v"}, // the process does
		{"byte_size(list_to_binary(lists:duplicate(300000, $x)))", "300000"},
	} {
		if got := n.Eval(t, tc.expr); got != tc.want {
			t.Errorf("Eval(%q) = %q, want %q", tc.expr, got, tc.want)
		}
	}
	if got := len(n.Eval(t, "lists:duplicate(300000, x)")); got != 600001 {
		t.Errorf("long answer has %d bytes, want 600001", got)
	}
	_, err := n.EvalErr("1/0")
	if ex := new(Exception); !errors.As(err, &ex) || ex.Text != "error: badarith" {
		t.Errorf("EvalErr = %v, want an Exception", err)
	}
}

func TestEvalPastItsDeadline(t *testing.T) {
	n := Start(t, Options{EvalTimeout: 300 * time.Millisecond})
	if _, err := n.EvalErr("receive never -> ok end"); !errors.Is(err, ErrTimeout) {
		t.Fatalf("EvalErr = %v, want ErrTimeout", err)
	}
	n.conn.timeout = 10 * time.Second
	if got := n.Eval(t, "{ok, whereis(otptest) =:= self()}"); got != "{ok,true}" {
		t.Errorf("after the deadline: %s", got)
	}
}

func TestSpawnRunsBesideEval(t *testing.T) {
	n := Start(t, Options{})
	waiting := n.Spawn("register(waiting, self()), receive go -> gone end")
	n.WaitEval(t, "is_pid(whereis(waiting))", "true", 10*time.Second)
	n.Eval(t, "waiting ! go")
	if got := waiting.Get(t); got != "gone" {
		t.Errorf("Spawn = %s, want gone", got)
	}
	if got := n.Spawn("exit(self(), kill), receive x -> x end").Get(t); !strings.HasSuffix(got, "killed") {
		t.Errorf("killed Spawn = %s", got)
	}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			want := fmt.Sprint(i * i)
			a, err := n.EvalErr(fmt.Sprintf("%d * %d", i, i))
			b, err2 := n.Spawn(fmt.Sprintf("%d * %d.", i, i)).Result()
			if a != want || b != want {
				t.Errorf("%d squared: %q %v, %q %v", i, a, err, b, err2)
			}
		})
	}
	wg.Wait()
}

func TestWaitEval(t *testing.T) {
	n := Start(t, Options{})
	n.Eval(t, "put(n, 0)")
	n.WaitEval(t, "put(n, get(n) + 1), get(n)", "5", 10*time.Second)
	n.WaitEval(t, "1/0", "exception error: badarith", time.Second)
	ft := fakeTB(t, func(ft testing.TB) { n.WaitEval(ft, "{still, this}", "that", 50*time.Millisecond) })
	if !strings.Contains(ft.text, "{still,this}") || !strings.Contains(ft.text, "want: that") {
		t.Errorf("a failing WaitEval says %q", ft.text)
	}
}

func TestKillAndStartAgain(t *testing.T) {
	e := NewEPMD(t)
	creations := map[string]bool{}
	for range 3 {
		n := Start(t, Options{EPMD: e})
		creations[n.Eval(t, "erlang:system_info(creation)")] = true
		call := n.Spawn("receive never -> ok end")
		if err := n.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(n.Pid(), 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d after Kill: %v, want no such process", n.Pid(), err)
		}
		if _, err := call.Result(); !errors.Is(err, ErrNodeDown) {
			t.Errorf("call of a killed node = %v, want ErrNodeDown", err)
		}
		if _, err := n.EvalErr("1"); !errors.Is(err, ErrNodeDown) {
			t.Errorf("Eval of a killed node = %v, want ErrNodeDown", err)
		}
		if err := n.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Errorf("Wait = %v, want killed", err)
		}
		if names := e.Names(); len(names) != 0 {
			t.Errorf("epmd still lists %v", names)
		}
	}
	if len(creations) != 3 {
		t.Errorf("three lives have creations %v", creations)
	}
}

func TestHaltIsSeen(t *testing.T) {
	n := Start(t, Options{PGDies: true})
	n.Spawn("io:format(\"good~sbye\", [\"\"]), halt(3)")
	if err := n.Wait(); err == nil || err.Error() != "exit status 3" {
		t.Errorf("Wait = %v, want exit status 3", err)
	}
	if !strings.Contains(n.Log(), "goodbye") {
		t.Errorf("Log = %q, want goodbye in it", n.Log())
	}
}

func TestNameInUse(t *testing.T) {
	e := NewEPMD(t)
	Start(t, Options{EPMD: e})
	if _, err := TryStart(t, Options{EPMD: e}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("second node of one name: %v", err)
	}
}

func TestStopAndCont(t *testing.T) {
	n := Start(t, Options{EvalTimeout: 200 * time.Millisecond})
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.EvalErr("1"); !errors.Is(err, ErrTimeout) {
		t.Errorf("stopped node answers: %v", err)
	}
	if err := n.Cont(); err != nil {
		t.Fatal(err)
	}
	n.conn.timeout = 10 * time.Second
	if got := n.Eval(t, "2"); got != "2" {
		t.Errorf("resumed node: %s", got)
	}
	if err := n.Stop(); err != nil { // cleanup must end a stopped node too
		t.Fatal(err)
	}
}

func TestEPMDRestart(t *testing.T) {
	e := NewEPMD(t)
	a := Start(t, Options{Name: "a", EPMD: e})
	port := e.Port
	if got := e.Names(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("names = %v, want [a]", got)
	}
	e.Stop()
	e.Stop()
	if _, err := epmdNames(e.Addr()); err == nil {
		t.Error("a stopped epmd answers")
	}
	e.Start()
	e.Start()
	if e.Port != port {
		t.Errorf("port %d became %d", port, e.Port)
	}
	b := Start(t, Options{Name: "b", EPMD: e})
	if got := b.Eval(t, "is_integer("+fmt.Sprint(b.Port(t))+")"); got != "true" {
		t.Errorf("port: %s", got)
	}
	if !slices.Contains(e.Names(), "b") {
		t.Errorf("names = %v, want b among them", e.Names())
	}
	if err := a.Kill(); err != nil {
		t.Error(err)
	}
}

func TestTwoEPMDsAreApart(t *testing.T) {
	a, b := Start(t, Options{EPMD: NewEPMD(t)}), Start(t, Options{EPMD: NewEPMD(t)})
	if a.Name != b.Name || a.EPMD.Port == b.EPMD.Port || a.Addr(t) == b.Addr(t) {
		t.Errorf("%s at %s and %s at %s are not apart", a.Name, a.Addr(t), b.Name, b.Addr(t))
	}
	if a.EPMD.Port == 4369 || b.EPMD.Port == 4369 {
		t.Error("the machine's own epmd port was taken")
	}
}

func TestErlCallIsFound(t *testing.T) {
	if filepath.Base(ErlCall(t)) != "erl_call" {
		t.Errorf("ErlCall = %q", ErlCall(t))
	}
}

func TestParseNames(t *testing.T) {
	got := parseNames("name a at port 1\nname b-c at port 65535\nnoise\n\n")
	if want := []string{"a", "b-c"}; !slices.Equal(got, want) {
		t.Errorf("parseNames = %q, want %q", got, want)
	}
}

// processesWith lists the processes whose environment holds text. Linux tells;
// elsewhere the list is empty.
func processesWith(text string) []string {
	var found []string
	envs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range envs {
		if env, err := os.ReadFile(path); err == nil && strings.Contains(string(env), text) {
			cmd, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
			found = append(found, strings.ReplaceAll(string(cmd), "\x00", " "))
		}
	}
	return found
}

func TestNothingIsLeftBehind(t *testing.T) {
	Need(t)
	token := "OTPTEST_TOKEN=" + t.TempDir()
	ok := t.Run("use", func(t *testing.T) {
		n := Start(t, Options{Env: []string{token}})
		n.Eval(t, "inet:gethostbyname(\"some.host.invalid\"), os:cmd(\"true\")") // both helper programs
		kids := processesWith(token)
		if runtime.GOOS == "linux" && len(kids) < 3 {
			t.Errorf("only %q run for the node: the check below would prove nothing", kids)
		}
	})
	if left := processesWith(token); !ok || len(left) > 0 {
		t.Errorf("left running: %q", left)
	}
}

// S18: a test that ends a server of a node fails for it.
func TestServersAreChecked(t *testing.T) {
	Need(t)
	n := Start(t, Options{PGDies: true})
	n.servers = n.Eval(t, serversExpr)
	check := func() *recorder { return fakeTB(t, func(tb testing.TB) { n.checkServers(tb) }) }
	if r := check(); r.how != "" {
		t.Errorf("nothing has happened, and the check says %q", r.text)
	}
	n.Eval(t, "exit(whereis(pg), kill)")
	n.WaitEval(t, "is_pid(whereis(pg))", "true", 10*time.Second)
	if r := check(); r.how != "error" {
		t.Error("pg was restarted, and the check says nothing")
	}
	n.servers = "" // the cleanup looks too
}
