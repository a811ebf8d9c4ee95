package cli

import (
	"fmt"
	"os/exec"
	"sync"
	"time"
)

// startGrace is how long an end that waits for nobody leaves to programs that
// are just being started: once such a one has its group, it is killed.
const startGrace = 250 * time.Millisecond

// groups are the process groups of programs that run. Its lock is never held
// over anything that may block, so that the end can always be had.
type groups struct {
	mu       sync.Mutex
	running  map[int]struct{}
	starting int
	hurried  bool // no more may start
}

// start starts a program and files its group, so that killAll misses none.
func (g *groups) start(cmd *exec.Cmd) error {
	if !g.begin() {
		return errExecStopped
	}
	err := cmd.Start()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.starting--
	if err != nil {
		return fmt.Errorf("cannot start: %w", err)
	}
	g.running[cmd.Process.Pid] = struct{}{}
	if g.hurried {
		killGroup(cmd.Process.Pid)
	}
	return nil
}

func (g *groups) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.hurried {
		g.starting++
	}
	return !g.hurried
}

func (g *groups) gone(group int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.running, group)
}

// killAll is for an end that waits for nobody.
func (g *groups) killAll() {
	for deadline := time.Now().Add(startGrace); g.kill() > 0 && time.Now().Before(deadline); {
		time.Sleep(groupStep)
	}
}

// kill tells how many programs are being started still.
func (g *groups) kill() (starting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hurried = true
	for group := range g.running {
		killGroup(group)
	}
	return g.starting
}
