package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Example gives the whole file with every default, commented. Parsing it gives
// the defaults.
func Example() string {
	var b strings.Builder
	b.WriteString("# Every key is optional; an unknown key is an error. Durations: \"250ms\", \"5s\"; sizes: \"64KiB\", \"1MiB\". [R] = SIGHUP applies it.\n")
	writeTables(&b, func(i int) (value, comment string) {
		s := &settings[i]
		comment = s.Doc
		if s.Reload {
			comment = "[R] " + comment
		}
		if s.Example != "" {
			comment += "; e.g. " + s.literal(s.Example, splitList(s.Example))
		}
		return s.literal(s.Default, splitList(s.Default)), comment
	})
	return b.String()
}

// Show gives all settings as a file, each with its origin. The cookie appears as
// a comment with where it comes from, never its value.
func (v *Values) Show() string {
	var b strings.Builder
	writeTables(&b, func(i int) (value, comment string) {
		return v.values[i].Literal(), v.values[i].Origin.String()
	})
	b.WriteString("# cookie: [redacted], from " + v.cookieFrom() + "\n")
	if v.fields.acceptFile != "" {
		b.WriteString("# accepted besides: [redacted], from " + quote(v.fields.acceptFile) + "\n")
	}
	return b.String()
}

func (v *Values) cookieFrom() string {
	if v.cookie.Name == "LIMINAL_COOKIE" {
		return v.cookie.Name
	}
	return quote(v.fields.cookieFile)
}

// writeTables writes every setting under its table, values and comments aligned.
func writeTables(b *strings.Builder, row func(i int) (value, comment string)) {
	for _, t := range tables {
		b.WriteString("[" + t.name + "]")
		if t.doc != "" {
			b.WriteString(" # " + t.doc)
		}
		b.WriteString("\n")
		writeRows(b, t.name, row)
	}
}

func writeRows(b *strings.Builder, table string, row func(i int) (value, comment string)) {
	type line struct{ name, value, comment string }
	var lines []line
	names, values := 0, 0
	for i := range settings {
		in, name, _ := cutLast(settings[i].Key)
		if in != table {
			continue
		}
		value, comment := row(i)
		lines = append(lines, line{name, value, comment})
		names, values = max(names, len(name)), max(values, min(utf8.RuneCountInString(value), 24))
	}
	for _, l := range lines {
		fmt.Fprintf(b, "%-*s = %-*s # %s\n", names, l.name, values, l.value, l.comment)
	}
}

// Literal gives the value as it would stand in the file.
func (v Value) Literal() string { return v.Setting.literal(v.Text, splitList(v.Text)) }

func (s *Setting) literal(text string, items []string) string {
	switch s.Kind() {
	case KindBool:
		return strconv.FormatBool(text == "true" || text == "1")
	case KindList:
		quoted := make([]string, len(items))
		for i, it := range items {
			quoted[i] = tomlQuote(it)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case KindNumber:
		n, _ := strconv.Atoi(text) // a flag may have had zeros in front, or a sign
		return strconv.Itoa(n)
	}
	return tomlQuote(text)
}

// tomlQuote writes a basic string. Control characters take the long escape.
func tomlQuote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == utf8.RuneError || strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "\\U%08X", r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
