package cli

import "strings"

// bash hands completions a line as it was typed and takes text to put into it,
// unlike the other shells, which hand and take words. It replaces only what
// follows the last of COMP_WORDBREAKS in a word (":orders" is two words to it),
// so this file reads the line by the rules of the shell and remembers where
// that part begins.

// shellWord is the unfinished word at the end of a line.
type shellWord struct {
	value    string // without its quoting
	keep     int    // how many bytes of value stand before what bash replaces
	quote    byte   // the quote that is still open, or 0
	redirect bool   // it is the target of a redirection
}

// splitter reads a line of shell.
type splitter struct {
	breaks   string
	words    []string
	value    strings.Builder
	open     bool // a word has begun
	quote    byte
	keep     int // as of shellWord, outside quotes
	inQuote  int // as of shellWord, where the quote began
	redirect bool
}

// splitShell gives the words before the last, without the command itself, and
// the last. Nothing is expanded: "$x" is two characters.
func splitShell(line, breaks string) ([]string, shellWord) {
	s := splitter{breaks: breaks}
	for i := 0; i < len(line); i++ {
		i += s.step(line[i], line[i+1:])
	}
	last := shellWord{value: s.value.String(), keep: s.keep, quote: s.quote, redirect: s.redirect}
	if s.quote != 0 {
		last.keep = s.inQuote
	}
	if len(s.words) > 0 {
		s.words = s.words[1:]
	}
	return s.words, last
}

// step takes one byte and says how many more of rest it took.
func (s *splitter) step(c byte, rest string) int {
	switch {
	case s.quote != 0:
		return s.quoted(c, rest)
	case c == '\\' && rest != "":
		s.add(rest[0])
		return 1
	case c == '\'' || c == '"':
		s.quote, s.open, s.inQuote = c, true, s.value.Len()
	case c == ' ' || c == '\t' || c == '\n':
		s.end()
	case strings.IndexByte(";|&()", c) >= 0: // another command begins
		s.end()
		s.words, s.redirect = nil, false
	case c == '<' || c == '>':
		s.endBefore()
		for i := range len(rest) {
			if strings.IndexByte("<>&|", rest[i]) < 0 {
				return i
			}
		}
		return len(rest)
	default:
		s.plain(c)
	}
	return 0
}

// plain takes a byte of a word. What bash replaces begins after a break, but at
// one that is special to it ("b@de" is completed from the @ on).
func (s *splitter) plain(c byte) {
	before := s.value.Len()
	s.add(c)
	switch {
	case strings.IndexByte(s.breaks, c) < 0:
	case c == '@' || c == '$':
		s.keep = before
	default:
		s.keep = s.value.Len()
	}
}

// quoted takes one byte between quotes.
func (s *splitter) quoted(c byte, rest string) int {
	switch {
	case c == s.quote:
		s.quote = 0
	case c == '\\' && s.quote == '"' && rest != "" && strings.IndexByte("$`\"\\\n", rest[0]) >= 0:
		s.add(rest[0])
		return 1
	default:
		s.add(c)
	}
	return 0
}

func (s *splitter) add(c byte) { s.value.WriteByte(c); s.open = true }

// end files a word; the target of a redirection is none.
func (s *splitter) end() {
	if s.open {
		if !s.redirect {
			s.words = append(s.words, s.value.String())
		}
		s.redirect = false
	}
	s.value.Reset()
	s.open, s.keep = false, 0
}

// endBefore files the word before a redirection, but for a file descriptor.
func (s *splitter) endBefore() {
	if s.open && strings.Trim(s.value.String(), "0123456789") == "" {
		s.value.Reset()
		s.open = false
	}
	s.end()
	s.redirect = true
}

// plainInShell are the ASCII characters that mean nothing to a shell wherever
// they stand in a word.
const plainInShell = "%+,-./:=@_"

// bashText is what to put in for value: its part that bash replaces, quoted as
// the word is. ok is false for what cannot be put between the quotes that are
// open, where the shell would act on some characters or not take them.
func (w shellWord) bashText(value string) (text string, ok bool) {
	if w.keep > len(value) || value[:w.keep] != w.value[:w.keep] {
		return "", false
	}
	value = value[w.keep:]
	if w.quote != 0 {
		return value, !strings.ContainsAny(value, "'\"\\$`!")
	}
	var b strings.Builder
	for _, r := range value {
		if r < 0x80 && !isWordByte(r) && !strings.ContainsRune(plainInShell, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String(), true
}

func isWordByte(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
