// Package soak holds no code: its tests run a small cluster of real processes for
// minutes and hours, and measure what a node costs.
//
// # TestSoak
//
// `just soak MINUTES` runs it long, `go test` for four seconds. Three long-lived
// nodes, each behind a TCP proxy that it advertises, and, where there is erl, one
// long-lived node of OTP, live among nodes that come and go: started, killed,
// stopped, paused by SIGSTOP, sent away and called back. Messages are published
// all the time, now and then in bursts; readers are quick, slow, or hang up;
// connections are reset; the cookie is changed under SIGHUP; /metrics, /health and
// /ready are asked every other second.
//
// What happens when is a plan made of one seed before the start, so that a run can
// be repeated: LIMINAL_TEST_SOAK_SEED. The test prints both. LIMINAL_TEST_SOAK is
// the duration, LIMINAL_TEST_SOAK_RATE the messages a second of each long-lived
// node, LIMINAL_TEST_SOAK_JSON a file for the result.
//
// # What has to hold
//
// In the end all traffic rests, who came and went is forgotten, and then, for each
// long-lived node:
//
//   - Conservation is exact, as status and peers tell it. Of all its links there
//     ever were: offered = written + dropped{full, too_large, link_down, in_flight}
//   - queued, and this is what the receipts of its publications add up to. Of
//     each link to a long-lived peer: out = written, and the peer's in is that
//     same number. Of its subscribers: offered = taken + dropped + queued; each
//     reader that was there all the time got, or was told lost, what came in.
//   - Goroutines and descriptors are as many as before it all began, within 2 %.
//   - Memory does not grow: the slopes of the resident set and of what the collector
//     finds in use, by least squares after a third of the run, are at most 4 MiB in
//     what was measured, and at most 1 MiB an hour where that is longer than four
//     hours, less twice their standard error: bursts and the collector make the
//     resident set of a node of 35 MiB go up and down by ten, which in minutes can
//     look like a slope. Less than two minutes say nothing and are not judged.
//   - Each peer.down and peer.leave has its cause in the plan, at its time, or is of
//     a link to an OTP node in its first second, which a dial from over there may
//     have crossed; the events have no gap, and their sums are the counters.
//
// # TestThousandPeers
//
// A node with as many peers as it takes: memory, goroutines and descriptors for
// each, and who comes next is refused.
package soak
