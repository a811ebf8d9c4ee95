package discovery

import "time"

// Backoff is a jittered exponential delay. Step n (from 1) is First doubled
// n-1 times; the delay is uniform in
//
//	[step*(1+Jitter), step]  for a negative Jitter: never later than Max
//	[step, step*(1+Jitter)]  for a positive Jitter: never sooner than First
//
// and steps stop growing where the longest delay would pass Max. The jitter
// keeps nodes that lost one peer at one instant from coming back as one.
type Backoff struct {
	First  time.Duration
	Max    time.Duration
	Jitter float64 // in [-1, 1]
}

// RetryBackoff is for peers that are out of reach: 250 ms doubling to limit
// (0: 5 s), of which the upper half is used.
func RetryBackoff(limit time.Duration) Backoff {
	if limit <= 0 {
		limit = 5 * time.Second
	}
	return Backoff{First: min(250*time.Millisecond, limit), Max: limit, Jitter: -0.5}
}

// RefusedBackoff is for peers that refused us for cookie, certificate, name form
// or version: at least 30 s, doubling, at most 5 min. Each try is an error in
// the peer's log, and nothing heals until a person acts.
func RefusedBackoff() Backoff {
	return Backoff{First: 30 * time.Second, Max: 5 * time.Minute, Jitter: 0.25}
}

// Delay returns the pause before the try after the n-th failure in a row (n
// below 1 counts as 1). u is a random number in [0, 1).
func (b Backoff) Delay(n int, u float64) time.Duration {
	top := b.Max
	if b.Jitter > 0 {
		top = time.Duration(float64(b.Max) / (1 + b.Jitter))
	}
	step := min(b.First, top)
	for ; n > 1 && step < top; n-- {
		step = min(2*step, top)
	}
	return step + time.Duration(float64(step)*b.Jitter*u)
}
