package config

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/node"
)

// maxName is what an atom holds, in bytes.
const maxName = 255

// maxDuration keeps sums and products of durations far from overflow.
const maxDuration = 8760 * time.Hour

var (
	nameForm = regexp.MustCompile(`^[A-Za-z0-9_.-]+(@[A-Za-z0-9_.:-]+)?$`)
	hostForm = regexp.MustCompile(`^[A-Za-z0-9_.:%-]+$`)
)

// set checks text and puts its value where the setting goes. The error goes on
// after the name under which the value came: "must be ...".
func (s *Setting) set(f *fields, text string) error {
	if len(s.Choices) > 0 {
		if !contains(s.Choices, text) {
			return fmt.Errorf("must be %s, not %s", oneOf(s.Choices), quote(text))
		}
	}
	switch p := s.field(f).(type) {
	case *string:
		*p = text
		return s.checkOne(text)
	case *node.EPMDMode:
		*p = node.EPMDMode(text)
		return s.checkOne(text)
	case *bool:
		return setBool(p, text)
	case *time.Duration:
		return s.setDuration(p, text)
	case *[]string:
		return s.setList(p, splitList(text))
	case *int:
		if s.size {
			return s.setSize(p, text)
		}
		return s.setNumber(p, text)
	}
	return errors.New("has no place to go") // every row is tested
}

func (s *Setting) checkOne(text string) error {
	if s.check == nil || (text == "" && s.Default == "") {
		return nil
	}
	return s.check(text)
}

func (s *Setting) setList(p *[]string, items []string) error {
	for _, it := range items {
		if err := s.check(it); err != nil {
			return err
		}
	}
	*p = items
	return nil
}

func setBool(p *bool, text string) error {
	switch text {
	case "true", "1":
		*p = true
	case "false", "0":
		*p = false
	default:
		return fmt.Errorf("must be true or false, not %s", quote(text))
	}
	return nil
}

func (s *Setting) setDuration(p *time.Duration, text string) error {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return fmt.Errorf("must be %s, not %s", s.expect(), quote(text))
	case d < 0 || (d == 0 && !s.zero):
		return fmt.Errorf("must be longer than 0s, not %s", quote(text))
	case d > maxDuration:
		return fmt.Errorf("must be at most %s, not %s", maxDuration, quote(text))
	}
	*p = d
	return nil
}

// splitList cuts a list of the environment or a flag. Blanks around items are
// dropped, and empty items with them.
func splitList(text string) []string {
	items := []string{}
	for it := range strings.SplitSeq(text, ",") {
		if it = strings.TrimSpace(it); it != "" {
			items = append(items, it)
		}
	}
	return items
}

// expect says what a value must be.
func (s *Setting) expect() string {
	switch {
	case len(s.Choices) > 0:
		return oneOf(s.Choices)
	case s.Kind() == KindDuration:
		return `a duration such as "5s"`
	case s.Kind() == KindBool:
		return "true or false"
	case s.Kind() == KindSize:
		return `a size such as "64KiB"`
	case s.Kind() == KindNumber:
		return "a number such as " + s.Default
	case s.Kind() == KindList:
		return `a list such as ["b", "c@dev:9100"]`
	}
	return "text in quotes"
}

func checkName(text string) error {
	if len(text) > maxName {
		return fmt.Errorf("must have at most %d bytes, not %d", maxName, len(text))
	}
	if nameForm.MatchString(text) {
		return nil
	}
	return fmt.Errorf("must be NAME or NAME@HOST of letters, digits and _ . -, not %s", quote(text))
}

func checkListen(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil || (host != "" && !hostForm.MatchString(host)) {
		return fmt.Errorf(`must be [HOST]:PORT such as ":9100", not %s`, quote(text))
	}
	if !isPort(port, 0) {
		return fmt.Errorf("must end in a port from 0 to 65535, not %s", quote(text))
	}
	return nil
}

func checkAdvertise(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil { // no port: then a host, an IPv6 address in brackets
		host, port = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"), "1"
	}
	if !hostForm.MatchString(host) || !isPort(port, 1) {
		return fmt.Errorf("must be HOST or HOST:PORT, not %s", quote(text))
	}
	return nil
}

func isPort(text string, least uint64) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n >= least
}

func checkPath(text string) error {
	if text == "" || strings.ContainsRune(text, 0) {
		return fmt.Errorf("must be a path, not %s", quote(text))
	}
	return nil
}

func checkSeed(text string) error {
	if node.CheckAddress(text) == nil {
		return nil
	}
	return fmt.Errorf("must hold addresses such as b, b@host, b@host:9100 or host:9100, not %s", quote(text))
}

func contains(words []string, w string) bool {
	for _, x := range words {
		if x == w {
			return true
		}
	}
	return false
}

// oneOf writes "auto, require or off".
func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// quote writes what was given: short, and free of control characters.
func quote(text string) string { return strconv.QuoteToGraphic(cut(text, 40)) }

// clip is quote without the quotes, for text that is no value.
func clip(text string, most int) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsGraphic(r) {
			return r
		}
		return '\uFFFD'
	}, cut(text, most))
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
