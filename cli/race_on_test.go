//go:build race

package cli

// slack is how much longer things take under the race detector.
const slack = 20
