package cli

import (
	"fmt"
	"strings"
)

// reportBug tells of a panic and gives its exit status. The stack is for whoever
// mends it, so it comes line by line and only with --verbose; with --json it would
// tear the one object on stderr, and is left out.
func (o *output) reportBug(p any, stack []byte) int {
	try := "the same command again with --verbose (shows where)"
	if o.verbose {
		try = "report it, with the lines below"
	}
	e := fail("internal", fmt.Sprintf("bug: %v", p), "this is a mistake in liminal, not in what you typed", try)
	o.report(e)
	if o.verbose && o.form != formJSON {
		for line := range strings.Lines(string(stack)) {
			o.complain(say("    %s\n", strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "  ")))
		}
	}
	return e.Exit
}
