// Package otptest starts unmodified Erlang nodes, and an epmd of their own, for
// tests. It is imported by tests only and by nothing else of ours.
//
// A test looks like this:
//
//	otptest.Need(t)
//	epmd := otptest.NewEPMD(t)
//	otp := otptest.Start(t, otptest.Options{EPMD: epmd})
//	got := otp.Eval(t, "nodes().")
//
// # What runs
//
// Each node is the machine's own erl with a temporary HOME, the cookie in
// HOME/.erlang.cookie (argv is readable by all), distribution bound to
// 127.0.0.1, `-start_epmd false` and ERL_EPMD_PORT set to a private epmd.
// ERL_FLAGS and its relatives are not passed on. Port 4369 is never touched.
//
// # Evaluation
//
// loop.eval, run by the node at boot, reads expressions from file descriptor 3
// and answers on 4, so nothing an expression prints can be taken for an answer.
//
//   - Eval, EvalErr and WaitEval share one process of the node, registered as
//     otptest, and are serialised: its mailbox, links, monitors and process
//     dictionary last from one call to the next, and peers can send to it by name.
//   - Spawn evaluates in a process of its own, concurrently with all else.
//   - Variables do not last: each call starts without bindings. Keep things with
//     put/get, register or persistent_term.
//   - An exception is an answer, not the end of the loop: Eval returns
//     "exception error: badarith", EvalErr an *Exception.
//   - A call past its deadline is an error; the process it ran in is then killed
//     and, if it was otptest, replaced by a fresh one.
//
// # Nothing is left behind
//
// Cleanup kills each process by its id and waits until the last holder of its
// output is gone, which covers erl_child_setup and inet_gethost. Where a test
// binary dies without cleanup (a panic, a timeout, an interrupt), a guard, one
// small shell per process, sees its pipe close and kills the process it guards,
// stopped or not.
//
// # Without Erlang
//
// Need skips and says so. LIMINAL_TEST_OTP=require turns the skip into a failure
// (as CI does), LIMINAL_TEST_OTP=off skips even where Erlang is installed.
package otptest
