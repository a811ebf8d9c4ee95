//go:build race

package node

// raceEnabled leaves out what the detector falsifies: allocations.
const raceEnabled = true
