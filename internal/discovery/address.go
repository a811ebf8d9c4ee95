package discovery

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Address is a way to a node, as people and configuration write it:
//
//	b             the node b of our own host; its port is looked up
//	b@host        the node b@host; its port is looked up
//	b@host:9100   the node b@host at that port
//	host:9100     whatever node answers there
//
// An IPv6 host stands in brackets where a port follows: [::1]:9100, b@[::1]:9100.
// Without a port the brackets may go, since b@::1 is a legal node name; so in
// b@::1:9100 everything after the @ is the host ::1:9100.
//
// Addresses are comparable. The zero Address is not valid.
type Address struct {
	Name string // the node name's part before the @; "" for whoever answers
	Host string // without brackets; "" is our own host
	Port int    // 0: to be looked up
}

// ErrAddress is what every error of ParseAddress matches.
var ErrAddress = errors.New("not an address")

// AddressError is the ErrAddress of one text.
type AddressError struct {
	Text string
	Why  string // which part is wrong
}

func (e *AddressError) Error() string {
	return fmt.Sprintf("%q is %v: %s (%s)", e.Text, ErrAddress, e.Why, forms)
}

// Unwrap gives ErrAddress.
func (e *AddressError) Unwrap() error { return ErrAddress }

const forms = "want b, b@host, b@host:9100 or host:9100, with an IPv6 host as [::1]:9100"

// ParseAddress parses one of the forms of Address.
func ParseAddress(s string) (Address, error) {
	a, err := parseAddress(s)
	if err != nil {
		return Address{}, &AddressError{Text: s, Why: err.Error()}
	}
	return a, nil
}

func parseAddress(s string) (Address, error) {
	name, rest, at := strings.Cut(s, "@")
	switch {
	case s == "":
		return Address{}, errors.New("it is empty")
	case at && name == "":
		return Address{}, errors.New("nothing stands before the @")
	case at:
		return parseNamed(name, rest)
	case strings.ContainsAny(s, ":[]"):
		return parseHostPort(s)
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return Address{}, errors.New("a host alone needs a port or a node name")
	}
	return Address{Name: s}, checkPart("name", s, isNameByte)
}

// parseNamed parses what stands around an @.
func parseNamed(name, rest string) (Address, error) {
	if err := checkPart("name", name, isNameByte); err != nil {
		return Address{}, err
	}
	a := Address{Name: name}
	var err error
	if a.Host, a.Port, err = splitHost(rest); err != nil {
		return Address{}, err
	}
	return a, ValidName(a.Name + "@" + a.Host)
}

// parseHostPort parses the form without a name, which must have a port.
func parseHostPort(s string) (Address, error) {
	host, port, err := splitHost(s)
	if err != nil {
		return Address{}, err
	}
	if port == 0 {
		return Address{}, errors.New("a host alone needs a port or a node name")
	}
	return Address{Host: host, Port: port}, nil
}

// splitHost splits host, [host], host:port or [host]:port; port is 0 if absent.
func splitHost(s string) (host string, port int, err error) {
	host, digits, hasPort := s, "", false
	if inner, ok := strings.CutPrefix(s, "["); ok {
		var closed bool
		if host, digits, closed = strings.Cut(inner, "]"); !closed {
			return "", 0, errors.New("the bracket is not closed")
		}
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() {
			return "", 0, fmt.Errorf("%q in brackets is not an IPv6 address", host)
		}
		if digits, hasPort = strings.CutPrefix(digits, ":"); !hasPort && digits != "" {
			return "", 0, fmt.Errorf("%q follows the bracket", digits)
		}
	} else if strings.Count(s, ":") == 1 {
		host, digits, hasPort = strings.Cut(s, ":")
	}
	if err := checkHost(host); err != nil {
		return "", 0, err
	}
	if hasPort {
		port, err = parsePort(digits)
	}
	return host, port, err
}

// checkHost accepts a host name, an IPv4 address or an IPv6 address without zone.
func checkHost(host string) error {
	if err := checkPart("host", host, isHostByte); err != nil {
		return err
	}
	if !strings.Contains(host, ":") {
		return nil
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return fmt.Errorf("host %q has colons and is not an IPv6 address", host)
	}
	return nil
}

func parsePort(digits string) (int, error) {
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("port must be from 1 to 65535, not %q", digits)
	}
	return int(n), nil
}

// String returns the form that ParseAddress reads back as the same Address.
func (a Address) String() string {
	switch {
	case a.Name == "":
		return net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
	case a.Host == "":
		return a.Name
	case a.Port == 0:
		return a.Name + "@" + a.Host
	}
	return a.Name + "@" + net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
}

// NodeName returns the full name of the node that must answer at a, or "" if
// whoever answers is right. ourHost is the host part of our own node name.
func (a Address) NodeName(ourHost string) string {
	if a.Name == "" {
		return ""
	}
	return a.Name + "@" + a.On(ourHost).Host
}

// On returns a with ourHost filled in where a leaves the host open.
func (a Address) On(ourHost string) Address {
	if a.Host == "" {
		a.Host = ourHost
	}
	return a
}
