package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// role is what a piece of text means; the theme gives it its looks.
type role uint8

const (
	plain role = iota
	dim
	bold
	roleUp
	roleDialling
	roleFlap
	roleSuspect
	roleLeft
	roleDown
	roleSelected
	roleHeader // the top line
	roleWarn   // banners: paused, stopped
	roleTitle  // of panes and columns
	roleKey    // keys in the footer and the help
)

// looks are the SGR sequences of the roles. Only the terminal's own 16 colours
// occur, so that they fit its background, and never red beside green.
var looks = [...]string{
	plain:        "",
	dim:          ansi.NewStyle(ansi.AttrFaint).String(),
	bold:         ansi.NewStyle(ansi.AttrBold).String(),
	roleUp:       "",
	roleDialling: ansi.NewStyle(ansi.AttrCyanForegroundColor).String(),
	roleFlap:     ansi.NewStyle(ansi.AttrBold, ansi.AttrYellowForegroundColor).String(),
	roleSuspect:  ansi.NewStyle(ansi.AttrYellowForegroundColor).String(),
	roleLeft:     ansi.NewStyle(ansi.AttrFaint).String(),
	roleDown:     ansi.NewStyle(ansi.AttrBold, ansi.AttrRedForegroundColor).String(),
	roleSelected: ansi.NewStyle(ansi.AttrReverse).String(),
	roleHeader:   ansi.NewStyle(ansi.AttrBold).String(),
	roleWarn:     ansi.NewStyle(ansi.AttrBold, ansi.AttrYellowForegroundColor).String(),
	roleTitle:    ansi.NewStyle(ansi.AttrBold).String(),
	roleKey:      ansi.NewStyle(ansi.AttrBold).String(),
}

// theme is how the screen may look.
type theme struct {
	colour bool // else no escape sequence at all
	ascii  bool // nothing above 0x7e
}

// paint gives s the looks of r. s may hold painted parts: each one's end takes
// up the looks around it again. Without colour s comes back as it is.
func (t theme) paint(r role, s string) string {
	if !t.colour || s == "" || int(r) >= len(looks) || looks[r] == "" {
		return s
	}
	look := looks[r]
	if strings.Contains(s, ansi.ResetStyle) {
		s = strings.ReplaceAll(s, ansi.ResetStyle, ansi.ResetStyle+look)
	}
	return look + s + ansi.ResetStyle
}
