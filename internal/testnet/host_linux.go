package testnet

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Host is a network namespace: a machine with interfaces and routes of its own.
// nil is the network of this process.
type Host struct {
	t    testing.TB
	fd   *os.File
	once sync.Once
	dev  string // the interface of its last cable
	more int    // cables so far
}

// dieWithUs lets the kernel kill a process when this one dies.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// NewHost makes a namespace with loopback up. It is gone after the test, or
// after Unplug.
func NewHost(t testing.TB) *Host {
	t.Helper()
	NeedNet(t)
	h, err := newHost()
	if err != nil {
		t.Fatalf("testnet: %v", err)
	}
	h.t = t
	t.Cleanup(h.Unplug)
	h.IP("link set lo up")
	return h
}

func newHost() (*Host, error) {
	h := &Host{}
	err := away(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		var err error
		h.fd, err = os.Open(threadNet())
		return err
	})
	return h, err
}

// threadNet is the namespace of the calling thread.
func threadNet() string { return fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()) }

// away calls f, which may change the namespace, on a thread of its own, and
// brings that back. The thread must not end: the kernel would kill the processes
// that it has started.
func away(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open(threadNet())
		if err != nil {
			done <- err
			return
		}
		defer home.Close()
		err = f()
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
			done <- errors.Join(err, back) // and the thread goes with the goroutine
			return
		}
		runtime.UnlockOSThread()
		done <- err
	}()
	return <-done
}

// Unplug ends the namespace as a power cut does: once the last process in it is
// gone, its sockets are, and nobody is told.
func (h *Host) Unplug() { h.once.Do(func() { h.fd.Close() }) }

// Do calls f on a thread that is in the namespace.
func (h *Host) Do(f func() error) error {
	if h == nil {
		return f()
	}
	return away(func() error {
		if err := unix.Setns(int(h.fd.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter a network namespace: %w", err)
		}
		return f()
	})
}

func (h *Host) start(cmd *exec.Cmd) error { return h.Do(cmd.Start) }

// Start starts a command in the namespace; for otptest.
func (h *Host) Start(cmd *exec.Cmd) error { return h.start(cmd) }

// IP runs ip with those words inside the namespace.
func (h *Host) IP(words string) {
	h.t.Helper()
	if err := h.ip(words); err != nil {
		h.t.Fatalf("testnet: %v", err)
	}
}

func (h *Host) ip(words string) error {
	var out Output
	cmd := exec.Command("ip", strings.Fields(words)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := h.start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", words, err, out.String())
	}
	return nil
}

// Cable joins two hosts: each has a new interface with that address, as
// 10.77.0.1/24, in place of what its last cable was in.
func Cable(a *Host, addrA string, b *Host, addrB string) {
	a.t.Helper()
	for _, h := range []*Host{a, b} {
		_ = h.ip("link del " + h.dev) // the kernel may have done it, some time after the other host went
	}
	a.dev, b.dev = a.nextDev(), b.nextDev()
	a.IP(fmt.Sprintf("link add %s type veth peer name %s netns /proc/%d/fd/%d", a.dev, b.dev, os.Getpid(), b.fd.Fd()))
	for h, addr := range map[*Host]string{a: addrA, b: addrB} {
		h.IP("addr add " + addr + " dev " + h.dev)
		h.IP("link set " + h.dev + " up")
	}
}

func (h *Host) nextDev() string { h.more++; return fmt.Sprint("v", h.more) }

// Cut takes the last cable of the host out.
func (h *Host) Cut() { h.IP("link set " + h.dev + " down") }

// Hang drops what host a sends to address: as if the line were cut in this
// direction. Heal takes it back.
func (h *Host) Hang(address string) { h.IP("route add blackhole " + address + "/32") }

// Heal is the end of Hang.
func (h *Host) Heal(address string) { h.IP("route del blackhole " + address + "/32") }

// Misdirect sends what is for address to a hardware address that nobody has.
func (h *Host) Misdirect(address string) {
	h.IP("neigh replace " + address + " lladdr 02:00:00:00:00:99 nud permanent dev " + h.dev)
}

// Redirect is the end of Misdirect.
func (h *Host) Redirect(address string) { h.IP("neigh del " + address + " dev " + h.dev) }

// probeNet tries what a Host needs.
var probeNet = sync.OnceValue(func() error {
	if _, err := exec.LookPath("ip"); err != nil {
		return fmt.Errorf("package iproute2 is missing: %w", err)
	}
	h, err := newHost()
	if err != nil {
		return err
	}
	defer h.Unplug()
	if err := h.ip("link add v0 type veth peer name v1"); err != nil {
		return fmt.Errorf("no veth pair: %w: %w", err, syscall.EPERM)
	}
	return nil
})
