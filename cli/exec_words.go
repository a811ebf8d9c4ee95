package cli

import (
	"errors"
	"fmt"
	"strings"
)

// splitWords splits a command line as a shell would, and expands nothing: blanks
// part words, '...' holds all as it is, "..." all but \" and \\, and \ before
// anything else gives that.
func splitWords(text string) ([]string, error) {
	var s wordSplit
	for _, r := range text {
		s.add(r)
	}
	switch {
	case s.quote != 0:
		return nil, fmt.Errorf("has a %c without its end", s.quote)
	case s.escaped:
		return nil, errors.New(`ends in a \`)
	}
	s.endWord()
	return s.words, nil
}

// wordSplit is where splitWords stands in its text.
type wordSplit struct {
	words   []string
	word    strings.Builder
	in      bool // within a word
	quote   rune // within a quote; 0 is none
	escaped bool // after a \
}

func (s *wordSplit) add(r rune) {
	switch {
	case s.escaped:
		s.escape(r)
	case r == '\\' && s.quote != '\'':
		s.in, s.escaped = true, true
	case s.quote != 0 && r == s.quote:
		s.quote = 0
	case s.quote != 0:
		s.word.WriteRune(r)
	case r == '\'' || r == '"':
		s.in, s.quote = true, r
	case r == ' ' || r == '\t' || r == '\n':
		s.endWord()
	default:
		s.in = true
		s.word.WriteRune(r)
	}
}

func (s *wordSplit) escape(r rune) {
	if s.quote == '"' && r != '"' && r != '\\' {
		s.word.WriteByte('\\') // "\n" stays two characters
	}
	s.word.WriteRune(r)
	s.escaped = false
}

func (s *wordSplit) endWord() {
	if s.in {
		s.words = append(s.words, s.word.String())
		s.word.Reset()
	}
	s.in = false
}
