package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/liminal-bus/liminal/internal/config"
)

// topics are the pages of `liminal help TOPIC`.
var topics = map[string]func() string{
	"exit-codes":  func() string { return exitCodesPage },
	"environment": environmentPage,
	"output":      func() string { return outputPage },
	"addresses":   func() string { return addressesPage },
	"certs":       func() string { return certsPage },
}

// topicDocs says what each topic is about.
var topicDocs = map[string]string{
	"exit-codes":  "what the exit status of a command says",
	"environment": "the variables, and the flags and settings they stand for",
	"output":      "what goes to a terminal, into a pipe, and with --json",
	"addresses":   "how ADDR is written",
	"certs":       "mutual TLS: who must have which file",
}

func topicNames() []string {
	var names []string
	for name := range topics {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// settingEnv is the variable that stands for a flag, or "".
func settingEnv(flag string) string {
	switch flag {
	case "node":
		return "LIMINAL_NODE"
	case "config":
		return "LIMINAL_CONFIG"
	case "verbose":
		return "LIMINAL_VERBOSE"
	}
	for _, s := range config.Settings() {
		if s.Flag == flag {
			return s.Env
		}
	}
	return ""
}

const exitCodesPage = `Exit codes:

    0  done, or the condition holds
    1  it worked, but the answer is no: a join failed, the node is unhealthy,
       a named peer or channel is unknown, copies of a message were dropped,
       a program of --exec failed, a certificate of tls show has expired
   20  probe stopped at: resolving the host
   21                    epmd, or whatever knows the port
   22                    connecting
   23                    TLS and certificates, another protocol, or no answer
   24                    the name, ours or its own
   25                    the flags of its handshake
   26                    the cookie
   64  wrong flags or arguments
   65  a message was refused: empty, or larger than the node takes; or a file
       has no certificate that can be read
   66  a file or program that was named is missing
   69  no node is running, or a host is unreachable
   70  a bug in liminal
   73  a name, a port or a socket is already taken, or a file that tls init would
       make is there and does not fit
   74  I/O error
   76  version, name mode or TLS setting differs
   77  cookie, certificate or permission refused, a peer's or ours; or a CA that
       cannot sign
   78  config file wrong, or a file of TLS; with config check, of the cookie as well
  124  --timeout ran out
  130  stopped by SIGINT
  143  stopped by SIGTERM

Errors have stable codes besides: with --json, stderr is one object
{"error":{"code","message","why","try","exit"}}; --verbose adds "causes".
`

const outputPage = `Output:

stdout carries the answer, stderr everything else.

  on a terminal     aligned text with relative times, cut to the width; free to change
  into a pipe       (or --plain) tab-separated, no header, never cut; times in RFC 3339
                    UTC, durations in the unit of their name, - for empty. New columns
                    come only at the right end
  --json            one document with a schema; streams give one object a line. null
                    rather than absent. Within one schema fields are only added

Streams (node start, watch, sub, demo): lines as things happen, or NDJSON. sub writes into a pipe
each payload and the --delimiter, byte for byte; on a terminal time, channel, sender and the
payload with everything escaped that could steer the terminal, unless --raw. Its JSON has
"payload", or "payload_base64" where that is not UTF-8; "encoding":"erlang" marks a payload
that is the text of an Erlang term; {"type":"drop","count":37} says what a slow reader lost.
With --exec CMD a program gets each record on its stdin, and stdout is the program's.
A closed pipe ends sub and watch with 0. What pub did is a note on stderr, or with --json a document.

watch gives a snapshot and then what happens, each line as it happens: a
sentence, or with --json an object with "type", "seq", "boot" and "time". seq
rises by one with each event of one boot of the node. snapshot.peer is one peer,
snapshot.end their end. gap tells how many events were "missed"; a new snapshot
follows it. watch --since BOOT:SEQ goes on after that event, and --reconnect does
so by itself. Pass over types you do not know.

--header heads the plain columns with their names; --columns and --sort take those names.
Colour: --color, else LIMINAL_COLOR, else NO_COLOR, else whether it is a terminal.
`

const addressesPage = `Addresses (ADDR of join, probe, --seed and --attach):

  b               the node b of this machine: a running liminal node is found by itself,
                  others through the local epmd
  b@host          asks the epmd of host where b listens
  b@host:9100     dials that port, no epmd; the node there must be called b
  host:9100       dials that port, no epmd, whatever name answers
  [::1]:9100      IPv6 addresses stand in brackets
`

func environmentPage() string {
	var b strings.Builder
	b.WriteString("Environment (a flag beats it, and it beats the file):\n\n")
	row := func(name, text string) { fmt.Fprintf(&b, "  %-27s %s\n", name, text) }
	for _, s := range config.Settings() {
		row(s.Env, fmt.Sprintf("--%s, %s", s.Flag, s.Key))
	}
	b.WriteString("\n")
	for _, v := range config.Variables() {
		row(v.Name, v.Doc)
	}
	b.WriteString("\nWhat --exec tells a program; liminal itself reads none of these, and the program\n" +
		"is not given LIMINAL_COOKIE:\n\n")
	for _, v := range config.RecordVariables() {
		row(v.Name, v.Doc)
	}
	b.WriteString("\nCommands find a node by its socket: in LIMINAL_RUNTIME_DIR, else in the runtime\n" +
		"directory of the user and in /run/liminal, where the service of systemd has its own.\n")
	b.WriteString("\nAn empty variable counts as unset. Lists are separated by commas.\n")
	return b.String()
}
