package cli

import (
	"strings"
	"unicode/utf8"
)

// cell is one field of a table. text may be foreign: the table cleans it.
type cell struct {
	text  string
	style style
}

// column heads one field.
type column struct {
	head  string
	right bool // numbers line up at their last digit
}

// table renders rows under aligned heads for a terminal. No line has trailing
// blanks; lines longer than width (0 is none) are cut at the right.
func (o *output) table(cols []column, rows [][]cell) {
	widths := columnWidths(cols, rows, o.header)
	if o.header {
		head := make([]cell, len(cols))
		for i, c := range cols {
			head[i] = cell{text: c.head}
		}
		o.write(o.row(cols, widths, head))
	}
	for _, r := range rows {
		o.write(o.row(cols, widths, r))
	}
}

func columnWidths(cols []column, rows [][]cell, header bool) []int {
	widths := make([]int, len(cols))
	for i, c := range cols {
		if header {
			widths[i] = textWidth(c.head)
		}
		for _, r := range rows {
			widths[i] = max(widths[i], textWidth(clean(r[i].text)))
		}
	}
	return widths
}

// row cuts before it paints, so that no escape sequence is ever cut in two.
func (o *output) row(cols []column, widths []int, cells []cell) string {
	var b strings.Builder
	at := 0 // columns written
	last := lastFilled(cells)
	for i, c := range cells[:last+1] {
		text := clean(c.text)
		pad := widths[i] - textWidth(text)
		lead, trail := 0, pad+2
		if cols[i].right {
			lead, trail = pad, 2
		}
		if i == last {
			trail = 0
		}
		if o.width > 0 && at+lead+textWidth(text)+min(trail, 1) > o.width {
			b.WriteString(strings.Repeat(" ", min(lead, max(o.width-at-1, 0))))
			b.WriteString(string(o.paint.paint(c.style, o.cut(text, o.width-at-lead))))
			break
		}
		b.WriteString(strings.Repeat(" ", lead))
		b.WriteString(string(o.paint.paint(c.style, text)))
		b.WriteString(strings.Repeat(" ", trail))
		at += lead + textWidth(text) + trail
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}

func lastFilled(cells []cell) int {
	for i := len(cells) - 1; i > 0; i-- {
		if cells[i].text != "" {
			return i
		}
	}
	return 0
}

// cut shortens text to width columns and marks that it did.
func (o *output) cut(text string, width int) string {
	mark := "…"
	if o.ascii {
		mark = "~"
	}
	if width < 1 {
		return ""
	}
	used := 0
	for i, r := range text {
		w := runeWidth(r)
		if used+w > width-1 {
			return text[:i] + mark
		}
		used += w
	}
	return text + mark
}

// fields writes one tab-separated line. A field never holds a tab or a newline,
// since clean turns them into escapes; an empty one is "-".
func (o *output) fields(values ...string) {
	for i, v := range values {
		if values[i] = clean(v); v == "" {
			values[i] = "-"
		}
	}
	o.write(strings.Join(values, "\t") + "\n")
}

// textWidth is how many columns a terminal gives to text that clean has seen.
func textWidth(text string) int {
	if len(text) == utf8.RuneCountInString(text) {
		return len(text)
	}
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

// runeWidth is 2 for the wide blocks of East Asian scripts and emoji. It is
// only used to cut lines of foreign reasons; names are ASCII.
func runeWidth(r rune) int {
	switch {
	case r < 0x1100:
		return 1
	case r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}
