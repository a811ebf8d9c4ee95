package testnet

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
)

var sayOnce sync.Once

// NeedNet skips a test where there are no network namespaces, and says so. With
// LIMINAL_TEST_OTP=require it fails instead on Linux as root, unless it is the
// kernel that refuses them: then there is nothing that could be installed.
func NeedNet(t testing.TB) {
	t.Helper()
	err := probeNet()
	if err == nil {
		return
	}
	if os.Getenv("LIMINAL_TEST_OTP") == "require" && mayHaveNet(runtime.GOOS, os.Getuid(), err) {
		t.Fatalf("no network namespaces, and LIMINAL_TEST_OTP=require: %v", err)
	}
	sayOnce.Do(func() {
		fmt.Fprintf(os.Stderr, "SKIP: no network namespaces: %v\n", err)
	})
	t.Skipf("SKIP: no network namespaces: %v", err)
}

// mayHaveNet says whether the machine could have them.
func mayHaveNet(goos string, uid int, err error) bool {
	refused := errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSYS)
	return goos == "linux" && uid == 0 && !refused
}
