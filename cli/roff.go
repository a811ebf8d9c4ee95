package cli

import (
	"fmt"
	"strings"
)

// roff writes a manual page in the man macros, plain enough for groff and
// mandoc alike.
type roff struct {
	strings.Builder
	last string            // line written
	told map[string]string // lists of flags that stand there already, with the command
}

func (m *roff) line(text string) { m.WriteString(text + "\n"); m.last = text }

// title has no date: a page is the same whenever it is made.
func (m *roff) title(name, version string) {
	m.line(fmt.Sprintf(".TH %s 1 \"\" \"liminal %s\" \"liminal manual\"", quoteRoff(strings.ToUpper(name)), escapeRoff(version)))
	m.line(".ad l")
}

func (m *roff) section(head string)    { m.line(".SH " + quoteRoff(head)) }
func (m *roff) subsection(head string) { m.line(".SS " + quoteRoff(head)) }

// paragraph starts one where a section would have a head.
func (m *roff) paragraph(head string) {
	if head == "FLAGS" {
		m.line(".PP")
		m.line("Flags:")
	}
}

// usage is a synopsis: the command bold, the rest as it is.
func (m *roff) usage(text string) {
	words := strings.Fields(text)
	n := 1
	for n < len(words) && words[n] == strings.ToLower(words[n]) && !strings.HasPrefix(words[n], "[") {
		n++
	}
	rest := ""
	if n < len(words) {
		rest = " " + escapeRoff(strings.Join(words[n:], " "))
	}
	m.line(`\fB` + escapeRoff(strings.Join(words[:n], " ")) + `\fR` + rest)
}

func (m *roff) breakBefore(i int) {
	if i > 0 {
		m.line(".br")
	}
}

// blocks writes a help text: rows as tagged paragraphs, what stands as it is
// without filling.
func (m *roff) blocks(blocks []block) {
	inRaw := false
	for _, b := range blocks {
		if inRaw && !b.raw {
			m.line(".EE")
			m.line(".RE")
		}
		switch {
		case b.raw && !inRaw:
			m.line(".PP")
			m.line(".RS")
			m.line(".EX")
			m.line(escapeRoff(strings.TrimSpace(b.text)))
		case b.raw:
			m.line(escapeRoff(strings.TrimSpace(b.text)))
		case b.lead != "":
			m.line(".TP")
			m.line(`\fB` + escapeRoff(strings.TrimSpace(b.lead)) + `\fR`)
			m.text(b.text)
		case b.text == "":
		default:
			if !m.atHead() {
				m.line(".PP")
			}
			m.text(b.text)
		}
		inRaw = b.raw
	}
	if inRaw {
		m.line(".EE")
		m.line(".RE")
	}
}

// atHead: a paragraph right under a head or a macro needs none of its own.
func (m *roff) atHead() bool {
	return m.last == ".PP" || strings.HasPrefix(m.last, ".SH ") || strings.HasPrefix(m.last, ".SS ")
}

func (m *roff) text(s string) {
	if s == "" {
		m.line(`\&`)
		return
	}
	m.line(fillRoff(s))
}

// roffEscapes: a hyphen is typed as it is read, and quotes stay what they are.
var roffEscapes = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`)

// escapeRoff makes text safe to stand in a line: no escape, and no request at
// its start.
func escapeRoff(s string) string {
	s = roffEscapes.Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}

// fillRoff does that for text that is filled. Names of flags, variables and
// paths are not hyphenated; a list may be broken after its commas.
func fillRoff(s string) string {
	words := strings.Split(s, " ")
	for i, w := range words {
		name := strings.Trim(w, "(),.;:")
		if strings.ContainsAny(name, "_-/.=\"(,") || strings.ToUpper(name) == name && len(name) > 4 {
			inner := strings.TrimRight(w, ",")
			words[i] = `\%` + strings.ReplaceAll(roffEscapes.Replace(inner), ",", `,\:`) + w[len(inner):]
			continue
		}
		words[i] = escapeRoff(w)
	}
	return strings.Join(words, " ")
}

// quoteRoff is s as one argument of a macro.
func quoteRoff(s string) string { return `"` + escapeRoff(s) + `"` }
