package cli

import (
	"bytes"
	"context"
	"slices"

	"github.com/liminal-bus/liminal/internal/control"
)

// execDescription is what the help of a stream says of --exec.
const execDescription = "--exec runs a program for each record and prints nothing itself: the record as --json\n" +
	"would print it is the program's stdin, and LIMINAL_TYPE, _CHANNEL, _FROM, _SEQ and such its\n" +
	"environment. Its words are split at blanks outside quotes, and nothing is expanded. While\n" +
	"--exec-jobs of them run nothing is read, and what that loses comes as a drop record. A\n" +
	"program that fails or takes too long is told on stderr, and makes the exit status 1. What\n" +
	"a program leaves running counts as a job until --exec-timeout, and ends with the command;\n" +
	"what it starts in a session of its own (setsid) is left alone."

// checkExec refuses what --exec leaves without a meaning.
func (c *call) checkExec() error {
	if !c.cli.IsSet("exec") {
		return nil
	}
	for _, name := range []string{"delimiter", "raw"} {
		if c.cli.IsSet(name) {
			return usage("--"+name+" and --exec exclude each other", "with --exec nothing is printed", c.cli.Command)
		}
	}
	return nil
}

// hand gives messages to programs until the count is reached or the stream ends.
func (s *sub) hand(ctx context.Context, from messages) error {
	var m control.Message
	for s.count == 0 || s.seen < s.count {
		if err := s.next(from, &m); err != nil {
			return err
		}
		if err := s.handOne(ctx, &m); err != nil {
			return err
		}
		s.seen++
	}
	return nil
}

// handOne: what was lost is a record of its own, in its place.
func (s *sub) handOne(ctx context.Context, m *control.Message) error {
	s.missed += m.Lost
	lines := slices.Collect(bytes.Lines(control.AppendMessageJSON(nil, m)))
	if m.Lost > 0 {
		if err := s.exec.run(ctx, lines[0], dropVars(m)); err != nil {
			return err
		}
	}
	return s.exec.run(ctx, lines[len(lines)-1], messageVars(m))
}
