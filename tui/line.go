package tui

import "strings"

// line is one line of the frame while it is built: pieces of text with their
// roles, never wider than w columns.
type line struct {
	t     theme
	w     int
	n     int // columns so far
	parts []part
}

type part struct {
	role role
	text string
}

func (t theme) line(w int) *line { return &line{t: t, w: w} }

// add appends text, cut at the end of the line. It is made clean here.
func (l *line) add(r role, s string) *line {
	s = l.t.text(s)
	n := width(s)
	if n > l.w-l.n {
		n = max(l.w-l.n, 0)
		s = fit(s, n, false, l.t.ascii)
	}
	return l.raw(r, s, n)
}

// cell appends text in exactly n columns, as far as the line goes.
func (l *line) cell(r role, s string, n int, right bool) *line {
	n = min(n, l.w-l.n)
	if n <= 0 {
		return l
	}
	return l.raw(r, fit(s, n, right, l.t.ascii), n)
}

// raw appends text that is clean and n columns wide.
func (l *line) raw(r role, s string, n int) *line {
	if s == "" {
		return l
	}
	l.parts = append(l.parts, part{r, s})
	l.n += n
	return l
}

// to fills up with blanks until column n.
func (l *line) to(n int) *line {
	n = min(n, l.w)
	if n > l.n {
		l.raw(plain, strings.Repeat(" ", n-l.n), n-l.n)
	}
	return l
}

// rule fills the line with a rule until column n.
func (l *line) rule(n int) *line {
	n = min(n, l.w)
	if n > l.n {
		l.raw(dim, strings.Repeat(l.t.glyphs().rule, n-l.n), n-l.n)
	}
	return l
}

// end puts text at the right end if there is room for it and a blank before.
func (l *line) end(r role, s string) *line {
	s = l.t.text(s)
	if n := width(s); l.n+n < l.w {
		l.to(l.w-n).raw(r, s, n)
	}
	return l
}

// String is the line as it is written. Blanks at its end are left out.
func (l *line) String() string {
	var b strings.Builder
	for i, p := range l.parts {
		if s := p.text; i == len(l.parts)-1 {
			b.WriteString(l.t.paint(p.role, strings.TrimRight(s, " ")))
		} else {
			b.WriteString(l.t.paint(p.role, s))
		}
	}
	return b.String()
}

// whole is the line in one role to its full width, whatever its parts are.
func (l *line) whole(r role) string {
	l.to(l.w)
	var b strings.Builder
	for _, p := range l.parts {
		b.WriteString(p.text)
	}
	s := b.String()
	if !l.t.colour {
		s = strings.TrimRight(s, " ")
	}
	return l.t.paint(r, s)
}

// text is s as this theme may show it.
func (t theme) text(s string) string {
	if s = clean(s); t.ascii {
		s = asciiOnly(s)
	}
	return s
}

// glyphs are the characters of frames and rules.
type glyphs struct {
	rule, bar, tee, corner1, corner2, corner3, corner4 string
}

func (t theme) glyphs() glyphs {
	if t.ascii {
		return glyphs{"-", "|", "+", "+", "+", "+", "+"}
	}
	return glyphs{"─", "│", "┬", "┌", "┐", "└", "┘"}
}

// trimmed is how many blanks String leaves out at the end.
func (l *line) trimmed() int {
	if len(l.parts) == 0 {
		return l.n
	}
	s := l.parts[len(l.parts)-1].text
	return len(s) - len(strings.TrimRight(s, " "))
}
