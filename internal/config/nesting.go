package config

import "bytes"

// tooDeep says whether brackets or the parts of a key nest deeper than
// maxNesting, and on which line. It reads strings and comments as TOML does and
// stops where the parser will stop with an error, so it is never laxer.
func tooDeep(data []byte) (line int, deep bool) {
	depth, dots := 0, 0
	line = 1
	for i := 0; i < len(data); i++ {
		switch c := data[i]; c {
		case '\n':
			line++
			dots = 0
		case '[', '{':
			depth++
			dots = 0
		case ']', '}':
			depth--
		case '.':
			dots++
		case ',', '=':
			dots = 0
		case '#':
			i += lineRest(data[i:]) - 1
		case '"', '\'':
			n, ok := stringLen(data[i:])
			if !ok {
				return 0, false
			}
			line += bytes.Count(data[i:i+n], []byte{'\n'})
			i += n - 1
		}
		if depth > maxNesting || dots >= maxNesting {
			return line, true
		}
	}
	return 0, false
}

// lineRest gives the bytes up to the end of the line, without it.
func lineRest(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i
	}
	return len(b)
}

// stringLen gives the length of the string that b begins with, quotes included.
func stringLen(b []byte) (n int, ok bool) {
	quote := b[0]
	if triple := bytes.Repeat(b[:1], 3); bytes.HasPrefix(b, triple) {
		return longStringLen(b, triple)
	}
	for i := 1; i < len(b) && b[i] != '\n'; i++ {
		switch {
		case b[i] == quote:
			return i + 1, true
		case b[i] == '\\' && quote == '"':
			i++
		}
	}
	return 0, false
}

// longStringLen is stringLen for strings over several lines. Up to two quotes
// may stand right before the closing three.
func longStringLen(b, triple []byte) (n int, ok bool) {
	for i := 3; i < len(b); i++ {
		switch {
		case b[i] == '\\' && triple[0] == '"':
			i++
		case bytes.HasPrefix(b[i:], triple):
			i += 3
			for extra := 0; extra < 2 && i < len(b) && b[i] == triple[0]; extra++ {
				i++
			}
			return i, true
		}
	}
	return 0, false
}
