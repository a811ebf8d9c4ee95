package cli

import (
	"regexp"
	"strings"
)

// block is one part of a help text, which is written by hand and laid out by
// fill for a terminal and by the manual page for roff.
type block struct {
	lead string // of a row: its term, indented and padded to where the text starts
	text string // filled to the width
	raw  bool   // text stands as it is written
}

// rowLine is an indented term, two blanks or more, and what it means.
var rowLine = regexp.MustCompile(`^( +\S(?:.*?\S)? {2,})(\S.*)$`)

// parseText cuts a text into blocks: lines at the margin are paragraphs, an
// indented line with a gap in it is a row, lines indented further go on with
// the row, and other indented lines stand as they are. A block without lead and
// text is an empty line.
func parseText(s string) []block {
	var all []block
	inRow, inParagraph := -1, false // the indent of the open row
	for _, l := range strings.Split(strings.TrimRight(s, "\n"), "\n") {
		indent := len(l) - len(strings.TrimLeft(l, " "))
		row := rowLine.FindStringSubmatch(l)
		open := inRow >= 0 && indent > inRow || inParagraph && indent == 0
		switch {
		case strings.TrimSpace(l) == "":
			all = append(all, block{})
			inRow, inParagraph = -1, false
		case open && (row == nil || indent > inRow+4):
			all[len(all)-1].text += " " + strings.TrimSpace(l)
		case row != nil:
			all = append(all, block{lead: row[1], text: row[2]})
			inRow, inParagraph = indent, false
		default:
			all = append(all, block{text: l, raw: indent > 0})
			inRow, inParagraph = -1, indent == 0
		}
	}
	return all
}

// leastText is how narrow the text of a row may get before it goes under its
// term instead of beside it.
const leastText = 24

// fill lays blocks out in width columns.
func fill(blocks []block, width int) string {
	var b strings.Builder
	for _, bl := range blocks {
		hang := len(bl.lead)
		switch {
		case bl.raw:
			b.WriteString(bl.text + "\n")
			continue
		case hang > 0 && width-hang < leastText:
			b.WriteString(strings.TrimRight(bl.lead, " ") + "\n")
			hang = 6
			b.WriteString(strings.Repeat(" ", hang))
		default:
			b.WriteString(bl.lead)
		}
		b.WriteString(strings.Join(wrap(bl.text, width-hang), "\n"+strings.Repeat(" ", hang)) + "\n")
	}
	return b.String()
}

// wrap breaks text between words into lines of at most width columns, and a
// word that is too long after one of its commas, or anywhere if it has none.
func wrap(text string, width int) []string {
	width = max(width, 1)
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case textWidth(*last)+1+textWidth(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
		for textWidth(lines[len(lines)-1]) > width {
			head, tail := breakWord(lines[len(lines)-1], width)
			if tail == "" {
				break // one wide character in one column
			}
			lines = append(lines[:len(lines)-1], head, tail)
		}
	}
	return lines
}

// breakWord gives as much of word as fits into width columns, and the rest.
func breakWord(word string, width int) (head, tail string) {
	used, cut, comma := 0, 0, 0
	for i, r := range word {
		if used += runeWidth(r); used > width && i > 0 {
			break
		}
		cut = i + len(string(r))
		if r == ',' {
			comma = cut
		}
	}
	if comma > 0 && comma < len(word) {
		cut = comma
	}
	return word[:cut], word[cut:]
}
