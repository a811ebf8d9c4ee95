//go:build !race

package etf

const raceEnabled = false
