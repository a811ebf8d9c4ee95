package cli

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// execGrace is how long a program has from SIGTERM to SIGKILL.
const execGrace = 2 * time.Second

// A process group is looked at while it ends or is waited for: often at first,
// then less often.
const (
	groupStep    = 10 * time.Millisecond
	groupStepMax = 100 * time.Millisecond
)

// errUnkillable is a program that runs as somebody else.
var errUnkillable = errors.New("it cannot be stopped")

// ownGroup makes a program the head of a process group, so that it can be ended
// with all that it has started. Ctrl-C at the terminal then reaches us alone.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// endGroup ends a group: SIGTERM, then SIGKILL for whoever is left, also where
// the program itself has gone before its children. done gives its end.
func endGroup(group int, done <-chan error) error {
	_ = syscall.Kill(-group, syscall.SIGTERM)
	_ = syscall.Kill(-group, syscall.SIGCONT) // a stopped one could not hear it
	deadline := time.Now().Add(execGrace)
	for step := groupStep; groupLives(group) && time.Now().Before(deadline); step = min(2*step, groupStepMax) {
		time.Sleep(step)
	}
	killGroup(group)
	select {
	case <-done:
		return nil
	case <-time.After(2 * execGrace): // it and Wait have execGrace each
		return errUnkillable
	}
}

// groupLives: a group lives as long as one of its processes, and its number is
// not given away before. The dead that nobody waits for, as in a container whose
// first process is not made for it, keep the number and do not live.
func groupLives(group int) bool {
	if errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) {
		return false
	}
	lives, known := groupInProc(group)
	return lives || !known
}

// groupInProc looks for a process of the group that is not dead. known is false
// where there is no /proc to look at, as on macOS.
func groupInProc(group int) (lives, known bool) {
	dir, err := os.Open("/proc")
	if err != nil {
		return false, false
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	for _, name := range names {
		if name[0] < '1' || name[0] > '9' {
			continue
		}
		state, of, ok := procState(name)
		known = known || ok
		if ok && of == group && state != "Z" && state != "X" {
			return true, true
		}
	}
	return false, known && err == nil
}

// procState reads "PID (NAME) STATE PPID GROUP ..."; NAME may hold anything.
func procState(pid string) (state string, group int, ok bool) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return "", 0, false // it has gone
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 3 {
		return "", 0, false
	}
	group, err = strconv.Atoi(fields[2])
	return fields[0], group, err == nil
}

// killGroup says nothing of a group that is gone, or not ours to kill.
func killGroup(group int) { _ = syscall.Kill(-group, syscall.SIGKILL) }
