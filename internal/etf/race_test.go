//go:build race

package etf

// raceEnabled: the detector slows everything and makes sync.Pool forget at
// random, so times and counts of allocations are held more loosely.
const raceEnabled = true
