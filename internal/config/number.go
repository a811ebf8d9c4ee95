package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/liminal-bus/liminal/node"
)

// span is what a number or a size may be, both ends included.
type span struct{ least, most int64 }

// sizeForm is a whole number with a unit; without one it is bytes. KB and MB
// are left out: some read them as 1000, some as 1024.
var sizeForm = regexp.MustCompile(`^([0-9]+)(B|KiB|MiB|GiB)?$`)

var units = map[string]int64{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

// parseSize reads "64KiB", "1MiB", "1000B" or "1000". What is over all limits
// comes back as the largest number there is.
func parseSize(text string) (int64, bool) {
	m := sizeForm.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	unit := units[m[2]]
	if err != nil || n > math.MaxInt64/unit { // only digits: it cannot be but too large
		return math.MaxInt64, true
	}
	return n * unit, true
}

// decimal writes a number of the file, which may have a sign, underscores or
// another base, as the environment has it.
func decimal(text string) string {
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	return text
}

// formatSize writes n with the largest unit that goes into it.
func formatSize(n int64) string {
	for _, unit := range []string{"GiB", "MiB", "KiB"} {
		if n > 0 && n%units[unit] == 0 {
			return strconv.FormatInt(n/units[unit], 10) + unit
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

func (s *Setting) setNumber(p *int, text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("must be %s, not %s", s.expect(), quote(text))
	}
	if n < s.within.least || n > s.within.most {
		return fmt.Errorf("must be from %d to %d, not %d", s.within.least, s.within.most, n)
	}
	*p = int(n)
	return nil
}

func (s *Setting) setSize(p *int, text string) error {
	n, ok := parseSize(text)
	if !ok {
		return fmt.Errorf("must be %s, not %s", s.expect(), quote(text))
	}
	if n < s.within.least || n > s.within.most {
		return fmt.Errorf("must be from %s to %s, not %s", formatSize(s.within.least), formatSize(s.within.most), quote(text))
	}
	*p = int(n)
	return nil
}

// maxScope is what an atom holds, in characters.
const maxScope = 255

// checkScope holds a scope to what may be an atom and a registered name.
func checkScope(text string) error {
	switch n := len([]rune(text)); {
	case text == "":
		return fmt.Errorf("must be the name of a pg scope such as %q, not empty", "pg")
	case n > maxScope:
		return fmt.Errorf("must have at most %d characters, not %d", maxScope, n)
	case strings.ToValidUTF8(text, "") != text || strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }):
		return fmt.Errorf("must be printable text, not %s", quote(text))
	case node.CheckScope(text) != nil:
		return fmt.Errorf("must not be %s: that name is taken", quote(text))
	}
	return nil
}
