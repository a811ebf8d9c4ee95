package cli

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/control"
)

// offer gives what may stand at one place. It need not look at what is typed
// there already: the caller keeps what fits.
type offer func(e *completer, t typedLine, last string) []candidate

// argumentSources are the arguments of commands, by their full name.
var argumentSources = map[string]offer{
	"peers":  func(e *completer, t typedLine, _ string) []candidate { return e.live.peers(t, anyPeer) },
	"forget": func(e *completer, t typedLine, _ string) []candidate { return e.live.peers(t, gonePeer) },
	"join":   addresses,
	"probe":  addresses,
	"pub": func(e *completer, t typedLine, _ string) []candidate {
		return firstOnly(t, func() []candidate { return e.live.channels(t, false) })
	},
	"sub":      func(e *completer, t typedLine, _ string) []candidate { return e.live.channels(t, false) },
	"channels": func(e *completer, t typedLine, _ string) []candidate { return e.live.channels(t, true) },

	"tls init": func(e *completer, t typedLine, _ string) []candidate {
		return eachOnce(append(e.live.nodes(t), e.live.registered(t)...))
	},

	"completion": func(_ *completer, t typedLine, _ string) []candidate { return firstOnly(t, shellCandidates) },
	"help":       helpArguments,
	"man":        commandArguments,
}

// flagSources are the values of flags, by name; what has none there is judged by
// its choices and its placeholder.
var flagSources = map[string]offer{
	"node":    func(e *completer, t typedLine, _ string) []candidate { return e.live.nodes(t) },
	"state":   fixed(control.PeerStates...),
	"kind":    fixed(control.PeerKinds...),
	"events":  fixed(append(eventGroups(), watchTypes()...)...),
	"policy":  fixed(subPolicies...),
	"columns": func(_ *completer, t typedLine, _ string) []candidate { return wordList(listed(t)...) },
	"sort":    sortKeys,
}

// fileArguments are the commands whose arguments are files.
var fileArguments = []string{"tls show"}

// pathPlaceholders stand for something in the file system.
var pathPlaceholders = []string{"PATH", "FILE", "DIR", "CMD"}

// listFlagNames are the flags whose value is a list with commas.
var listFlagNames = []string{"state", "kind", "events", "columns"}

// listColumnNames are the columns of the commands that list things.
var listColumnNames = map[string][]string{
	"peers":     columnNames(peerColumns),
	"channels":  columnNames(channelColumns),
	"node list": columnNames(localColumns),
}

func listed(t typedLine) []string {
	if t.leaf() == nil {
		return nil
	}
	return listColumnNames[fullName(t.leaf())]
}

// flagValue completes the value of a flag; before is what stands before it in
// the same word.
func (e *completer) flagValue(t typedLine, name, value, before string) completion {
	f := e.findFlag(t, name)
	if f == nil {
		return completion{}
	}
	name = f.Names()[0]
	if _, isBool := f.(*cli.BoolFlag); isBool {
		return among(prefixed(wordList("true", "false"), before), before+value)
	}
	kept := "" // of a list, what is there already
	if slices.Contains(listFlagNames, name) {
		if i := strings.LastIndexByte(value, ','); i >= 0 {
			kept = value[:i+1]
		}
	}
	from, placeholder := valueSource(f)
	if slices.Contains(pathPlaceholders, placeholder) {
		return completion{files: true, prefix: before}
	}
	if from == nil {
		return completion{}
	}
	all := slices.DeleteFunc(from(e, t, value), func(c candidate) bool {
		return slices.Contains(strings.Split(kept, ","), c.value) || before == "" && e.app.grammar.known(c.value)
	})
	return among(prefixed(all, before+kept), before+value)
}

func prefixed(all []candidate, before string) []candidate {
	for i := range all {
		all[i].value = before + all[i].value
	}
	return all
}

// findFlag is the flag of that name on the command, or on the first that has
// it: flags may stand before the command's name.
func (e *completer) findFlag(t typedLine, name string) cli.Flag {
	among := leaves(e.app.cli.Commands)
	if leaf := t.leaf(); leaf != nil && len(leaf.Subcommands) == 0 {
		among = []*cli.Command{leaf}
	}
	for _, c := range among {
		for _, f := range c.Flags {
			if slices.Contains(f.Names(), name) {
				return f
			}
		}
	}
	return nil
}

// valueSource is where the values of f come from, nil if anything may stand
// there, and its placeholder.
func valueSource(f cli.Flag) (from offer, placeholder string) {
	name := f.Names()[0]
	if doc, ok := f.(cli.DocGenerationFlag); ok {
		_, placeholder = splitUsage(doc.GetUsage())
	}
	if from, ok := flagSources[name]; ok {
		return from, placeholder
	}
	for _, s := range config.Settings() {
		if s.Flag == name && len(s.Choices) > 0 {
			return fixed(s.Choices...), placeholder
		}
	}
	if placeholder == "ADDR" {
		return addresses, placeholder
	}
	return nil, placeholder
}

func wordList(list ...string) []candidate {
	var all []candidate
	for _, w := range list {
		all = append(all, candidate{value: w})
	}
	return all
}

func fixed(list ...string) offer {
	return func(*completer, typedLine, string) []candidate { return wordList(list...) }
}

// firstOnly is for commands of which only the first argument can be guessed.
func firstOnly(t typedLine, from func() []candidate) []candidate {
	if len(t.args) > 0 {
		return nil
	}
	return from()
}

func sortKeys(_ *completer, t typedLine, last string) []candidate {
	keys := wordList(listed(t)...)
	if strings.HasPrefix(last, "-") {
		return prefixed(keys, "-")
	}
	return keys
}

// addresses are those that need no typing: the other nodes of this machine, those
// that its epmd knows, and the peers that are known but not up. A node beside us is first for a reason:
// it costs no call.
func addresses(e *completer, t typedLine, _ string) []candidate {
	all := append(e.live.nodes(t), e.live.registered(t)...)
	return eachOnce(append(all, e.live.peers(t, gonePeer)...))
}

// eachOnce keeps the first of equal candidates.
func eachOnce(all []candidate) []candidate {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(c candidate) bool {
		again := seen[c.value]
		seen[c.value] = true
		return again
	})
}

func shellCandidates() []candidate { return wordList(shellNames...) }

// helpArguments are topics and commands.
func helpArguments(e *completer, t typedLine, last string) []candidate {
	all := commandArguments(e, t, last)
	if len(t.args) > 0 {
		return all
	}
	for _, name := range topicNames() {
		all = append(all, candidate{name, topicDocs[name]})
	}
	return all
}

func commandArguments(e *completer, t typedLine, _ string) []candidate {
	path, err := e.app.namedCommand(t.args)
	switch {
	case err != nil:
		return nil
	case len(path) == 0:
		return commandCandidates(e.app.cli.Commands)
	}
	return commandCandidates(path[len(path)-1].Subcommands)
}
