package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"
)

// acts are what a plan can ask for, each a small function.
var acts = map[string]func(*world, context.Context, action) error{
	"start": (*world).actStart, "kill": (*world).actKill, "stop": (*world).actStop,
	"away": (*world).actAway, "back": (*world).actBack, "pause": (*world).actPause, "resume": (*world).actResume,
	"flap": (*world).actFlap, "guests": (*world).actGuests, "burst": (*world).actBurst, "rotate": (*world).actRotate,
	"otp-start": (*world).actStartOTP, "otp-kill": (*world).actKillOTP, "otp-pg": (*world).actRestartPG,
}

var errNotThere = errors.New("it is not running")

func (w *world) seeds() (flags []string) {
	for _, s := range w.steady {
		flags = append(flags, "--seed", s.proxy.addr)
	}
	return flags
}

// actStart: it subscribes, and says something.
func (w *world) actStart(_ context.Context, a action) error {
	p, err := w.start(a.Who, w.seeds()...)
	if err != nil {
		return err
	}
	g := &guest{proc: p}
	w.churn[a.Who] = g
	if g.reader, err = p.subscribe(0, channel, "only-"+a.Who); err != nil {
		return err
	}
	_, err = p.publish(strings.Repeat("I am here\n", 20))
	return err
}

func (w *world) actKill(_ context.Context, a action) error {
	return w.part(a, func(g *guest) error { g.kill(); return nil })
}

func (w *world) actStop(_ context.Context, a action) error {
	return w.part(a, func(g *guest) error { return g.end() })
}

// part ends a life of a node that comes and goes.
func (w *world) part(a action, end func(*guest) error) error {
	g := w.churn[a.Who]
	if g == nil {
		return errNotThere
	}
	delete(w.churn, a.Who)
	w.because(a.Who, a.Do, 0)
	err := end(g)
	if g.reader != nil {
		g.reader.hangUp()
	}
	return err
}

func (w *world) actAway(_ context.Context, a action) error {
	g := w.churn[a.Who]
	if g == nil {
		return errNotThere
	}
	w.because(a.Who, a.Do, a.For)
	return g.post("/v1/leave", "")
}

func (w *world) actBack(_ context.Context, a action) error {
	g := w.churn[a.Who]
	if g == nil {
		return errNotThere
	}
	return g.post("/v1/join", "addresses", w.steady[0].proxy.addr, w.steady[1].proxy.addr, w.steady[2].proxy.addr)
}

func (w *world) actPause(_ context.Context, a action) error {
	g := w.churn[a.Who]
	if g == nil {
		return errNotThere
	}
	w.because(a.Who, a.Do, a.For)
	return g.signal(syscall.SIGSTOP)
}

func (w *world) actResume(_ context.Context, a action) error {
	g := w.churn[a.Who]
	if g == nil {
		return errNotThere
	}
	w.because(a.Who, a.Do, 0)
	return g.signal(syscall.SIGCONT)
}

func (w *world) actFlap(_ context.Context, a action) error {
	w.because(a.Who, a.Do, 0)
	w.resets += w.steadyNamed(a.Who).proxy.reset()
	return nil
}

// actGuests opens streams of several kinds, and hangs up on all at once after a
// while: readers of a channel that they alone listen to, and one that never reads.
func (w *world) actGuests(ctx context.Context, a action) error {
	s := w.steadyNamed(a.Who)
	var open []interface{ hangUp() }
	for i := range 3 {
		pace := time.Duration(i) * time.Hour // all but the first read a hundred lines
		r, err := s.subscribe(pace, channel, fmt.Sprintf("guests-%d-%d", i, rand.IntN(1000)))
		if err != nil {
			return err
		}
		open = append(open, r)
	}
	v, err := s.watch()
	if err != nil {
		return err
	}
	open = append(open, v)
	w.visits.Go(func() {
		pause(ctx, a.For)
		for _, o := range open {
			o.hangUp()
		}
	})
	return nil
}

// burstSize is more than a link's queue takes at once.
const burstSize = 10_000

func (w *world) actBurst(_ context.Context, a action) error {
	s := w.steadyNamed(a.Who)
	w.visits.Go(func() { w.failed(s.say(burstSize)) })
	return nil
}

// turns of the cookie: each node takes the other before any has it for its own.
var turns = [][2]string{{firstCookie, ""}, {firstCookie, secondCookie}, {secondCookie, firstCookie}, {firstCookie, secondCookie}}

func (w *world) actRotate(context.Context, action) error {
	w.turn = (w.turn + 1) % len(turns)
	if err := w.cookies(turns[w.turn][0], turns[w.turn][1]); err != nil {
		return err
	}
	return w.hangUpAll()
}

func (w *world) actStartOTP(_ context.Context, a action) error {
	n := w.startOTP(a.Who)
	if n == nil {
		return errNotThere
	}
	w.churn[a.Who] = &guest{otp: n}
	return w.meetOTP(n)
}

func (w *world) actKillOTP(_ context.Context, a action) error {
	return w.part(a, func(g *guest) error { return g.otp.Kill() })
}

// actRestartPG: the supervisor starts the scope again, and the process joins anew.
func (w *world) actRestartPG(_ context.Context, a action) error {
	g := w.churn[a.Who]
	if g == nil {
		return errNotThere
	}
	_, err := g.otp.EvalErr(`exit(whereis(pg), kill),
		Again = fun Loop() -> case whereis(pg) of undefined -> timer:sleep(10), Loop(); _ -> ok end end, timer:sleep(20), Again(),
		pg:join(<<"` + channel + `">>, whereis(counter)).`)
	return err
}
