package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// Limits of the file, checked before it is parsed.
const (
	MaxFile    = 64 << 10
	maxNesting = 32
)

// given is one value found in the file: a text, or the items of a list.
type given struct {
	text  string
	items []string
	line  int
	col   int
}

// parse reads a file's text into values by key. Whatever is wrong with single
// keys is reported all at once; broken syntax is reported alone.
func parse(data []byte) (map[string]given, []Problem) {
	if len(data) > MaxFile {
		return nil, []Problem{{Source: SourceFile, Text: fmt.Sprintf("the file is over %d bytes long", MaxFile)}}
	}
	if line, ok := tooDeep(data); ok {
		return nil, []Problem{{Source: SourceFile, Line: line, Column: 1,
			Text: fmt.Sprintf("nesting is deeper than %d", maxNesting)}}
	}
	var whole map[string]any
	if err := toml.Unmarshal(data, &whole); err != nil {
		return nil, []Problem{syntaxProblem(err)}
	}
	w := walker{found: map[string]given{}}
	w.p.Reset(data)
	for w.p.NextExpression() {
		w.expression(w.p.Expression())
	}
	if err := w.p.Error(); err != nil { // the decoder has accepted it before
		w.problem(&unstable.Node{}, "", err.Error(), "")
	}
	return w.found, w.problems
}

func syntaxProblem(err error) Problem {
	p := Problem{Source: SourceFile, Text: strings.TrimPrefix(err.Error(), "toml: ")}
	var de *toml.DecodeError
	if errors.As(err, &de) {
		p.Line, p.Column = de.Position()
		p.Key = strings.Join(de.Key(), ".")
	}
	p.Text = "not TOML: " + clip(p.Text, 200)
	return p
}

// walker collects the values of a document that is valid TOML.
type walker struct {
	p        unstable.Parser
	prefix   []string // of the table we are in
	skip     bool     // that table is unknown and was reported as a whole
	found    map[string]given
	problems []Problem
}

func (w *walker) problem(at *unstable.Node, key, text, nearest string) {
	pos := w.p.Shape(at.Raw).Start
	w.problems = append(w.problems, Problem{
		Source: SourceFile, Line: pos.Line, Column: pos.Column, Key: key, Text: text, Nearest: nearest,
	})
}

func (w *walker) expression(n *unstable.Node) {
	switch n.Kind {
	case unstable.Table, unstable.ArrayTable:
		w.prefix, w.skip = nil, false
		at, parts := keyOf(n)
		w.skip = !w.table(at, parts, n.Kind == unstable.ArrayTable)
		w.prefix = parts
	case unstable.KeyValue:
		if !w.skip {
			w.keyValue(w.prefix, n)
		}
	}
}

// table checks a header and says whether its keys are worth looking at.
func (w *walker) table(at *unstable.Node, parts []string, array bool) bool {
	key := join(parts)
	switch i := indexOf(key); {
	case i >= 0:
		w.problem(at, key, fmt.Sprintf("%s must be %s, not a table", key, settings[i].expect()), "")
		return false
	case !isTable(key):
		w.unknown(at, key)
		return false
	case array:
		w.problem(at, key, fmt.Sprintf("%s must be one table, [%s], not a list of tables", key, key), "")
		return false
	}
	return true
}

func (w *walker) keyValue(prefix []string, n *unstable.Node) {
	at, parts := keyOf(n)
	parts = slices.Concat(prefix, parts)
	key, value := join(parts), n.Value()
	i := indexOf(key)
	switch {
	case i >= 0:
		w.value(&settings[i], at, value)
	case isTable(key) && value.Kind == unstable.InlineTable:
		for it := value.Children(); it.Next(); {
			w.keyValue(parts, it.Node())
		}
	case isTable(key):
		w.problem(at, key, fmt.Sprintf("%s must be a table, [%s], not %s", key, key, describe(value)), "")
	default:
		w.unknown(at, key)
	}
}

func (w *walker) unknown(at *unstable.Node, key string) {
	w.problem(at, key, key+" is not a setting", nearestKey(key))
}

// value keeps a value whose form in the file fits the setting.
func (w *walker) value(s *Setting, at, v *unstable.Node) {
	pos := w.p.Shape(at.Raw).Start
	g := given{line: pos.Line, col: pos.Column}
	switch kind := s.Kind(); {
	case kind == KindBool && v.Kind == unstable.Bool:
		g.text = string(v.Data)
	case (kind == KindText || kind == KindDuration || kind == KindSize) && v.Kind == unstable.String:
		g.text = string(v.Data)
	case (kind == KindNumber || kind == KindSize) && v.Kind == unstable.Integer:
		g.text = decimal(string(v.Data))
	case kind == KindList && v.Kind == unstable.Array:
		items, bad := texts(v)
		if bad != "" {
			w.problem(at, s.Key, fmt.Sprintf("%s must be %s, not a list with %s in it", s.Key, s.expect(), bad), "")
			return
		}
		g.items = items
	default:
		w.problem(at, s.Key, fmt.Sprintf("%s must be %s, not %s", s.Key, s.expect(), describe(v)), "")
		return
	}
	w.found[s.Key] = g
}

// texts gives the items of a list of texts, or what else is in it.
func texts(list *unstable.Node) (items []string, bad string) {
	items = []string{}
	for it := list.Children(); it.Next(); {
		switch n := it.Node(); n.Kind {
		case unstable.Comment:
		case unstable.String:
			items = append(items, string(n.Data))
		default:
			return nil, describe(n)
		}
	}
	return items, ""
}

// describe names a value in words.
func describe(v *unstable.Node) string {
	switch v.Kind {
	case unstable.String:
		return "the text " + quote(string(v.Data))
	case unstable.Bool:
		return string(v.Data)
	case unstable.Integer, unstable.Float:
		return "the number " + clip(string(v.Data), 40)
	case unstable.Array:
		return "a list"
	case unstable.InlineTable:
		return "a table"
	}
	return "a date or time"
}

// keyOf gives the parts of a key and the node at which it starts.
func keyOf(n *unstable.Node) (at *unstable.Node, parts []string) {
	for it := n.Key(); it.Next(); {
		if at == nil {
			at = it.Node()
		}
		parts = append(parts, string(it.Node().Data))
	}
	return at, parts
}

// join writes a key with dots, fit to be shown. A part that is no bare key is
// quoted, so that "node.name" = 1 is not taken for node.name.
func join(parts []string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		if out[i] = p; !bareKey.MatchString(p) {
			out[i] = quote(p)
		}
	}
	return strings.Join(out, ".")
}

// bareKey is a bit stricter than TOML: no setting has a longer name.
var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

func isTable(key string) bool {
	for _, t := range tables {
		if t.name == key {
			return true
		}
	}
	return false
}
