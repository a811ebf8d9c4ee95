package config

import (
	"fmt"
	"strings"
)

// Source is the level a value came from.
type Source int

// The levels, lowest first.
const (
	SourceDefault Source = iota
	SourceFile
	SourceEnv
	SourceFlag
)

// Origin says where a value came from.
type Origin struct {
	Source       Source
	Name         string // the variable, or the flag without dashes
	Path         string // the file, with ~ for the home directory
	Line, Column int    // in the file, from 1
}

// String gives "default", "PATH:LINE", "LIMINAL_POLL" or "--poll".
func (o Origin) String() string {
	switch o.Source {
	case SourceFile:
		return fmt.Sprintf("%s:%d", o.Path, o.Line)
	case SourceEnv:
		return o.Name
	case SourceFlag:
		return "--" + o.Name
	}
	return "default"
}

// Problem is one thing wrong with one setting.
type Problem struct {
	Line, Column int    // in the file, from 1; 0 if it is of no place in it
	Key          string // "" where there is none
	Text         string // what is wrong, with the name it came under
	Nearest      string // the key that may have been meant, or ""
	Source       Source
	Missing      bool // the file that was named is not there
}

// String gives the line that people see.
func (p Problem) String() string {
	text := p.Text
	if p.Nearest != "" {
		text += "; did you mean " + p.Nearest + "?"
	}
	if p.Line > 0 {
		return fmt.Sprintf("line %d: %s", p.Line, text)
	}
	return text
}

// Error is everything wrong with the settings.
type Error struct {
	Path     string // of the file; "" without one
	Problems []Problem
}

// Summary gives the heading over the problems.
func (e *Error) Summary() string {
	what := "the settings have"
	if e.Path != "" && e.inFile() {
		what = e.Path + " has"
	}
	if len(e.Problems) == 1 {
		return what + " 1 problem"
	}
	return fmt.Sprintf("%s %d problems", what, len(e.Problems))
}

// inFile says whether all problems are of the file.
func (e *Error) inFile() bool {
	for _, p := range e.Problems {
		if p.Source != SourceFile {
			return false
		}
	}
	return true
}

// Error gives the summary and the problems on one line.
func (e *Error) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.String()
	}
	return e.Summary() + ": " + strings.Join(texts, "; ")
}

// ExitCode is 66 if a file that was named is not there, 64 if only flags are
// wrong, else 78.
func (e *Error) ExitCode() int {
	if len(e.Problems) == 1 && e.Problems[0].Missing {
		return 66
	}
	for _, p := range e.Problems {
		if p.Source != SourceFlag {
			return 78
		}
	}
	return 64
}

// Refusal says why something on this machine cannot be used, and what to type
// next, under a stable code with its exit status.
type Refusal struct {
	Code, Message, Why, Try string
	Exit                    int
	Err                     error // the cause, or nil
}

func (e *Refusal) Error() string {
	if e.Why == "" {
		return e.Message
	}
	return e.Message + ": " + e.Why
}

// Unwrap gives the cause.
func (e *Refusal) Unwrap() error { return e.Err }
