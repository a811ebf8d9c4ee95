package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// subFlags are the flags of sub, read.
type subFlags struct {
	count     int           // 0 is no limit
	idle      time.Duration // 0 is no limit
	limited   bool          // --timeout was given
	delimiter string
	raw       bool
	policy    string
}

func (c *call) subFlags() (subFlags, error) {
	f := subFlags{
		count: c.cli.Int("count"), limited: c.cli.IsSet("timeout"), raw: c.cli.Bool("raw"),
		delimiter: "\n", policy: control.PolicyDropOldest,
	}
	if slices.Contains(c.args, "") {
		return f, usage("CHANNEL is empty", "a channel is a name such as orders", c.cli.Command)
	}
	if c.cli.IsSet("count") && f.count < 1 {
		return f, usage("--count takes a number from 1 on", "it counts messages", c.cli.Command)
	}
	if p := c.cli.String("policy"); p != "" {
		if f.policy = p; !slices.Contains(subPolicies, p) {
			return f, usage("there is no policy "+p, "the policies are "+strings.Join(subPolicies, ", "), c.cli.Command)
		}
	}
	err := c.checkExec()
	if err != nil {
		return f, err
	}
	if c.cli.IsSet("delimiter") {
		if f.delimiter, err = unescape(c.cli.String("delimiter")); err != nil {
			return f, usage(err.Error(), `the escapes are \0 \n \r \t \\`, c.cli.Command)
		}
	}
	if text := c.cli.String("idle"); text != "" {
		if f.idle, err = time.ParseDuration(text); err != nil || f.idle <= 0 {
			return f, usage(fmt.Sprintf(`--idle must be a duration such as "5s", not %q`, text), "durations need a unit", c.cli.Command)
		}
	}
	return f, nil
}

var escapes = map[byte]byte{'0': 0, 'n': '\n', 'r': '\r', 't': '\t', '\\': '\\'}

// unescape understands the escapes that shells do not.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return "", fmt.Errorf("--delimiter ends in half an escape")
		}
		meant, ok := escapes[s[i]]
		if !ok {
			return "", fmt.Errorf(`--delimiter has the unknown escape \%c`, s[i])
		}
		b.WriteByte(meant)
	}
	return b.String(), nil
}
