package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/etf"
)

// withDefaults fills in what the caller left open.
func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) { *d = cmp.Or(*d, v) }
	def(&c.Poll, 250*time.Millisecond)
	def(&c.Tick, time.Minute)
	def(&c.DialTimeout, 5*time.Second)
	def(&c.RetryMax, 5*time.Second)
	def(&c.ForgetAfter, 10*time.Minute)
	def(&c.JoinTimeout, 10*time.Second)
	def(&c.Probe, time.Second)
	def(&c.ProbeTimeout, 3*time.Second)
	def(&c.Drain, 5*time.Second)
	c.Listen = cmp.Or(c.Listen, "localhost:0")
	c.EPMD = cmp.Or(c.EPMD, EPMDAuto)
	c.EPMDPort = cmp.Or(c.EPMDPort, 4369)
	c.Scope = cmp.Or(c.Scope, "pg")
	c.MaxMessage = cmp.Or(c.MaxMessage, 1<<20)
	c.Queue = cmp.Or(c.Queue, 1<<18)
	if set, err := tidyCookies(c.Cookie, c.Accept); err == nil {
		c.Accept = set[1:]
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Listening == nil {
		c.Listening = func(*Node) {}
	}
	return c
}

// check refuses what cannot work.
func (c Config) check() error {
	if c.Cookie.Empty() {
		return fmt.Errorf("%w: Config.Cookie is empty", ErrNoCookie)
	}
	if _, err := tidyCookies(c.Cookie, c.Accept); err != nil {
		return fmt.Errorf("config: Accept: %w", err)
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"Poll", c.Poll}, {"Tick", c.Tick}, {"DialTimeout", c.DialTimeout}, {"RetryMax", c.RetryMax},
		{"ForgetAfter", c.ForgetAfter}, {"Probe", c.Probe}, {"ProbeTimeout", c.ProbeTimeout}, {"Drain", c.Drain},
	} {
		if d.value < 0 {
			return fmt.Errorf("config: %s is negative", d.name)
		}
	}
	// Ticks ride on the poll timer and are due every quarter of Tick.
	if c.Poll > c.Tick/8 {
		return fmt.Errorf("config: Poll (%v) must be at most an eighth of Tick (%v)", c.Poll, c.Tick)
	}
	if err := checkAdvertise(c.Advertise); err != nil {
		return fmt.Errorf("config: Advertise: %w", err)
	}
	if err := c.checkChannels(); err != nil {
		return err
	}
	switch c.EPMD {
	case EPMDAuto, EPMDRequire, EPMDOff:
		return nil
	}
	return fmt.Errorf("config: EPMD must be auto, require or off, not %q", c.EPMD)
}

// maxMaxMessage is what a peer takes of one message at most.
const maxMaxMessage = 64 << 20

func (c Config) checkChannels() error {
	switch {
	case c.MaxMessage < 0 || c.MaxMessage > maxMaxMessage:
		return fmt.Errorf("config: MaxMessage is %d, at most %d bytes are possible", c.MaxMessage, maxMaxMessage)
	case c.Queue < 0:
		return errors.New("config: Queue is negative")
	}
	if err := CheckScope(c.Scope); err != nil {
		return fmt.Errorf("config: Scope: %w", err)
	}
	return nil
}

// takenNames are registered on every OTP node, or answered for here: what a scope
// sends to its name would reach them.
var takenNames = []string{
	selfName, "undefined",
	"application_controller", "auth", "code_server", "erl_prim_loader", "erl_signal_server", "erts_code_purger",
	"erl_epmd", "error_logger", "file_server_2", "global_group", "global_name_server", "inet_db", "init",
	"kernel_refc", "kernel_safe_sup", "kernel_sup", "logger", "logger_handler_watcher", "logger_proxy",
	"logger_std_h_default", "logger_sup", "net_kernel", "net_sup", "rex", "socket_registry", "standard_error",
	"standard_error_sup", "user", "user_drv",
}

// CheckScope says why a name cannot be that of a pg scope, if it cannot.
func CheckScope(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case etf.CheckAtom(name) != nil:
		return fmt.Errorf("%q is no atom: %w", name, etf.CheckAtom(name))
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("%q has control characters", name)
	case slices.Contains(takenNames, name):
		return fmt.Errorf("another process is registered as %s", name)
	}
	return nil
}

// checkAdvertise takes HOST and HOST:PORT: a peer refuses a hello with anything
// else.
func checkAdvertise(s string) error {
	if s == "" {
		return nil
	}
	host, port := splitAdvertise(s)
	a, err := parseAddress(net.JoinHostPort(host, cmp.Or(port, "1")))
	if err == nil && a.Name != "" {
		err = fmt.Errorf("%w: %q has a node name", ErrBadAddress, s)
	}
	return err
}

// splitAdvertise takes HOST and HOST:PORT apart; port is "" where there is none.
// An IPv6 address may stand in brackets or not.
func splitAdvertise(s string) (host, port string) {
	if host, port, err := net.SplitHostPort(s); err == nil {
		return host, port
	}
	return strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), ""
}

// FullName completes NAME to NAME@SHORTHOST and checks the result. The error
// wraps ErrBadName.
func FullName(name string) (string, error) {
	if !strings.Contains(name, "@") {
		host, err := os.Hostname()
		if err != nil {
			return "", fmt.Errorf("%w: %q has no host and this machine does not say its own: %w", ErrBadName, name, err)
		}
		short, _, _ := strings.Cut(host, ".")
		name += "@" + short
	}
	if err := discovery.ValidName(name); err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadName, err)
	}
	return name, nil
}

// CheckAddress says whether s has one of the forms b, b@host, b@host:9100 and
// host:9100. The error wraps ErrBadAddress.
func CheckAddress(s string) error {
	_, err := parseAddress(s)
	return err
}

func parseAddress(s string) (discovery.Address, error) {
	a, err := discovery.ParseAddress(s)
	var bad *discovery.AddressError
	if errors.As(err, &bad) {
		return a, &causeError{ErrBadAddress, errors.New(bad.Why)}
	}
	return a, err
}

func parseAddresses(list []string) ([]discovery.Address, error) {
	var all []discovery.Address
	for _, s := range list {
		a, err := parseAddress(s)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// canceled reports that err came of our own closing, not of the peer.
func canceled(ctx context.Context) bool { return ctx.Err() != nil }
