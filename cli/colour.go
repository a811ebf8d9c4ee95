package cli

import "strings"

// style is one of the terminal's own 16 colours with its attributes, as SGR
// parameters. Colour never carries meaning alone: the state word does.
type style string

const (
	plainStyle style = ""
	cyan       style = "36"
	yellow     style = "33"
	yellowBold style = "1;33"
	redBold    style = "1;31"
	dim        style = "2"
	bold       style = "1"
)

// stateStyles: what is well is plain, and never red against green.
var stateStyles = map[string]style{
	"dialling": cyan,
	"joining":  cyan,
	"suspect":  yellow,
	"alone":    yellow,
	"degraded": yellow,
	"left":     dim,
	"stopping": dim,
	"down":     redBold,
}

// palette paints for one stream, or does nothing.
type palette bool

// paint cleans text and puts it in a style.
func (p palette) paint(s style, text string) styled {
	text = clean(text)
	if !p || s == plainStyle {
		return styled(text)
	}
	return styled("\x1b[" + string(s) + "m" + text + "\x1b[0m")
}

// state paints a state word by its meaning.
func (p palette) state(word string) styled { return p.paint(stateStyles[word], word) }

// colourMode is what decides about colour, strongest first: the flag,
// LIMINAL_COLOR, NO_COLOR. Where the settings were read they have decided.
type colourMode struct {
	flag, env string // auto, always, never; "" is not said
	noColor   bool   // NO_COLOR is not empty
	dumb      bool   // TERM=dumb
}

// on decides for one stream by whether it is a terminal.
func (m colourMode) on(tty bool) palette {
	mode := "auto"
	if m.noColor {
		mode = "never"
	}
	if m.env != "" {
		mode = m.env
	}
	if m.flag != "" {
		mode = m.flag
	}
	switch mode {
	case "always":
		return true
	case "never":
		return false
	}
	return palette(tty && !m.dumb)
}

// asciiLocale reports whether the locale is one without UTF-8: the first of
// LC_ALL, LC_CTYPE and LANG that is set decides, none means C.
func asciiLocale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return true
}
