// Package termguard keeps the libraries of the screen from talking to the
// terminal before a command has begun.
//
// Importing bubbletea is enough for that: its init asks the terminal for its
// background colour, puts it into raw mode and waits up to 5 s for an answer.
// Every command of the binary would do so, also those that draw nothing, and
// where nothing answers (a container's console, a build, some remote shells)
// each would take those 5 s. The query is left out where TERM is dumb. So TERM
// is dumb from this package's init until Restore, which is the first thing that
// the process does of its own.
//
// The order of the inits decides, and it is not by accident. Go initialises,
// again and again, the first package by import path whose imports are all
// initialised. This package imports os alone and is ready with it. What asks is
// termenv, below bubbletea, which needs os as well and comes later because
// "github.com/muesli/..." sorts after our path. What sorts before it, bubbletea
// itself included, has to wait for termenv. A test of cli reads the order off
// the running binary, and another one holds a command on a terminal to its
// silence, so a library that changes this is found out.
package termguard
