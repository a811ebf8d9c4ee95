package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
)

// snapshotGroup is what --events calls both types of a snapshot.
const snapshotGroup = "snapshot"

// watchFlags are the flags of watch, read.
type watchFlags struct {
	from      control.WatchRequest
	wanted    map[string]bool // types to show; nil is all
	count     int             // 0 is no limit
	limited   bool            // --timeout was given
	reconnect bool
	bookmarks bool
}

// shows reports whether an event of that type is wanted. A gap always is: who
// reads must know what was not read.
func (f *watchFlags) shows(typ string) bool {
	switch {
	case typ == control.EventGap:
		return true
	case typ == control.EventBookmark:
		return f.bookmarks
	}
	return f.wanted == nil || f.wanted[typ]
}

// counts reports whether --count counts events of that type: those that happened.
func counts(typ string) bool {
	return typ != control.EventGap && typ != control.EventBookmark && groupOf(typ) != snapshotGroup
}

func (c *call) watchFlags() (watchFlags, error) {
	f := watchFlags{
		count: c.cli.Int("count"), limited: c.cli.IsSet("timeout"),
		reconnect: c.cli.Bool("reconnect"), bookmarks: c.cli.Bool("bookmarks"),
	}
	if c.cli.IsSet("count") && f.count < 1 {
		return f, usage("--count takes a number from 1 on", "it counts events", c.cli.Command)
	}
	var err error
	if c.cli.IsSet("since") {
		if f.from, err = parseSince(c.cli.String("since"), c.env.Now(), c.cli.Command); err != nil {
			return f, err
		}
	}
	if c.cli.IsSet("events") {
		f.wanted, err = parseEvents(list(c.cli, "events"), c.cli.Command)
	}
	return f, err
}

// parseSince reads DUR, TIME, SEQ or BOOT:SEQ. A time to come shows nothing of what
// was.
func parseSince(text string, now time.Time, cmd *cli.Command) (control.WatchRequest, error) {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return control.WatchRequest{Last: d}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return control.WatchRequest{Last: max(now.Sub(at), time.Millisecond)}, nil
	}
	boot, seq, found := strings.Cut(text, ":")
	if !found {
		boot, seq = "", text
	}
	n, err := strconv.ParseUint(seq, 10, 64)
	if err != nil || found && boot == "" {
		return control.WatchRequest{}, usage(fmt.Sprintf("--since must be a duration, a time, SEQ or BOOT:SEQ, not %q", text),
			"such as 10m, 2026-01-15T12:04:31Z, 212 or 7f3a:212", cmd)
	}
	return control.WatchRequest{Resume: true, Since: n, Boot: boot}, nil
}

// parseEvents reads types and groups of them: peer is peer.join and all others
// of that beginning.
func parseEvents(words []string, cmd *cli.Command) (map[string]bool, error) {
	wanted := map[string]bool{}
	for _, word := range words {
		found := false
		for _, typ := range watchTypes() {
			if typ == word || groupOf(typ) == word {
				wanted[typ], found = true, true
			}
		}
		if !found {
			known := append(eventGroups(), control.EventTypes...)
			why := "the types are " + strings.Join(known, ", ")
			if near := nearest(word, known); near != "" {
				why = "did you mean " + near + "?"
			}
			return nil, usage(fmt.Sprintf("there are no events of type %q", word), why, cmd)
		}
	}
	return wanted, nil
}

// watchTypes are the types that --events may name.
func watchTypes() []string {
	return append([]string{control.EventSnapshotPeer, control.EventSnapshotEnd, control.EventGap}, control.EventTypes...)
}

// eventGroups are the beginnings of types, in the order of help.
func eventGroups() []string {
	groups := []string{snapshotGroup}
	for _, typ := range control.EventTypes {
		if g := groupOf(typ); !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	return groups
}

func groupOf(typ string) string {
	group, _, _ := strings.Cut(typ, ".")
	return group
}
