package discovery

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBackoffSteps(t *testing.T) {
	ms := time.Millisecond
	for _, tt := range []struct {
		name string
		b    Backoff
		u    float64
		want []time.Duration
	}{
		{"retry, latest", RetryBackoff(0), 0, []time.Duration{250 * ms, 500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 5000 * ms, 5000 * ms}},
		{"retry, soonest", RetryBackoff(0), 1, []time.Duration{125 * ms, 250 * ms, 500 * ms, 1000 * ms, 2000 * ms, 2500 * ms}},
		{"retry within 1 s", RetryBackoff(time.Second), 0, []time.Duration{250 * ms, 500 * ms, 1000 * ms, 1000 * ms}},
		{"retry within 100 ms", RetryBackoff(100 * ms), 0, []time.Duration{100 * ms, 100 * ms}},
		{"refused, soonest", RefusedBackoff(), 0, []time.Duration{30000 * ms, 60000 * ms, 120000 * ms, 240000 * ms, 240000 * ms}},
		{"refused, latest", RefusedBackoff(), 1, []time.Duration{37500 * ms, 75000 * ms, 150000 * ms, 300000 * ms}},
	} {
		for i, want := range tt.want {
			if got := tt.b.Delay(i+1, tt.u); got != want {
				t.Errorf("%s: step %d is %v, want %v", tt.name, i+1, got, want)
			}
		}
	}
	if got := RetryBackoff(0).Delay(-3, 0); got != 250*ms {
		t.Errorf("step -3 is %v, want that of 1", got)
	}
}

func TestBackoffBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(-1, 1<<40).Draw(t, "n")
		u := rapid.Float64Range(0, 0.999999).Draw(t, "u")
		if d := RetryBackoff(0).Delay(n, u); d <= 125*time.Millisecond-1 || d > 5*time.Second {
			t.Fatalf("retry %d, %v: %v", n, u, d)
		}
		if d := RefusedBackoff().Delay(n, u); d < 30*time.Second || d > 5*time.Minute {
			t.Fatalf("refused %d, %v: %v", n, u, d)
		}
	})
}
