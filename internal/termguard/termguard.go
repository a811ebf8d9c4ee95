package termguard

import "os"

// term is what TERM was before init, if it was there.
var term, there = os.LookupEnv("TERM")

func init() { _ = os.Setenv("TERM", "dumb") }

// Restore gives TERM back. It is called once, before anything reads TERM.
func Restore() {
	if there {
		_ = os.Setenv("TERM", term)
	} else {
		_ = os.Unsetenv("TERM")
	}
}
