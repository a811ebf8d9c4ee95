package cli

import (
	"cmp"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
)

// sentence is one event in words: who, what happened (in the style), and more
// about it. The text may be foreign and is cleaned when it is written.
type sentence struct {
	who, verb, rest string
	style           style
}

// sentences gives each type its words.
var sentences = map[string]func(control.Event) sentence{
	control.EventJoin:      joinSentence,
	control.EventRejoin:    rejoinSentence,
	control.EventLeave:     leaveSentence,
	control.EventDown:      downSentence,
	control.EventState:     stateSentence,
	control.EventForget:    forgetSentence,
	control.EventSubAdd:    subAddSentence,
	control.EventSubRemove: subRemoveSentence,
	control.EventBookmark:  bookmarkSentence,
}

// sentenceOf is the sentence of an event of node's stream. A type without words
// is told by its name.
func sentenceOf(e control.Event, node string) sentence {
	if e.Type == control.EventStopping {
		return sentence{who: cmp.Or(e.Name, node), verb: "is stopping", style: dim}
	}
	if words, ok := sentences[e.Type]; ok {
		return words(e)
	}
	return sentence{who: e.Name, verb: e.Type, rest: cmp.Or(e.Detail, e.Reason)}
}

func joinSentence(e control.Event) sentence {
	return sentence{who: e.Name, verb: "joined", rest: inBrackets(e.Kind, eventRTT(e), toldBy(e), coalesced(e))}
}

func rejoinSentence(e control.Event) sentence {
	s := sentence{who: e.Name, verb: "is back", style: yellow, rest: inBrackets(e.Kind, eventRTT(e), toldBy(e), coalesced(e))}
	if e.AwayMillis != nil {
		s.rest = joinWords(" ", "after "+display.Span(time.Duration(*e.AwayMillis)*time.Millisecond), s.rest)
	}
	return s
}

func leaveSentence(e control.Event) sentence {
	return sentence{who: e.Name, verb: "left", style: dim, rest: inBrackets(cmp.Or(e.Detail, e.Reason))}
}

// downSentence: "c@dev is down: no tick for 60 s (3 losses)".
func downSentence(e control.Event) sentence {
	losses := ""
	if e.Flaps != nil && *e.Flaps > 0 {
		losses = countWide(uint64(*e.Flaps), "loss", "losses")
	}
	return isState(e, "down", losses)
}

// stateVerbs are what peer.state and snapshots say of a state.
var stateVerbs = map[string]string{
	"dialling": "is being dialled", "up": "is up", "suspect": "is suspect", "left": "has left", "down": "is down",
}

// isState: "c@dev is suspect: no tick for 15 s (more)".
func isState(e control.Event, state string, more ...string) sentence {
	s := sentence{who: e.Name, verb: cmp.Or(stateVerbs[state], "is "+state), style: stateStyles[state], rest: inBrackets(more...)}
	if why := cmp.Or(e.Detail, e.Reason); why != "" && state != "up" {
		s.rest = joinWords(" ", why, s.rest)
		s.verb += ":"
	}
	return s
}

func stateSentence(e control.Event) sentence {
	if e.State == "up" {
		return sentence{who: e.Name, verb: "is up again"}
	}
	return isState(e, e.State, toldBy(e))
}

// peerSentence is one peer of a snapshot.
func peerSentence(e control.Event) sentence {
	channels, rtt := "", ""
	if e.State == "up" || e.State == "suspect" {
		rtt = eventRTT(e) // else it is that of a link that is gone
	}
	if e.Subs != nil && *e.Subs > 0 {
		channels = count(*e.Subs, "channel")
	}
	return isState(e, e.State, e.Kind, e.Address, rtt, channels)
}

func forgetSentence(e control.Event) sentence {
	return sentence{who: e.Name, verb: "is not listed any more", style: dim, rest: inBrackets(cmp.Or(e.Detail, e.Reason))}
}

func subAddSentence(e control.Event) sentence {
	return sentence{who: e.Name, verb: "subscribed to", rest: subChannels(e)}
}

func subRemoveSentence(e control.Event) sentence {
	return sentence{who: e.Name, verb: "unsubscribed from", rest: subChannels(e)}
}

func subChannels(e control.Event) string {
	if e.Count > 0 {
		return countWide(e.Count, "channel", "channels")
	}
	return e.Channel
}

func bookmarkSentence(e control.Event) sentence {
	return sentence{rest: say("nothing new since %s:%d", e.Boot, e.Seq), style: dim}
}

func eventRTT(e control.Event) string {
	if e.RTTMicros == nil || *e.RTTMicros <= 0 {
		return ""
	}
	return display.RTT(time.Duration(*e.RTTMicros) * time.Microsecond)
}

func toldBy(e control.Event) string {
	if e.ToldBy == "" {
		return ""
	}
	return "told by " + e.ToldBy
}

// coalesced tells of links that came and went unseen before this one.
func coalesced(e control.Event) string {
	if e.Coalesced == 0 {
		return ""
	}
	return countWide(e.Coalesced, "link", "links") + " in between"
}

func inBrackets(words ...string) string {
	s := joinWords(", ", words...)
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}
