package tui

import (
	"regexp"
	"strings"
	"testing"
)

func TestPaint(t *testing.T) {
	colour := theme{colour: true}
	for _, tc := range []struct {
		name, got, want string
	}{
		{"down", colour.paint(roleDown, "down"), "\x1b[1;31mdown\x1b[m"},
		{"flap", colour.paint(roleFlap, "flap"), "\x1b[1;33mflap\x1b[m"},
		{"dialling", colour.paint(roleDialling, "~"), "\x1b[36m~\x1b[m"},
		{"up is plain", colour.paint(roleUp, "up"), "up"},
		{"nothing", colour.paint(roleDown, ""), ""},
		{"no such role", colour.paint(200, "x"), "x"},
		{"selected goes on after a part", colour.paint(roleSelected, "a"+colour.paint(roleDown, "b")+"c"),
			"\x1b[7ma\x1b[1;31mb\x1b[m\x1b[7mc\x1b[m"},
		{"no colour", theme{}.paint(roleDown, "down"), "down"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, tc.got, tc.want)
		}
	}
}

// TestLooks: the terminal's own colours, so no 256 or true colour, no background,
// and no green, which many cannot tell from red.
func TestLooks(t *testing.T) {
	allowed := regexp.MustCompile(`^\x1b\[(1|2|7|3[0-7])(;3[0-7])?m$`)
	for r, look := range looks {
		if look != "" && !allowed.MatchString(look) || strings.Contains(look, "32") {
			t.Errorf("role %d looks %q", r, look)
		}
	}
}
