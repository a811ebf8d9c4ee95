package membership

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// A transcript is a conversation with one table and one tracker. A block is
// commands, a line of four dashes, and what they print; blank lines part the
// blocks and # begins a comment.
//
//	link NAME cN             a handshake completes; a link still up is replaced
//	drop NAME REASON         its link ends
//	row NAME cN gN up        the table shows this row, sound or not
//	row NAME cN gN down [REASON]
//	remove NAME              the table has no row for it any more
//	poll                     print the delta
//	nudge on|off             poll after every change of the table as well
//	forget NAME              print what Forget says
//	peers                    print the members
//	counts NAME              print the totals
type transcript struct {
	table  map[string]Entry
	seen   uint64 // version of the table
	nudged bool
	// always polls after every change, whatever the transcript says, and
	// prints nothing for it: TestTranscriptsNudged compares what is left.
	always bool
	observed
	out *strings.Builder
}

func newTranscript(always bool) *transcript {
	return &transcript{table: map[string]Entry{}, always: always, observed: newObserved(), out: new(strings.Builder)}
}

// commands has a function a row; args are the words after the command.
var commands = map[string]struct {
	args int // at least so many
	run  func(tr *transcript, args []string) error
}{
	"link":   {2, (*transcript).link},
	"drop":   {2, (*transcript).drop},
	"row":    {4, (*transcript).row},
	"remove": {1, (*transcript).remove},
	"poll":   {0, func(tr *transcript, _ []string) error { return tr.pollNow(true) }},
	"nudge":  {1, func(tr *transcript, a []string) error { tr.nudged = a[0] == "on"; return nil }},
	"forget": {1, func(tr *transcript, a []string) error { return tr.print("forget %s: %t", a[0], tr.forget(a[0])) }},
	"peers":  {0, (*transcript).peers},
	"counts": {1, (*transcript).showCounts},
}

func (tr *transcript) do(line string) error {
	words := strings.Fields(line)
	c, ok := commands[words[0]]
	if !ok || len(words)-1 < c.args {
		return fmt.Errorf("%q: unknown command or too few words", line)
	}
	if err := c.run(tr, words[1:]); err != nil {
		return fmt.Errorf("%q: %w", line, err)
	}
	return tr.ledger.laws(tr.Tracker)
}

func (tr *transcript) print(format string, args ...any) error {
	fmt.Fprintf(tr.out, format+"\n", args...)
	return nil
}

// changed gives the table a new version and, nudged, polls it.
func (tr *transcript) changed() error {
	tr.seen++
	if tr.nudged || tr.always {
		return tr.pollNow(tr.nudged && !tr.always)
	}
	return nil
}

func (tr *transcript) pollNow(print bool) error {
	s := Snapshot{Version: tr.seen}
	for _, e := range tr.table {
		s.Entries = append(s.Entries, e)
	}
	slices.SortFunc(s.Entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	d, err := tr.poll(s)
	if print {
		tr.out.WriteString(shown(d).String())
	}
	return err
}

func (tr *transcript) link(args []string) error {
	creation, err := number(args[1], "c")
	if err != nil {
		return err
	}
	e := tr.table[args[0]]
	if e.Up {
		e.Reason = "replaced"
	}
	e.Peer, e.Up = Peer{args[0], uint32(creation), e.Generation + 1}, true
	tr.table[args[0]] = e
	return tr.changed()
}

func (tr *transcript) drop(args []string) error {
	e, ok := tr.table[args[0]]
	if !ok || !e.Up {
		return fmt.Errorf("no link")
	}
	e.Up, e.Reason = false, args[1]
	tr.table[args[0]] = e
	return tr.changed()
}

func (tr *transcript) row(args []string) error {
	creation, err := number(args[1], "c")
	if err != nil {
		return err
	}
	generation, err := number(args[2], "g")
	if err != nil {
		return err
	}
	e := Entry{Peer: Peer{args[0], uint32(creation), generation}, Up: args[3] == "up"}
	if len(args) > 4 {
		e.Reason = args[4]
	}
	tr.table[args[0]] = e
	return tr.changed()
}

func (tr *transcript) remove(args []string) error {
	delete(tr.table, args[0])
	return tr.changed()
}

func (tr *transcript) peers(_ []string) error {
	if tr.Len() == 0 {
		return tr.print("nobody")
	}
	for _, p := range tr.Peers() {
		if err := tr.print("%s", showPeer(p)); err != nil {
			return err
		}
	}
	return nil
}

func (tr *transcript) showCounts(args []string) error {
	c := tr.Counts(args[0])
	return tr.print("%s generation %d unnumbered %d = joined %d coalesced %d flapped %d; left %d",
		args[0], c.Generation, c.Unnumbered, c.Joined, c.Coalesced, c.Flapped, c.Left)
}

func number(word, prefix string) (uint64, error) {
	digits, ok := strings.CutPrefix(word, prefix)
	if !ok {
		return 0, fmt.Errorf("%q: want %sN", word, prefix)
	}
	return strconv.ParseUint(digits, 10, 32)
}

// replay runs a transcript and returns it with the output that came of it.
func replay(tr *transcript, text string) (string, error) {
	var b strings.Builder
	expected := false // inside the output of the block
	for line := range strings.Lines(text) {
		bare := strings.TrimSpace(line)
		switch {
		case bare == "":
			expected = false
			b.WriteString(line)
		case expected: // superseded by what the commands printed
		case bare == "----":
			expected = true
			b.WriteString(line + tr.out.String())
			tr.out.Reset()
		default:
			b.WriteString(line)
			if bare[0] == '#' {
				continue
			}
			if err := tr.do(bare); err != nil {
				return "", err
			}
		}
	}
	if tr.out.Len() > 0 {
		return "", fmt.Errorf("output without a line of dashes: %q", tr.out)
	}
	return b.String(), nil
}

func eachTranscript(t *testing.T, f func(t *testing.T, path, text string)) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f(t, path, string(text))
		})
	}
}

func TestTranscripts(t *testing.T) {
	eachTranscript(t, func(t *testing.T, path, text string) {
		got, err := replay(newTranscript(false), text)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		if got != text {
			t.Errorf("output differs (-update rewrites it); got:\n%s", got)
		}
	})
}

// TestTranscriptsNudged replays every transcript with a poll after every
// change: the members at the end are the same, the deltas only come earlier.
func TestTranscriptsNudged(t *testing.T) {
	eachTranscript(t, func(t *testing.T, _, text string) {
		polled, nudged := newTranscript(false), newTranscript(true)
		for _, tr := range []*transcript{polled, nudged} {
			if _, err := replay(tr, text); err != nil {
				t.Fatal(err)
			}
			if err := tr.pollNow(false); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := nudged.Peers(), polled.Peers(); !slices.Equal(got, want) {
			t.Errorf("nudged %+v, polled %+v", got, want)
		}
	})
}

// TestTranscriptErrors: a slip in a transcript fails, it is not passed over.
func TestTranscriptErrors(t *testing.T) {
	for _, text := range []string{"pol", "link b@h", "link b@h 1", "row b@h c1 1 up", "row b@h 1 g1 up", "drop b@h eof", "poll"} {
		if got, err := replay(newTranscript(false), text); err == nil {
			t.Errorf("%q passed: %q", text, got)
		}
	}
}
