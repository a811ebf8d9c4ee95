//go:build race

package membership

// raceEnabled shortens the long runs: the detector makes them many times
// slower and, in a package without goroutines, has nothing to find.
const raceEnabled = true
