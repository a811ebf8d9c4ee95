package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/liminal-bus/liminal/internal/control"
)

// Exit statuses. The numbers from 64 on are those of sysexits.h, 124 is what
// timeout(1) gives, 128+n is a signal.
const (
	exitNo       = 1   // it worked, but the answer is no
	exitUsage    = 64  // wrong flags or arguments
	exitData     = 65  // a message was refused, or a file is no certificate
	exitNoInput  = 66  // a file that was named is missing
	exitNoHost   = 69  // node not running, or host unreachable
	exitBug      = 70  // bug in liminal
	exitTaken    = 73  // name, port, socket or file already taken
	exitIO       = 74  // I/O error on a file
	exitProtocol = 76  // version, name mode or TLS setting differs
	exitRefused  = 77  // cookie, certificate or permission refused
	exitConfig   = 78  // config file wrong, or a file that it names
	exitTimeout  = 124 // --timeout ran out
)

// Exit statuses of probe: the stage at which it stopped.
const (
	exitProbeResolve = 20 + iota
	exitProbeEPMD
	exitProbeConnect
	exitProbeTLS
	exitProbeName
	exitProbeFlags
	exitProbeCookie
)

// exits gives each error code its exit status. The codes are promises: scripts
// branch on them.
var exits = map[string]int{
	"already_running":   exitTaken,
	"bad_address":       exitUsage,
	"bad_name":          exitUsage,
	"cert_busy":         exitTaken,
	"cert_ca":           exitRefused,
	"cert_expired":      exitNo,
	"cert_files":        exitTaken,
	"cert_form":         exitData,
	"cluster_join":      exitNoHost,
	"config_exists":     exitTaken,
	"config_file":       exitConfig,
	"config_files":      exitConfig,
	"config_key":        exitConfig,
	"control":           exitNoHost,
	"control_version":   exitProtocol,
	"cookie":            exitRefused,
	"cookie_file":       exitRefused,
	"cookie_mode":       exitRefused,
	"demo":              exitNo,
	"dropped":           exitNo,
	"exec_failed":       exitNo,
	"exec_missing":      exitNoInput,
	"exec_refused":      exitRefused,
	"epmd_missing":      exitNoHost,
	"epmd_remote":       exitNoHost,
	"input_missing":     exitNoInput,
	"held":              exitRefused,
	"internal":          exitBug,
	"io":                exitIO,
	"join":              exitNo,
	"looks":             exitTaken,
	"message_empty":     exitData,
	"message_refused":   exitData,
	"message_size":      exitData,
	"name_duplicate":    exitTaken,
	"name_in_use":       exitTaken,
	"name_mode":         exitProtocol,
	"name_twins":        exitTaken,
	"no_channels":       exitNo,
	"no_host":           exitNoHost,
	"no_such_name":      exitNoHost,
	"node_not_running":  exitNoHost,
	"node_stopped":      exitNoHost,
	"not_dist":          exitProtocol,
	"output":            exitIO,
	"peer_up":           exitNo,
	"port_in_use":       exitTaken,
	"probe_connect":     exitProbeConnect,
	"probe_cookie":      exitProbeCookie,
	"probe_epmd":        exitProbeEPMD,
	"probe_flags":       exitProbeFlags,
	"probe_name":        exitProbeName,
	"probe_resolve":     exitProbeResolve,
	"probe_tls":         exitProbeTLS,
	"refused":           exitRefused,
	"runtime_dir":       exitRefused,
	"self":              exitNo,
	"slow":              exitNo,
	"socket_path":       exitTaken,
	"socket_permission": exitRefused,
	"socket_taken":      exitTaken,
	"stale_socket":      exitNoHost,
	"timeout":           exitTimeout,
	"tls_file":          exitConfig,
	"too_many_peers":    exitNo,
	"tls_mismatch":      exitProtocol,
	"tls_refused":       exitRefused,
	"tls_untrusted":     exitRefused,
	"too_many_channels": exitNo,
	"unhealthy":         exitNo,
	"unknown_channel":   exitNo,
	"unknown_peer":      exitNo,
	"unreachable":       exitNoHost,
	"usage":             exitUsage,
	"version":           exitProtocol,
	"which_node":        exitUsage,
}

// fail makes the error of a code. A code without a row is a bug.
func fail(code, what, why, try string) *control.Error {
	exit, ok := exits[code]
	if !ok {
		exit = exitBug
	}
	return &control.Error{Code: code, Message: what, Why: why, Try: try, Exit: exit}
}

// exitError ends a command with a status after it has said all there is to say.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// signalError is why the context ended when a signal did it.
type signalError struct{ number int }

func (e *signalError) Error() string { return fmt.Sprintf("signal %d", e.number) }

// asError gives any error the form that people get. Commands return
// *control.Error wherever they know more; the rest is a bug or the system.
func asError(err error) *control.Error {
	var e *control.Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fail("timeout", "timed out", err.Error(), "raise --timeout")
	}
	return fail("internal", err.Error(), "no better explanation is known for this", "the same command again with --verbose")
}

// report prints an error: text on stderr, or with --json one object there.
func (o *output) report(err error) {
	e := asError(err)
	var causes []string
	if o.verbose {
		causes = causesOf(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.form == formJSON {
		var failure any = control.Failure{Error: e}
		if len(causes) > 0 {
			failure = verboseFailure{verboseError{e, causes}}
		}
		if doc, err := encodeJSON(failure); err == nil {
			_, _ = o.stderr.Write(doc)
			return
		}
	}
	fmt.Fprint(o.stderr, errorText(e, o.errPaint))
	for _, cause := range causes {
		fmt.Fprint(o.stderr, say("  cause: %s\n", cause))
	}
}

// errorText is the three lines of an error, fewer where a part is empty.
func errorText(e *control.Error, p palette) string {
	var b strings.Builder
	b.WriteString(say("%s %s\n", p.paint(redBold, "liminal:"), e.Message))
	if e.Why != "" {
		b.WriteString(say("  why: %s\n", e.Why))
	}
	if e.Try != "" {
		b.WriteString(say("  try: %s\n", e.Try))
	}
	return b.String()
}
