//go:build !race

package cli

// slack is for the race detector alone.
const slack = 1
