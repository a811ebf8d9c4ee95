//go:build !race

package pg_test

const underRace = false
