// Package tui is the live screen of `liminal watch`.
package tui
