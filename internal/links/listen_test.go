package links

import (
	"errors"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func listen(t *testing.T, spec, nodeHost string) []*net.TCPAddr {
	t.Helper()
	ls, err := Listen(t.Context(), spec, nodeHost)
	if err != nil {
		t.Fatalf("%s, %s: %v", spec, nodeHost, err)
	}
	var all []*net.TCPAddr
	for _, l := range ls {
		t.Cleanup(func() { l.Close() })
		all = append(all, l.Addr().(*net.TCPAddr))
	}
	return all
}

func TestListenLocalhost(t *testing.T) {
	all := listen(t, "localhost:0", "127.0.1.1")
	want := []string{"127.0.0.1", "127.0.1.1"}
	if runtime.GOOS != "linux" { // elsewhere 127.0.0.1 is the only one of them
		want = want[:1]
	}
	if len(all) != len(want) {
		t.Fatalf("bound %v, want %v", all, want)
	}
	for i, a := range all {
		if a.IP.String() != want[i] || a.Port != all[0].Port || a.Port == 0 {
			t.Errorf("bound %v, want %v with one port", all, want)
		}
	}
}

func TestListenOneAddress(t *testing.T) {
	for _, tt := range []struct{ spec, nodeHost, ip string }{
		{"localhost:0", "", "127.0.0.1"},
		{"localhost:0", "127.0.0.1", "127.0.0.1"},
		{"localhost:0", "192.0.2.7", "127.0.0.1"}, // no loopback address
		{"localhost:0", "no.such.host.invalid", "127.0.0.1"},
		{"127.0.0.1:0", "127.0.1.1", "127.0.0.1"},
		{":0", "127.0.1.1", "::"},
	} {
		all := listen(t, tt.spec, tt.nodeHost)
		if len(all) != 1 || all[0].IP.String() != tt.ip && !all[0].IP.IsUnspecified() || all[0].Port == 0 {
			t.Errorf("%+v: bound %v", tt, all)
		}
	}
}

func TestListenErrors(t *testing.T) {
	used := listen(t, "127.0.0.1:0", "")[0].String()
	_, port, _ := net.SplitHostPort(used)
	for _, tt := range []struct {
		spec string
		is   error
		text string
	}{
		{used, syscall.EADDRINUSE, "address already in use"},
		{"localhost:" + port, syscall.EADDRINUSE, "address already in use"},
		{"127.0.0.1", nil, `listen address "127.0.0.1"`},
		{"127.0.0.1:", nil, "port must be 0 to 65535"},
		{"127.0.0.1:70000", nil, "port must be 0 to 65535"},
		{"127.0.0.1:-1", nil, "port must be 0 to 65535"},
		{"127.0.0.1:http", nil, "port must be 0 to 65535"},
		{"", nil, `listen address ""`},
		{"::1:4000", nil, "too many colons"},
		{"192.0.2.7:0", syscall.EADDRNOTAVAIL, "assign requested address"},
	} {
		ls, err := Listen(t.Context(), tt.spec, "127.0.1.1")
		if err == nil {
			t.Errorf("%q: bound %v", tt.spec, ls[0].Addr())
			ls[0].Close()
			continue
		}
		if tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%q: %v, want %q", tt.spec, err, tt.text)
		}
	}
}

// A used port on the second address leaves the first unbound.
func TestListenIsAllOrNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs a second loopback address, which only Linux has by itself")
	}
	_, port, _ := net.SplitHostPort(listen(t, "127.0.1.1:0", "")[0].String())
	if _, err := Listen(t.Context(), "localhost:"+port, "127.0.1.1"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("the second address was taken: %v", err)
	}
	listen(t, "127.0.0.1:"+port, "")
}
