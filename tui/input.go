package tui

import (
	"slices"
	"unicode"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/liminal-bus/liminal/internal/display"
)

// input is one line that is typed: runes and the place of the cursor among
// them. It is a value. The library's own would look for programs of the
// clipboard when the process starts, and run one at ctrl+v.
type input struct {
	text []rune
	at   int
}

const inputMost = 256 // runes

// inputKeys are the keys beside letters.
var inputKeys = map[string]func(in input) input{
	"backspace": func(in input) input { return in.cut(in.at-1, in.at) },
	"ctrl+h":    func(in input) input { return in.cut(in.at-1, in.at) },
	"delete":    func(in input) input { return in.cut(in.at, in.at+1) },
	"ctrl+u":    func(in input) input { return in.cut(0, in.at) },
	"ctrl+k":    func(in input) input { return in.cut(in.at, len(in.text)) },
	"ctrl+w":    func(in input) input { return in.cut(in.word(), in.at) },
	"left":      func(in input) input { in.at = max(in.at-1, 0); return in },
	"right":     func(in input) input { in.at = min(in.at+1, len(in.text)); return in },
	"home":      func(in input) input { in.at = 0; return in },
	"ctrl+a":    func(in input) input { in.at = 0; return in },
	"end":       func(in input) input { in.at = len(in.text); return in },
	"ctrl+e":    func(in input) input { in.at = len(in.text); return in },
}

// key takes one key, or text that was pasted.
func (in input) key(k tea.KeyMsg) input {
	if k.Type != tea.KeyRunes && k.Type != tea.KeySpace {
		if do := inputKeys[k.String()]; do != nil {
			return do(in)
		}
		return in
	}
	if k.Alt {
		return in
	}
	for _, r := range k.Runes {
		if unicode.IsSpace(r) {
			r = ' '
		}
		if len(in.text) < inputMost && !display.Harmful(r) && r != unicode.ReplacementChar {
			in.text = slices.Insert(slices.Clone(in.text), in.at, r)
			in.at++
		}
	}
	return in
}

// cut takes out from a to before b, as far as that is in the text.
func (in input) cut(a, b int) input {
	a, b = max(a, 0), min(b, len(in.text))
	in.text = slices.Delete(slices.Clone(in.text), a, b)
	in.at = a
	return in
}

// word is where the word before the cursor begins.
func (in input) word() int {
	i := in.at
	for i > 0 && in.text[i-1] == ' ' {
		i--
	}
	for i > 0 && in.text[i-1] != ' ' {
		i--
	}
	return i
}

// set is the input with that text.
func (in input) set(s string) input {
	r := []rune(s)
	return input{text: r, at: len(r)}
}

func (in input) value() string { return string(in.text) }
