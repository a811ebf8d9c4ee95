package tui

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/liminal-bus/liminal/internal/control"
)

// filter says what a list shows: all of its terms must hold. The zero value
// shows everything.
//
//	text                 anywhere in what the line tells
//	name:b  sub:orders   in that field; see filterKeys
//	hidden:  flap:       flags
//	!kind:otp            not
//	"two words"          quotes keep spaces and colons
//
// Case does not matter. A term that is not complete yet holds for everything,
// so that a list does not empty while somebody types.
type filter struct{ terms []term }

// term is one condition: a key of filterKeys, "" for text anywhere.
type term struct {
	key  string
	want string // in lower case
	not  bool
}

// filterKey is how a key is looked up in each list. nil: no line of that list
// has it, so none matches.
type filterKey struct {
	flag    bool // takes no value
	peer    func(p control.Peer, want string) bool
	channel func(c control.Channel, want string) bool
	event   func(e entry, want string) bool
}

var filterKeys = map[string]filterKey{
	"":       {peer: peerText, channel: channelText, event: eventText},
	"name":   {peer: peerName, channel: channelName, event: eventName},
	"kind":   {peer: peerKind, channel: channelKind},
	"state":  {peer: peerState, event: eventState},
	"sub":    {peer: peerSub, channel: channelName, event: eventSub},
	"addr":   {peer: func(p control.Peer, want string) bool { return hasAt(p.Address, want) }},
	"reason": {peer: peerReason, event: func(e entry, want string) bool { return has(e.text, want) }},
	"hidden": {flag: true, peer: func(p control.Peer, _ string) bool { return p.Hidden }},
	"flap":   {flag: true, peer: func(p control.Peer, _ string) bool { return p.Flapping }},
}

const filterHelp = "name: kind: state: sub: addr: reason: hidden: flap:"

// parseFilter reads what somebody typed. The error is for the line it was typed
// in; terms that could be read hold all the same.
func parseFilter(s string) (filter, error) {
	var f filter
	var wrong error
	for _, word := range filterWords(s) {
		t, err := parseTerm(word)
		if err != nil && wrong == nil {
			wrong = err
		}
		if err == nil && (t.want != "" || filterKeys[t.key].flag) {
			f.terms = append(f.terms, t)
		}
	}
	return f, wrong
}

// filterWords cuts at spaces outside quotes. A quote that does not end lasts to
// the end of the text.
func filterWords(s string) []string {
	quoted := false
	return strings.FieldsFunc(s, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && unicode.IsSpace(r)
	})
}

func parseTerm(word string) (term, error) {
	var t term
	word, t.not = strings.CutPrefix(word, "!")
	key, value, ok := strings.Cut(word, ":")
	if !ok || !letters(key) { // 10.0.0.7:9100 and :orders are text
		t.want = unquote(word)
		return t, nil
	}
	t.key, t.want = strings.ToLower(key), unquote(value)
	row, known := filterKeys[t.key]
	switch {
	case !known:
		return t, &termError{key, fmt.Sprintf(`no key %s: here (%s); as text: "%s"`, clean(key), filterHelp, clean(word))}
	case row.flag && t.want != "":
		return t, &termError{t.key, t.key + ": stands alone"}
	}
	return t, nil
}

// termError is a term that cannot be read.
type termError struct {
	word string // its key, as typed
	text string
}

func (e *termError) Error() string { return e.text }

func letters(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
}

func unquote(s string) string { return strings.ToLower(strings.ReplaceAll(s, `"`, "")) }

// empty reports whether f shows everything.
func (f filter) empty() bool { return len(f.terms) == 0 }

func (f filter) peer(p control.Peer) bool {
	return f.all(func(k filterKey, want string) bool { return k.peer != nil && k.peer(p, want) })
}

func (f filter) channel(c control.Channel) bool {
	return f.all(func(k filterKey, want string) bool { return k.channel != nil && k.channel(c, want) })
}

func (f filter) event(e entry) bool {
	return f.all(func(k filterKey, want string) bool { return k.event != nil && k.event(e, want) })
}

func (f filter) all(holds func(filterKey, string) bool) bool {
	for _, t := range f.terms {
		if holds(filterKeys[t.key], t.want) == t.not {
			return false
		}
	}
	return true
}

// has reports whether s contains want, which is in lower case.
func has(s, want string) bool { return strings.Contains(strings.ToLower(s), want) }

func hasAt(s *string, want string) bool { return s != nil && has(*s, want) }

// begins is for words of a fixed set: "up" shall not find "suspect".
func begins(s, want string) bool { return strings.HasPrefix(s, want) }

func peerName(p control.Peer, want string) bool { return has(p.Name, want) }

// peerKind and peerState know the words of the screen too, which shows a hidden
// node as such and a flapping one as flap.
func peerKind(p control.Peer, want string) bool {
	return begins(kind(&p), want) || begins(p.Kind, want) && kind(&p) != "-" || p.Hidden && begins("hidden", want)
}

func peerState(p control.Peer, want string) bool {
	return begins(p.State, want) || p.State == "up" && p.Flapping && begins("flap", want)
}

func peerSub(p control.Peer, want string) bool {
	return slices.ContainsFunc(p.Subscriptions, func(s string) bool { return has(s, want) })
}

func peerReason(p control.Peer, want string) bool {
	return hasAt(p.Reason, want) || hasAt(p.Note, want)
}

func peerText(p control.Peer, want string) bool {
	return has(p.Name, want) || hasAt(p.Address, want) || peerReason(p, want) || hasAt(p.Version, want) ||
		peerKind(p, want) || peerState(p, want) || peerSub(p, want)
}

func channelName(c control.Channel, want string) bool { return has(c.Name, want) }

func channelKind(c control.Channel, want string) bool {
	return slices.ContainsFunc(c.Members, func(m control.ChannelMember) bool { return begins(m.Kind, want) })
}

func channelText(c control.Channel, want string) bool {
	return has(c.Name, want) ||
		slices.ContainsFunc(c.Members, func(m control.ChannelMember) bool { return has(m.Node, want) })
}

func eventName(e entry, want string) bool {
	return has(e.name, want) || slices.ContainsFunc(e.names, func(n string) bool { return has(n, want) })
}

func eventState(e entry, want string) bool { return begins(e.typ, want) }

func eventSub(e entry, want string) bool { return e.typ == verbSub && has(e.text, want) }

func eventText(e entry, want string) bool {
	return begins(e.typ, want) || eventName(e, want) || has(e.text, want)
}
