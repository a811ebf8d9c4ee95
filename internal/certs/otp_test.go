package certs

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/otptest"
)

// needSSL is otptest.Need for the ssl application too, which some systems package
// by itself. Where nothing may be skipped a missing one is a failure.
func needSSL(t *testing.T) {
	t.Helper()
	otptest.Need(t)
	otp := otptest.Start(t, otptest.Options{Name: "ask"})
	if got := otp.Eval(t, "is_list(code:lib_dir(ssl))."); got == "true" {
		return
	}
	if os.Getenv(otptest.EnvMode) == "require" {
		t.Fatal("this Erlang has no ssl (Debian: erlang-ssl)")
	}
	t.Skip("SKIP: this Erlang has no ssl")
}

// overTLS are the options of a node that speaks TLS by the file that was written.
func overTLS(name, host, optFile string, epmd *otptest.EPMD) otptest.Options {
	o := otptest.Options{Name: name, Host: host, EPMD: epmd, Short: host == "localhost"}
	o.Args = []string{"-proto_dist", "inet_tls", "-ssl_dist_optfile", optFile}
	return o
}

// Two Erlang nodes with the files as they were written find each other good, and
// one with the files of another CA finds nobody.
func TestOTPOverTLS(t *testing.T) {
	needSSL(t)
	for _, host := range []string{"127.0.0.1", "localhost"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			r := request(t, "a@"+host, "b@"+host)
			r.Dir = filepath.Join(t.TempDir(), `it's "here" \o/`)
			r.Now = time.Now()
			done := mustInit(t, r)
			r.Dir, r.Names = filepath.Join(t.TempDir(), "other"), []string{"c@" + host}
			stranger := mustInit(t, r)

			epmd := otptest.NewEPMD(t)
			a := otptest.Start(t, overTLS("a", host, done.Nodes[0].OptFile, epmd))
			b := otptest.Start(t, overTLS("b", host, done.Nodes[1].OptFile, epmd))
			c := otptest.Start(t, overTLS("c", host, stranger.Nodes[0].OptFile, epmd))
			if got := a.Eval(t, fmt.Sprintf("net_adm:ping('%s').", b.Name)); got != "pong" {
				t.Errorf("a pings b: %s\n%s\n%s", got, a.Log(), b.Log())
			}
			if got := b.Eval(t, "rpc:call('"+a.Name+"', erlang, node, []) =:= '"+a.Name+"'."); got != "true" {
				t.Errorf("b calls a: %s", got)
			}
			for _, to := range []*otptest.Node{a, b} {
				if got := c.Eval(t, fmt.Sprintf("net_adm:ping('%s').", to.Name)); got != "pang" {
					t.Errorf("a stranger pings %s: %s", to.Name, got)
				}
				if got := to.Eval(t, fmt.Sprintf("net_adm:ping('%s').", c.Name)); got != "pang" {
					t.Errorf("%s pings a stranger: %s", to.Name, got)
				}
			}
		})
	}
}
