package cli

import "strings"

// typedMost is how much of a command line advice repeats.
const typedMost = 100

// typed is the command line of this call after "liminal", quoted for a shell, so
// that advice to run it again can be typed. One that is too long to repeat is
// its command alone.
func (c *call) typed() string {
	words := make([]string, len(c.app.args))
	for i, w := range c.app.args {
		words[i] = typedWord(w)
	}
	text := strings.Join(words, " ")
	if text == "" || len(text) > typedMost || clean(text) != text {
		return fullName(c.cli.Command) + " ..."
	}
	return text
}

// typedWord quotes a word if a shell would read it otherwise.
func typedWord(w string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:@,+%"
	if w != "" && strings.Trim(w, plain) == "" {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// withFlag adds a flag to a command line, before the "--" that ends its flags.
func withFlag(line, flag string) string {
	if before, after, ok := strings.Cut(line+" ", " -- "); ok {
		return strings.TrimSpace(before + " " + flag + " -- " + after)
	}
	return line + " " + flag
}
