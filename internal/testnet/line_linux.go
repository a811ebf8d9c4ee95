package testnet

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Weather is what a Line does to each packet. One seed decides all.
type Weather struct {
	Seed          uint64
	Loss          float64       // share of packets that are lost
	Delay, Jitter time.Duration // a packet takes Delay, more or less up to Jitter
}

// Line is a pair of TUN devices with the weather between them.
type Line struct {
	Passed, Lost, Overtaken atomic.Uint64
	ends                    [2]*os.File
}

// NewLine joins two hosts: each has an interface tun0 with that address, as
// 10.77.0.1. Packets overtake each other where their delays say so.
func NewLine(a *Host, addrA string, b *Host, addrB string, w Weather) *Line {
	a.t.Helper()
	l := &Line{}
	for i, h := range []*Host{a, b} {
		own, far := addrA, addrB
		if h == b {
			own, far = addrB, addrA
		}
		var err error
		if l.ends[i], err = h.tun("tun0"); err != nil {
			a.t.Fatalf("testnet: %v", err)
		}
		h.IP("addr add " + own + " peer " + far + " dev tun0")
		h.IP("link set tun0 up")
	}
	done := make(chan struct{}, 2)
	for i := range 2 {
		rnd := rand.New(rand.NewPCG(w.Seed, uint64(i)))
		go func() {
			l.carry(l.ends[i], l.ends[1-i], rnd, w)
			done <- struct{}{}
		}()
	}
	a.t.Cleanup(func() {
		for _, f := range l.ends {
			f.Close()
		}
		<-done
		<-done
	})
	return l
}

// carry takes packets of one direction until the device is closed. Each is
// written by its own timer; one that comes after the end is lost as well.
func (l *Line) carry(from, to *os.File, rnd *rand.Rand, w Weather) {
	var latest time.Time // arrival of the last packet so far
	for {
		packet := make([]byte, 2048)
		n, err := from.Read(packet)
		if err != nil {
			return
		}
		if rnd.Float64() < w.Loss {
			l.Lost.Add(1)
			continue
		}
		takes := w.Delay + time.Duration((2*rnd.Float64()-1)*float64(w.Jitter))
		if at := time.Now().Add(takes); at.Before(latest) {
			l.Overtaken.Add(1)
		} else {
			latest = at
		}
		l.Passed.Add(1)
		time.AfterFunc(takes, func() { _, _ = to.Write(packet[:n]) })
	}
}

// tun makes a device inside the namespace, to be read and written from anywhere.
func (h *Host) tun(name string) (f *os.File, err error) {
	err = h.Do(func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return fmt.Errorf("open /dev/net/tun: %w", err)
		}
		ifr, err := unix.NewIfreq(name)
		if err == nil {
			ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
			err = unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr)
		}
		if err != nil {
			unix.Close(fd)
			return fmt.Errorf("make %s: %w", name, err)
		}
		f = os.NewFile(uintptr(fd), name)
		return nil
	})
	return f, err
}

// NeedLine is NeedNet for tests of a Line, which also needs /dev/net/tun.
func NeedLine(t testing.TB) {
	t.Helper()
	NeedNet(t)
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skipf("SKIP: no TUN devices: %v", err)
	}
}

// Descriptors counts what a process has open.
func (p *Proc) Descriptors(t testing.TB) int {
	t.Helper()
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// LimitDescriptors sets how many a process may have open.
func (p *Proc) LimitDescriptors(t testing.TB, most int) {
	t.Helper()
	limit := unix.Rlimit{Cur: uint64(most), Max: 1 << 16}
	var old unix.Rlimit
	if err := unix.Prlimit(p.Pid(), unix.RLIMIT_NOFILE, nil, &old); err != nil {
		t.Fatal(err)
	}
	limit.Max = old.Max
	if err := unix.Prlimit(p.Pid(), unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Fatal(err)
	}
}

// Memory is the most that a process has had in memory, in bytes.
func (p *Proc) Memory(t testing.TB) (bytes uint64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &bytes); err == nil {
			return bytes << 10
		}
	}
	return 0
}
