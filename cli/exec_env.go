package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/control"
)

// execNames are the variables that tell a program about its record. None is a
// setting: what a peer chooses must not configure a liminal that the program
// runs, so the name of a peer is LIMINAL_PEER and not LIMINAL_NAME.
var execNames = recordNames()

func recordNames() []string {
	var names []string
	for _, v := range config.RecordVariables() {
		names = append(names, v.Name)
	}
	return names
}

// maxExecValue bounds a value: a program cannot be started with a larger
// environment than the system allows. The record on stdin has all of it.
const maxExecValue = 4096

// execVars makes variables of name and value in turn. A value that is empty, too
// long or holds a NUL, which no environment can, is left out.
func execVars(pairs ...string) []string {
	var vars []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := pairs[i+1]; v != "" && len(v) <= maxExecValue && !strings.ContainsRune(v, 0) {
			vars = append(vars, pairs[i]+"="+v)
		}
	}
	return vars
}

// messageVars are for the program of one message.
func messageVars(m *control.Message) []string {
	return execVars("LIMINAL_TYPE", "message", "LIMINAL_CHANNEL", m.Channel, "LIMINAL_FROM", m.From,
		"LIMINAL_SEQ", numberText(m.Seq), "LIMINAL_ID", m.ID)
}

// dropVars are for the program of what was lost before a message.
func dropVars(m *control.Message) []string {
	return execVars("LIMINAL_TYPE", "drop", "LIMINAL_CHANNEL", m.LostOf, "LIMINAL_COUNT", numberText(m.Lost))
}

// eventVars are for the program of one event.
func eventVars(e *control.Event) []string {
	return execVars("LIMINAL_TYPE", e.Type, "LIMINAL_PEER", e.Name, "LIMINAL_STATE", e.State, "LIMINAL_KIND", e.Kind,
		"LIMINAL_CHANNEL", e.Channel, "LIMINAL_SEQ", numberText(e.Seq), "LIMINAL_COUNT", numberText(max(e.Count, e.Missed)))
}

func numberText(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// childEnviron is our environment without what an outer program was told, without
// the cookie, and vars. A program that works off messages has no use for the
// cookie, and may show its environment in a log or a crash report; one that needs
// it reads the file.
func childEnviron(ours, vars []string) []string {
	ours = slices.DeleteFunc(slices.Clone(ours), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return name == "LIMINAL_COOKIE" || slices.Contains(execNames, name)
	})
	return append(ours, vars...)
}

// recordText names a record in a complaint: "message orders 41 from b@dev".
func recordText(vars []string) string {
	var parts []string
	for _, name := range []string{"LIMINAL_TYPE", "LIMINAL_CHANNEL", "LIMINAL_PEER", "LIMINAL_SEQ", "LIMINAL_FROM"} {
		for _, kv := range vars {
			if value, ok := strings.CutPrefix(kv, name+"="); ok {
				if name == "LIMINAL_FROM" {
					value = "from " + value
				}
				parts = append(parts, value)
			}
		}
	}
	return strings.Join(parts, " ")
}
