package node

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/otptest"
	"github.com/liminal-bus/liminal/internal/tlstest"
)

// underTLS gives the arguments with which OTP speaks TLS alone: version, its own
// certificate, and whom it trusts, in both roles.
func underTLS(t *testing.T, version string, cert tls.Certificate, trusted *tlstest.CA) []string {
	t.Helper()
	dir := t.TempDir()
	certPath, keyPath := tlstest.Write(t, dir, "otp", cert)
	ca := trusted.WriteCA(t, filepath.Join(dir, "ca.pem"))
	options := fmt.Sprintf(`{certfile,"%s"},{keyfile,"%s"},{cacertfile,"%s"},{verify,verify_peer},{versions,['%s']}`, certPath, keyPath, ca, version)
	text := fmt.Sprintf("[{server,[{fail_if_no_peer_cert,true},%s]},{client,[%s]}].\n", options, options)
	path := filepath.Join(dir, "dist.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return append([]string{"-proto_dist", "inet_tls", "-ssl_dist_optfile", path}, explicit...)
}

// S15: a real OTP node under TLS, in both versions: each way of connecting, and
// messages in both directions.
func TestOTPUnderTLS(t *testing.T) {
	otptest.NeedSSL(t)
	for _, version := range []string{"tlsv1.2", "tlsv1.3"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			ca := tlstest.NewCA(t, "Example CA")
			otp := otptest.Start(t, otptest.Options{Args: underTLS(t, version, ca.Issue(t, "127.0.0.1"), ca)})
			c := otpConfig(t, "a", otp)
			c.TLS = testTLS(t, ca, ca.Issue(t, "127.0.0.1"))
			n := start(t, c)
			meets(t, otp, n)
			s := subscribe(t, n, "orders")
			otp.WaitEval(t, members("orders"), "1", within)
			otp.Eval(t, `[P ! <<"from erlang">> || P <- pg:get_members(<<"orders">>)].`)
			if m := arrived(t, s); string(m.Payload) != "from erlang" || m.From != otp.Name {
				t.Errorf("%+v", m)
			}
			otp.Eval(t, `[P ! binary:copy(<<"x">>, 300000) || P <- pg:get_members(<<"orders">>)].`)
			if m := arrived(t, s); len(m.Payload) != 300000 {
				t.Errorf("%d bytes", len(m.Payload))
			}
			publishesToOTP(t, n, otp)
		})
	}
}

// S15: authorities that do not know each other, in both directions and both
// versions; and a certificate of another host.
func TestOTPUnderTLSRefuses(t *testing.T) {
	otptest.NeedSSL(t)
	for _, version := range []string{"tlsv1.2", "tlsv1.3"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			ca, other := tlstest.NewCA(t, "Example CA"), tlstest.NewCA(t, "Other CA")
			otp := otptest.Start(t, otptest.Options{Args: underTLS(t, version, ca.Issue(t, "127.0.0.1"), ca)})
			for _, test := range []struct {
				what    string
				trusted *tlstest.CA
				cert    tls.Certificate
				reason  CertificateReason // when we dial it
			}{
				{"we do not trust it", other, ca.Issue(t, "127.0.0.1"), CertificateUnknownCA},
				{"it does not trust us", ca, other.Issue(t, "127.0.0.1"), CertificateRefused},
			} {
				c := otpConfig(t, "a", otp)
				c.TLS = testTLS(t, test.trusted, test.cert)
				n := start(t, c)
				var bad *CertificateError
				if j := n.Join(t.Context(), otp.Name); !errors.As(j.Err, &bad) || bad.Reason != test.reason {
					t.Errorf("%s: join %v", test.what, j.Err)
				} else {
					t.Logf("%s: %v", test.what, j.Err)
				}
				if got := otp.Eval(t, "net_kernel:connect_node('"+n.name+"')."); got != "false" {
					t.Errorf("%s: OTP connected: %s", test.what, got)
				}
				if len(n.PeerNames()) != 0 {
					t.Errorf("%s: peers %v", test.what, n.PeerNames())
				}
				n.Close()
			}
		})
	}
}

// S15: one of the two in the clear. No link, in time, and words that lead on.
func TestOTPPlainAgainstTLS(t *testing.T) {
	otptest.NeedSSL(t)
	ca := tlstest.NewCA(t, "Example CA")
	t.Run("we are in the clear", func(t *testing.T) {
		t.Parallel()
		otp := otptest.Start(t, otptest.Options{Args: underTLS(t, "tlsv1.3", ca.Issue(t, "127.0.0.1"), ca)})
		n := start(t, otpConfig(t, "a", otp))
		var dial *DialError
		j := n.Join(t.Context(), otp.Name)
		if !errors.As(j.Err, &dial) || dial.Looks != "TLS" && !errors.Is(j.Err, dist.ErrClosed) {
			t.Errorf("join: %v", j.Err)
		}
		t.Logf("join: %v", j.Err)
		if got := otp.Eval(t, "net_kernel:connect_node('"+n.name+"')."); got != "false" {
			t.Errorf("OTP connected: %s", got)
		}
	})
	t.Run("it is in the clear", func(t *testing.T) {
		t.Parallel()
		otp := otptest.Start(t, otptest.Options{Args: explicit})
		c := otpConfig(t, "a", otp)
		c.TLS = testTLS(t, ca, ca.Issue(t, "127.0.0.1"))
		n := start(t, c)
		j := n.Join(t.Context(), otp.Name)
		var dial *DialError
		if !errors.As(j.Err, &dial) || dial.Stage != string(dist.StageTLS) {
			t.Errorf("join: %v", j.Err)
		}
		t.Logf("join: %v", j.Err)
		if got := otp.Eval(t, "net_kernel:connect_node('"+n.name+"')."); got != "false" {
			t.Errorf("OTP connected: %s", got)
		}
		if strings.Contains(fmt.Sprint(j.Err), otp.Cookie) || len(n.PeerNames()) != 0 {
			t.Errorf("peers %v", n.PeerNames())
		}
	})
}
