// Package display is what the commands and the screen have in common when they
// show something to people: text from others made harmless, and spans of time in
// few words. It knows no terminal and writes nothing.
package display
