//go:build !linux

package testnet

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"
)

// Host is a network namespace, which only Linux has; nil is this machine's own.
type Host struct{}

func dieWithUs() *syscall.SysProcAttr { return nil }

func (h *Host) start(cmd *exec.Cmd) error { return cmd.Start() }

func probeNet() error { return errors.New("only Linux has network namespaces") }

// The methods of a Host are never reached: NewHost skips.

// NewHost skips the test.
func NewHost(t testing.TB) *Host { NeedNet(t); return nil }

// Unplug has nothing to end.
func (h *Host) Unplug() {}

// Do calls f.
func (h *Host) Do(f func() error) error { return f() }

// Start starts a command.
func (h *Host) Start(cmd *exec.Cmd) error { return cmd.Start() }

// IP does nothing.
func (h *Host) IP(string) {}

// Hang does nothing.
func (h *Host) Hang(string) {}

// Heal does nothing.
func (h *Host) Heal(string) {}

// Misdirect does nothing.
func (h *Host) Misdirect(string) {}

// Redirect does nothing.
func (h *Host) Redirect(string) {}

// Cut does nothing.
func (h *Host) Cut() {}

// Cable does nothing.
func Cable(*Host, string, *Host, string) {}
