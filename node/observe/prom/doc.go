// Package prom puts a node's metrics into a Prometheus registry, for a program
// that embeds a node and has a registry of its own:
//
//	registry.MustRegister(prom.NewCollector(n))
//
// The metrics are those of package observe, without the ones of the process and
// of observe's server, which the program has under its own care.
//
// It is a package apart because client_golang has a price that only its users
// should pay: its initialisation takes more than a millisecond at every start of
// a program that links it (it registers default collectors, compiles regular
// expressions, unpacks descriptors and reads the program's own file), and 3.5 MB
// of the binary. The command liminal, which mostly starts to say one thing and
// end, would start a quarter slower. So it does not link this package, and observe
// writes the text form itself; a test here holds what observe writes against what
// client_golang makes of the same node, and both against its linter.
package prom
