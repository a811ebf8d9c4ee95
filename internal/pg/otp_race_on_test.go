//go:build race

package pg_test

// underRace: the detector makes every step some ten times slower.
const underRace = true
