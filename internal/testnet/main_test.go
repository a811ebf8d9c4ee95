package testnet_test

import (
	"flag"
	"os"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"github.com/liminal-bus/liminal/internal/testnet"
)

// sideBySide is how many faults are tried at once at least: a test of a fault
// mostly waits for a peer's patience to end.
const sideBySide = 12

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f != nil {
		if n, err := strconv.Atoi(f.Value.String()); err == nil && n < sideBySide {
			_ = flag.Set("test.parallel", strconv.Itoa(sideBySide))
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		testnet.RemoveBinary()
		os.Exit(code)
	}))
}
