package museum

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// verdict is what became of a defect.
type verdict string

const (
	caught    verdict = "caught"
	unnoticed verdict = "not noticed"
	broken    verdict = "does not compile"
	hung      verdict = "only hangs"
	notRun    verdict = "not tried: a test did not run"
	strange   verdict = "not tried: no test failed, and yet the run did"
)

type result struct {
	verdict verdict
	failed  []string
	out     string
}

var (
	failedLine = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)
	ranLine    = regexp.MustCompile(`(?m)^=== RUN +(\S+)$`)
	crashLine  = regexp.MustCompile(`(?m)^(panic|fatal error): `)
)

// judge reads the output of a run of tests. A crash is as good as a failure: it
// ends the run before the line of the test that it was in.
func judge(out string, err error, tests []string) result {
	r := result{out: out}
	for _, m := range failedLine.FindAllStringSubmatch(out, -1) {
		r.failed = append(r.failed, m[1])
	}
	switch {
	case err != nil && (strings.Contains(out, "panic: test timed out") || err.Error() == "it was killed"):
		r.verdict = hung
	case err != nil && len(r.failed) > 0:
		r.verdict = caught
	case err != nil && crashLine.MatchString(out):
		r.verdict, r.failed = caught, []string{"a crash"}
	case err != nil:
		r.verdict = strange
	case !allRan(out, tests):
		r.verdict = notRun
	default:
		r.verdict = unnoticed
	}
	return r
}

// allRan says whether each test was there; those that skipped themselves were not.
func allRan(out string, tests []string) bool {
	var ran []string
	for _, m := range ranLine.FindAllStringSubmatch(out, -1) {
		ran = append(ran, m[1])
	}
	return !strings.Contains(out, "--- SKIP: ") &&
		!slices.ContainsFunc(tests, func(name string) bool { return !slices.Contains(ran, name) })
}

func TestJudge(t *testing.T) {
	failed := errors.New("exit status 1")
	for _, tc := range []struct {
		name, out string
		err       error
		want      verdict
	}{
		{"fails", "=== RUN   TestA\n    a_test.go:1: no\n--- FAIL: TestA (0.00s)\nFAIL\n", failed, caught},
		{"crashes", "=== RUN   TestA\npanic: runtime error\n\ngoroutine 1\n", failed, caught},
		{"runs out of stack", "=== RUN   TestA\nruntime: goroutine stack exceeds\nfatal error: stack overflow\n", failed, caught},
		{"passes", "=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\n", nil, unnoticed},
		{"is not there", "testing: warning: no tests to run\nPASS\n", nil, notRun},
		{"another is there", "=== RUN   TestAB\n--- PASS: TestAB (0.00s)\nPASS\n", nil, notRun},
		{"skips", "=== RUN   TestA\n--- SKIP: TestA (0.00s)\nPASS\n", nil, notRun},
		{"hangs", "=== RUN   TestA\npanic: test timed out after 1m0s\n--- FAIL: TestA (60.00s)\n", failed, hung},
		{"was killed", "=== RUN   TestA\n", errors.New("it was killed"), hung},
		{"leaks", "=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\ngoleak: Errors on successful test run\n", failed, strange},
	} {
		if got := judge(tc.out, tc.err, []string{"TestA"}); got.verdict != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got.verdict, tc.want)
		}
	}
}

// judgeRealRuns does the same with real builds, of this package itself.
func judgeRealRuns(t *testing.T) {
	const here, file = "internal/museum", "internal/museum/doc.go"
	for text, want := range map[string]verdict{
		"package museum\n": unnoticed,
		"package museum\n\nfunc init() { panic(0) }\n": caught,
		"package museum\n\nvar x int = nil\n":          broken,
	} {
		got := try(t, here, []string{"TestPlant"}, map[string]string{file: text})
		if got.verdict != want {
			t.Errorf("%q: %s, want %s\n%s", text, got.verdict, want, got.out)
		}
	}
}
