package dist

import "os"

// hostileFull says that the tests of hostile peers run at the sizes that were
// promised, not at those that suit every run.
func hostileFull() bool { return os.Getenv("LIMINAL_TEST_LONG") == "1" }

// hostileSize is short in every run and full with LIMINAL_TEST_LONG=1.
func hostileSize(short, full int) int {
	if hostileFull() {
		return full
	}
	return short
}
