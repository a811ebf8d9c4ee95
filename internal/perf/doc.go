// Package perf is the one table of what liminal's work may cost, and the check
// against it. Only tests import it.
//
// A row is a count that time and load do not change: allocations, writes, reads
// and bytes for one piece of work. Where the scheduler has a say (how many
// messages meet in one write), the work is laid out so that it has none, or the row
// is a bound with room and its remark says so. Times stand in no row: they are the
// business of benchmarks, which report and do not judge.
//
// A test that measures a row calls Most and is named TestCost..., so that `just
// gate` finds it:
//
//	perf.Most(t, "node.publish.allocs", testing.AllocsPerRun(20, f)/1000)
//
// A count above its row fails the test: either the change is wrong, or the row is
// raised in the same commit, with the reason. A count far below its row is said, so
// that the row can follow. The rows are in testdata/costs.txt; a row that no test
// measures fails a test here.
package perf
