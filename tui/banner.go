package tui

import (
	"fmt"
	"strings"
	"time"
)

// bannerLine stands between the tabs and the list.
type bannerLine struct {
	role role
	text string
}

// backFor is how long the screen tells that the node is back.
const backFor = 20 * time.Second

// banner says why the list may not be true.
func (m *model) banner() []bannerLine {
	switch {
	case m.link == linkStopped && m.live.known:
		return m.stoppedBanner()
	case m.link == linkCut:
		return []bannerLine{{roleWarn, fmt.Sprintf("No events for %s (%s). %s may well live: asking again ...", secondsText(m.now.Sub(m.lost)), m.why, m.nodeName())}}
	case m.link == linkStopped:
		return []bannerLine{
			{roleWarn, fmt.Sprintf("Waiting for %s (%s) ...", m.nodeName(), m.why)},
			{plain, "  Start it:   " + m.startCommand()},
		}
	case m.trouble != "" && m.link == linkLive:
		return []bannerLine{{roleWarn, fmt.Sprintf("The list of peers is old: %s", m.trouble)}}
	case !m.back.at.IsZero() && m.now.Sub(m.back.at) < backFor:
		return []bannerLine{{roleWarn, m.backText()}}
	}
	return m.seedBanner()
}

func (m *model) stoppedBanner() []bannerLine {
	gone := secondsText(m.now.Sub(m.lost))
	if m.o.Attached != "" {
		return []bannerLine{{roleWarn, fmt.Sprintf("NO CONNECTION for %s (%s). Old data below. Trying %s again ...", gone, m.why, m.o.Attached)}}
	}
	return []bannerLine{
		{roleWarn, fmt.Sprintf("NODE STOPPED %s ago (%s). Old data below. Waiting for %s ...", gone, m.why, m.nodeName())},
		{plain, fmt.Sprintf("  %-32s%s", "Start it again:", m.startCommand())},
	}
}

// backText says what the absence cost.
func (m *model) backText() string {
	from, to := m.back.from.Local().Format(time.TimeOnly), m.back.at.Local().Format(time.TimeOnly)
	lost := fmt.Sprintf("Events between %s and %s are lost.", from, to)
	s := m.live.status
	switch {
	case m.back.restart && m.live.told && s.Boot == m.live.boot && !s.Started.IsZero():
		return fmt.Sprintf("%s is back (restarted %s ago). %s", m.nodeName(), secondsText(m.now.Sub(s.Started)), lost)
	case m.back.restart:
		return fmt.Sprintf("%s is back (restarted). %s", m.nodeName(), lost)
	case m.back.missed > 0:
		return fmt.Sprintf("%s answers again. %s are lost.", m.nodeName(), plural(m.back.missed, "event"))
	case !m.live.resume.Resume:
		return fmt.Sprintf("%s answers again. %s", m.nodeName(), lost)
	}
	return m.nodeName() + " answers again. No event was lost."
}

func (m *model) nodeName() string { return m.theme.text(m.live.node) }

func (m *model) startCommand() string {
	return "liminal node start --name " + shortName(m.nodeName())
}

// shortName is the part of a node's name that --name takes on its own host; a
// long name is needed whole.
func shortName(name string) string {
	short, host, ok := strings.Cut(name, "@")
	if !ok || strings.ContainsAny(host, ".:") {
		return name
	}
	return short
}

// emptyState is what a node without peers shows instead of rows.
func (m *model) emptyState() []string {
	if m.o.Attached != "" {
		return []string{" " + m.theme.text(m.o.Attached) + " is connected to no other node."}
	}
	name := m.nodeName()
	if !m.shown().known && m.link == linkStopped {
		return nil // the banner says it
	}
	if !m.shown().known {
		return []string{" Asking " + name + " ..."}
	}
	if m.link == linkStopped {
		return []string{" " + name + " had no peers."}
	}
	s := m.shown().status
	listen := "?"
	if len(s.Listen) > 0 {
		listen = m.theme.text(s.Listen[0])
	}
	lines := []string{fmt.Sprintf(" %s is running and has no peers yet.", name)}
	lines = append(lines, m.advice("Another node on this machine:", m.otherNode(name))...)
	if m.shown().told && !s.Loopback {
		lines = append(lines, m.advice("From another machine:", "liminal node start --seed "+seedAddress(name, listen))...)
	}
	lines = append(lines, m.erlangAdvice(name)...)
	lines = append(lines, m.seedLines()...)
	switch {
	case !m.shown().told:
		return lines
	case s.Loopback:
		return append(lines, fmt.Sprintf(" Listening on %s, this machine only (--listen :9100 opens it).", listen))
	}
	return append(lines, fmt.Sprintf(" Listening on %s.", listen))
}

// advice is a command and what it is for, on two lines where one is too short.
func (m *model) advice(what, command string) []string {
	if one := fmt.Sprintf("   %-32s%s", what, command); width(one) <= m.width {
		return []string{one}
	}
	return []string{"   " + what, "     " + command}
}

// otherNode names one that is not called as ours.
func (m *model) otherNode(name string) string {
	other := "b"
	if short, _, _ := strings.Cut(name, "@"); short == other {
		other = "c"
	}
	return "liminal node start --name " + other + " --seed " + shortName(name)
}

// seedAddress is a@dev:9100.
func seedAddress(name, listen string) string {
	if i := strings.LastIndexByte(listen, ':'); i >= 0 {
		return name + listen[i:]
	}
	return name
}

func (m *model) erlangAdvice(name string) []string {
	_, host, _ := strings.Cut(name, "@")
	flag, joined := "--sname app", "liminal join app"
	if strings.ContainsAny(host, ".:") {
		flag, joined = "--name app@"+host, "liminal join app@"+host
	}
	return m.advice("Erlang or Elixir here:", "iex "+flag+"      then: "+joined)
}
