package soak

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/otptest"
)

// world is all that runs.
type world struct {
	*rig
	begun  time.Time
	steady []*steady
	otp    *otptest.Node // lives as long as the steady ones; nil without OTP
	epmd   *otptest.EPMD
	churn  map[string]*guest
	turn   int // of the cookie
	visits sync.WaitGroup

	mu     sync.Mutex
	causes []cause
	errs   []error
	done   map[string]int // actions by their kind
	resets int
}

// guest is the present life of a node that comes and goes.
type guest struct {
	*proc
	reader *reader
	otp    *otptest.Node
}

// cause is a reason why peers may see a node go, and when.
type cause struct {
	who      string // a name before the @; "" is the machine
	what     string
	from, to time.Time
}

// aftermath is how long a cause has consequences: resets, probes, dials that cross.
const aftermath = 12 * time.Second

// because notes a cause that lasts so long.
func (w *world) because(who, what string, lasts time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.causes = append(w.causes, cause{who, what, now.Add(-100 * time.Millisecond), now.Add(lasts + aftermath)})
}

// failed notes what went wrong; the run goes on to its end.
func (w *world) failed(err error) {
	if err == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.errs) < 20 {
		w.errs = append(w.errs, fmt.Errorf("%v: %w", since(w.begun), err))
	}
}

// settle starts the long-lived nodes one after the other, and measures what each
// peer and each stream takes.
func newWorld(t testing.TB, otp bool) *world {
	t.Helper()
	w := &world{rig: newRig(t), begun: time.Now(), churn: map[string]*guest{}, done: map[string]int{}}
	if otp {
		w.epmd = otptest.NewEPMD(t)
		w.otp = w.startOTP("o1")
	}
	for i, name := range steadyNames {
		var seeds []string
		for _, s := range w.steady {
			seeds = append(seeds, s.proxy.addr)
		}
		s, err := w.rig.startSteady(name, seeds...)
		if err != nil {
			t.Fatal(err)
		}
		w.steady = append(w.steady, s)
		if i == 0 {
			w.measureAlone()
		}
	}
	w.must(w.allKnow(false))
	w.measureUnits()
	if otp {
		w.must(w.meetOTP(w.otp))
	}
	w.must(w.allKnow(otp))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// allKnow waits until the long-lived ones have each other up, and nobody else.
func (w *world) allKnow(otp bool) error {
	for _, s := range w.steady {
		var names []string
		for _, o := range w.steady {
			if o != s {
				names = append(names, o.name+host)
			}
		}
		if otp {
			names = append(names, w.otp.Name)
		}
		if err := s.knows(names...); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) restOf(s *steady) sample {
	w.t.Helper()
	x, err := s.rest(w.t.Context(), w.begun)
	w.must(err)
	return x
}

func (w *world) measureAlone() { w.steady[0].base = w.restOf(w.steady[0]) }

// measureUnits learns what a peer costs, and what a stream does, and attaches the
// streams that stay.
func (w *world) measureUnits() {
	first := w.steady[0]
	alone, met := first.base, w.restOf(first)
	for _, s := range w.steady {
		w.must(s.attach())
	}
	heard := w.restOf(first)
	peers := float64(len(w.steady) - 1)
	w.t.Logf("one node alone: %.0f goroutines, %.0f descriptors; a peer takes %.1f and %.1f, a stream %.1f and %.1f",
		alone.Goroutines, alone.FDs, (met.Goroutines-alone.Goroutines)/peers, (met.FDs-alone.FDs)/peers,
		(heard.Goroutines-met.Goroutines)/3, (heard.FDs-met.FDs)/3)
	first.unit = cost{(met.Goroutines - alone.Goroutines) / peers, (met.FDs - alone.FDs) / peers}
}

// startOTP starts a node of OTP whose process counts what comes to the channel.
func (w *world) startOTP(name string) *otptest.Node {
	w.t.Helper()
	n, err := otptest.TryStart(w.t, otptest.Options{
		Name: name, Cookie: firstCookie, EPMD: w.epmd, PGDies: true,
		Args: []string{"-kernel", "prevent_overlapping_partitions", "false", "-connect_all", "false"},
	})
	if err != nil {
		w.failed(err)
		return nil
	}
	if _, err := n.EvalErr(counting); err != nil {
		w.failed(fmt.Errorf("%s: %w", name, err))
	}
	return n
}

// counting registers a process that counts messages, and one that sends some to
// each member elsewhere, ten times a second, and counts those by node.
const counting = `
Count = fun Loop(M) ->
  receive
    {get, P} -> P ! {counted, M}, Loop(M);
    {liminal, _, _, #{from := From}} -> Loop(maps:update_with(From, fun(K) -> K + 1 end, 1, M));
    _ -> Loop(M)
  end
end,
C = spawn(fun() -> Count(#{}) end), register(counter, C), pg:join(<<"` + channel + `">>, C),
Tell = fun Loop(M) ->
  receive
    {stop, P} -> P ! {told, M}
  after 100 ->
    To = try [X || X <- pg:get_members(<<"` + channel + `">>), node(X) =/= node()] catch _:_ -> [] end,
    [X ! <<"from otp">> || X <- To],
    Loop(lists:foldl(fun(X, Acc) -> maps:update_with(atom_to_binary(node(X)), fun(K) -> K + 1 end, 1, Acc) end, M, To))
  end
end,
register(teller, spawn(fun() -> Tell(#{}) end)), ok.`

// meetOTP has every long-lived node dial a node of OTP: it is found in no epmd by
// them.
func (w *world) meetOTP(n *otptest.Node) error {
	if n == nil {
		return errors.New("there is no node of OTP")
	}
	addr := n.Addr(w.t)
	for _, s := range w.steady {
		if err := s.post("/v1/join", "addresses", addr); err != nil {
			return err
		}
	}
	return nil
}

// do carries out one action.
func (w *world) do(ctx context.Context, a action) {
	f, ok := acts[a.Do]
	if !ok {
		w.failed(fmt.Errorf("no such action: %s", a.Do))
		return
	}
	if err := f(w, ctx, a); err != nil {
		w.failed(fmt.Errorf("%s %s: %w", a.Do, a.Who, err))
		return
	}
	w.mu.Lock()
	w.done[a.Do]++
	w.mu.Unlock()
}

func (w *world) steadyNamed(name string) *steady {
	for _, s := range w.steady {
		if s.name == name {
			return s
		}
	}
	return w.steady[0]
}

// hangUpAll is SIGHUP to every process of ours.
func (w *world) hangUpAll() (err error) {
	for _, s := range w.steady {
		err = errors.Join(err, s.signal(syscall.SIGHUP))
	}
	for _, g := range w.churn {
		if g.proc != nil {
			err = errors.Join(err, g.signal(syscall.SIGHUP))
		}
	}
	return err
}

// ofPlan is the name of a peer as the plan has it.
func ofPlan(peer string) string {
	short, _, _ := strings.Cut(peer, "@")
	return short
}
