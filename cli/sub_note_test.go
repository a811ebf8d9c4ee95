package cli

import (
	"strings"
	"testing"
)

// TestSubSaysThatItListens: on a terminal it would be mute until the first
// message; elsewhere nobody needs to hear it.
func TestSubSaysThatItListens(t *testing.T) {
	const note = "listening on chat, orders; Ctrl-C ends\n"
	for _, test := range []struct {
		args           []string
		stdout, stderr bool
		want           string
	}{
		{nil, true, true, note},
		{[]string{"-q"}, true, true, ""},
		{nil, true, false, ""},
		{nil, false, true, ""},
		{[]string{"--json"}, true, true, ""},
		{[]string{"-v"}, true, true, "subscribed to chat, orders on a@dev\n"},
	} {
		bus := newFakeBus()
		bus.stream = saying(message("hello"))
		env := busEnv(t, bus)
		env.StdoutTTY, env.StderrTTY = test.stdout, test.stderr
		r := runIn(t, env, append([]string{"sub", "chat", "orders", "--count", "1"}, test.args...)...)
		if r.code != 0 || withoutCalls(r.stderr) != test.want {
			t.Errorf("%+v: %+v", test, r)
		}
	}
}

// withoutCalls leaves out what --verbose says of control calls.
func withoutCalls(stderr string) string {
	var kept strings.Builder
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "liminal: call ") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func TestDashIsNoFlag(t *testing.T) {
	for _, test := range []struct {
		args     []string
		why, try string
	}{
		{[]string{"pub", "chat", "-5"}, "a message that begins with a dash stands after --", "liminal pub CHANNEL -- MESSAGE"},
		{[]string{"pub", "chat", "--", "x", "-5"}, "", ""},
		{[]string{"pub", "chat", "-- hello"}, "a message that begins with a dash stands after --", "liminal pub CHANNEL -- MESSAGE"},
		{[]string{"pub", "chat", "---"}, "a message that begins with a dash stands after --", "liminal pub CHANNEL -- MESSAGE"},
		{[]string{"pub", "chat", "--Hello"}, "a message that begins with a dash stands after --", "liminal pub CHANNEL -- MESSAGE"},
		{[]string{"pub", "chat", "--zzz"}, "it has no such flag (an argument with a dash: put it after --)", "liminal pub --help"},
		{[]string{"sub", "--zzz"}, "it has no such flag (an argument with a dash: put it after --)", "liminal sub --help"},
		{[]string{"status", "--zzz"}, "it has no such flag", "liminal status --help"},
	} {
		_, err := testApp(t).grammar.arrange(test.args)
		if test.why == "" {
			if err != nil {
				t.Errorf("%v: %v", test.args, err)
			}
			continue
		}
		if e := asError(err); err == nil || e.Why != test.why || e.Try != test.try || e.Exit != 64 {
			t.Errorf("%v: %+v", test.args, e)
		}
	}
}
