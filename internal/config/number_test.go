package config

import (
	"errors"
	"strings"
	"testing"
)

// Sizes and numbers as the environment gives them; the file has its own cases
// in testdata/bad.txt.
func TestSizesAndNumbers(t *testing.T) {
	for _, k := range []struct {
		key, text string
		want      int
		bad       string
	}{
		{"channels.max_message", "64KiB", 64 << 10, ""},
		{"channels.max_message", "64MiB", 64 << 20, ""},
		{"channels.max_message", "1000B", 1000, ""},
		{"channels.max_message", "1", 1, ""},
		{"channels.max_message", "0064", 64, ""},
		{"channels.max_message", "0", 0, `must be from 1B to 64MiB, not "0"`},
		{"channels.max_message", "1GiB", 0, `must be from 1B to 64MiB, not "1GiB"`},
		{"channels.max_message", "9223372036854775807KiB", 0, `must be from 1B to 64MiB, not "9223372036854775807KiB"`},
		{"channels.max_message", "1 MiB", 0, `must be a size such as "64KiB", not "1 MiB"`},
		{"channels.max_message", "1MB", 0, `must be a size such as "64KiB", not "1MB"`},
		{"channels.max_message", "1.5MiB", 0, `must be a size such as "64KiB", not "1.5MiB"`},
		{"channels.max_message", "-1", 0, `must be a size such as "64KiB", not "-1"`},
		{"channels.max_message", "MiB", 0, `must be a size such as "64KiB", not "MiB"`},
		{"channels.queue", "1", 1, ""},
		{"channels.queue", "16777216", 1 << 24, ""},
		{"channels.queue", "010", 10, ""},
		{"channels.queue", "0", 0, `must be from 1 to 16777216, not 0`},
		{"channels.queue", "16777217", 0, `must be from 1 to 16777216, not 16777217`},
		{"channels.queue", "1k", 0, `must be a number such as 262144, not "1k"`},
		{"channels.queue", "0x10", 0, `must be a number such as 262144, not "0x10"`},
		{"channels.queue", "99999999999999999999", 0, `must be a number such as 262144, not "99999999999999999999"`},
	} {
		w := newWorld(t)
		s, _ := Lookup(k.key)
		w.env[s.Env] = k.text
		v, err := Load(w.options())
		if k.bad != "" {
			var bad *Error
			if !errors.As(err, &bad) || len(bad.Problems) != 1 || bad.Problems[0].String() != s.Env+" "+k.bad {
				t.Errorf("%s=%s: %v, want %s %s", s.Env, k.text, err, s.Env, k.bad)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s=%s: %v", s.Env, k.text, err)
			continue
		}
		if got := *s.field(&v.fields).(*int); got != k.want {
			t.Errorf("%s=%s is %d, want %d", s.Env, k.text, got, k.want)
		}
	}
}

// Integers of every form TOML has, and a size without a unit.
func TestNumbersOfTheFile(t *testing.T) {
	w := newWorld(t)
	w.file(t, "[channels]\nmax_message = 1_000\nqueue = 0x10\n")
	v := w.load(t)
	if n := v.Node(); n.MaxMessage != 1000 || n.Queue != 16 {
		t.Errorf("max_message %d, queue %d", n.MaxMessage, n.Queue)
	}
	again := newWorld(t)
	again.file(t, v.Show())
	if n := again.load(t).Node(); n.MaxMessage != 1000 || n.Queue != 16 {
		t.Errorf("shown and read again: max_message %d, queue %d in\n%s", n.MaxMessage, n.Queue, v.Show())
	}
}

func TestNumberShown(t *testing.T) {
	w := newWorld(t)
	w.env["LIMINAL_QUEUE"] = "+0010"
	again := newWorld(t)
	again.file(t, w.load(t).Show())
	if n := again.load(t).Node(); n.Queue != 10 {
		t.Errorf("queue %d", n.Queue)
	}
}

func TestScope(t *testing.T) {
	for text, want := range map[string]string{
		"pg":                     "",
		"my scope":               "",
		strings.Repeat("é", 255): "",
		strings.Repeat("é", 256): "must have at most 255 characters, not 256",
		"liminal":                `must not be "liminal": that name is taken`,
		"rex":                    `must not be "rex": that name is taken`,
		"undefined":              `must not be "undefined": that name is taken`,
		"a\nb":                   `must be printable text, not "a\nb"`,
		"a\u202eb":               `must be printable text, not "a\u202eb"`,
		"a\xffb":                 `must be printable text, not "a\xffb"`,
		"":                       `must be the name of a pg scope such as "pg", not empty`,
	} {
		w := newWorld(t)
		w.flags["cluster.scope"] = text
		v, err := Load(w.options())
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want == "" && v.Node().Scope != text:
			t.Errorf("%q is %q", text, v.Node().Scope)
		case want != "" && (err == nil || !strings.HasSuffix(err.Error(), "--scope "+want)):
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestFormatSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1: "1B", 1000: "1000B", 1 << 10: "1KiB", 1<<20 + 1: "1048577B", 64 << 20: "64MiB", 1 << 30: "1GiB"} {
		got := formatSize(n)
		if back, ok := parseSize(got); got != want || !ok || back != n {
			t.Errorf("%d is %s and back %d, want %s", n, got, back, want)
		}
	}
}
