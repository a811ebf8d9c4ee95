package tui

// column is one column of a list. Which are shown hangs on the width of the
// screen alone, so that columns do not jump about with the data.
type column[T any] struct {
	title string
	width int // without the blank after it; 0 takes what is left
	right bool
	from  int  // width of the screen from which it is shown
	wide  bool // only in the wide form
	slim  bool // only without it
	text  func(c *paper, v T) string
	role  func(v T) role   // nil: plain
	raw   bool             // text gives exactly width columns, made here
	rest  bool             // takes of the room that names do not need
	over  func(v T) string // what is written over this column and those under it; "" is nothing
	under bool
}

// paper is what cells are made for.
type paper struct {
	m     *model
	cells int // of a sparkline
	space []float64
}

// pickColumns gives the columns for a screen, with widths that fill it. The last one's
// text ends at the right edge.
func pickColumns[T any](all []column[T], w, marker int, wide bool) []column[T] {
	var cols []column[T]
	left, flex := w-marker+1, -1
	for _, c := range all {
		if w < c.from || c.wide && !wide || c.slim && wide {
			continue
		}
		if c.width == 0 && flex < 0 {
			flex = len(cols)
		}
		cols = append(cols, c)
		left -= c.width + 1
	}
	if flex >= 0 {
		share(cols, flex, max(left, 6), wide)
	}
	return cols
}

// mostName is what a name takes at most before other columns get more room.
const mostName = 22

// share gives the room left to the name, and on a wide screen some of it to the
// sparkline or, in the wide form, to what comes last.
func share[T any](cols []column[T], flex, room int, wide bool) {
	for i := range cols {
		switch extra := room - mostName; {
		case extra <= 0:
		case cols[i].raw:
			cells := cols[i].width
			for _, n := range [...]int{15, 20, 30, historyBuckets} { // whole buckets in each cell
				if n-cells <= max(extra/2, 3) && n-cells <= extra {
					cols[i].width = n
				}
			}
			room -= cols[i].width - cells
		case wide && cols[i].rest:
			extra /= 2
			cols[i].width += extra
			room -= extra
		}
	}
	cols[flex].width = min(room, 2*mostName)
}

// titles is the line above the rows.
func titles[T any](t theme, cols []column[T], w, marker int) string {
	l := t.line(w).to(marker)
	for _, c := range cols {
		l.cell(roleTitle, c.title, c.width, c.right).add(plain, " ")
	}
	return l.String()
}

// rowLine is one row. mark stands in front of it: ">" is the selected one.
func rowLine[T any](p *paper, cols []column[T], w int, mark string, v T) *line {
	l := p.m.theme.line(w).add(plain, mark)
	for i := 0; i < len(cols); i++ {
		c, r := cols[i], plain
		if c.role != nil {
			r = c.role(v)
		}
		if n, s := spread(cols[i:], v); n > 0 {
			l.cell(r, s, wide(cols[i:i+n]), false).add(plain, " ")
			i += n - 1
			continue
		}
		if p.cells = c.width; c.raw && l.n+c.width <= w {
			l.raw(r, c.text(p, v), c.width)
		} else if !c.raw {
			l.cell(r, c.text(p, v), c.width, c.right)
		}
		l.add(plain, " ")
	}
	return l
}

// spread gives what is written over the first of cols and how many columns it
// takes; 0 where it has none, or too few for words.
func spread[T any](cols []column[T], v T) (n int, s string) {
	if cols[0].over == nil {
		return 0, ""
	}
	if s = cols[0].over(v); s == "" {
		return 0, ""
	}
	for n = 1; n < len(cols) && cols[n].under; n++ {
	}
	if wide(cols[:n]) < leastSpread {
		return 0, ""
	}
	return n, s
}

const leastSpread = 24 // columns: "connection refused, 4 t…"

// wide is how many columns they take side by side.
func wide[T any](cols []column[T]) int {
	n := len(cols) - 1
	for _, c := range cols {
		n += c.width
	}
	return n
}

// spark draws a history in the column's width.
func (p *paper) spark(h *history) string {
	p.space = h.appendCells(p.space[:0], p.cells)
	return spark(p.space, p.cells, p.m.theme.ascii)
}
