//go:build race

package bus

// raceEnabled shortens the long runs, which the detector makes many times
// slower, and leaves out what it falsifies: allocations and sizes.
const raceEnabled = true
