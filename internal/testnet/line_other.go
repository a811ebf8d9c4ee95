//go:build !linux

package testnet

import (
	"sync/atomic"
	"testing"
	"time"
)

// Weather is what a Line does to each packet.
type Weather struct {
	Seed          uint64
	Loss          float64
	Delay, Jitter time.Duration
}

// Line needs Linux.
type Line struct{ Passed, Lost, Overtaken atomic.Uint64 }

// NewLine is never reached: NeedLine skips.
func NewLine(*Host, string, *Host, string, Weather) *Line { return &Line{} }

// NeedLine skips the test.
func NeedLine(t testing.TB) { NeedNet(t) }

// Descriptors skips the test: only Linux tells of another process.
func (p *Proc) Descriptors(t testing.TB) int { t.Skip("SKIP: no /proc"); return 0 }

// LimitDescriptors skips the test.
func (p *Proc) LimitDescriptors(t testing.TB, _ int) { t.Skip("SKIP: no prlimit") }

// Memory skips the test.
func (p *Proc) Memory(t testing.TB) uint64 { t.Skip("SKIP: no /proc"); return 0 }
