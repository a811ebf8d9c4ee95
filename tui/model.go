package tui

import (
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/liminal-bus/liminal/internal/control"
)

// frameEvery is the least time between two frames that the node's news cause.
// Keys and sizes are drawn at once.
const frameEvery = 250 * time.Millisecond

// view is what the list shows.
type view int

const (
	viewPeers view = iota
	viewChannels
	viewEvents
	views // how many there are
)

// focus is the pane that the keys move in.
type focus int

const (
	focusList focus = iota
	focusDetail
	focusEvents
)

// link says how the stream goes.
type link int

const (
	linkFirst   link = iota // nothing has come yet
	linkLive                // events come
	linkCut                 // it ended, and the node may well live; tried again every second
	linkStopped             // it ended, and the node is gone; tried again every second
)

// model is the screen. It is a value: Update gives the next one. What it knows
// of the node is behind live, which the newest model owns.
type model struct {
	w     *wire
	o     Options
	theme theme
	now   time.Time // of the last message from outside

	live   *data
	frozen *data     // what is shown while paused
	paused time.Time // since when
	stood  time.Time // the clock of what is shown while paused
	lists  lists
	choice choice
	fresh  bool // lists fit the choice

	width, height int
	view          view
	cursors       [views]cursor
	focus         focus
	evCursor      cursor // of the event pane beside a list
	detail        bool
	detailTop     int
	help          bool
	helpTop       int
	panel         bool // events are shown below the list
	wide          bool

	orphaned func() bool // no shell takes a suspended program back; nil is never

	editing bool
	input   input
	typo    string // what is wrong with the filter being typed
	ignored string // the same in short, for a filter that is kept

	sight  sight
	full   control.Peer // all of the peer in sight
	chain  int          // counts what was in sight; see wire
	asking bool         // for all, by key
	pace   struct{ status, peers, sight pacer }

	history bool // what happened before the first snapshot was asked for
	link    link
	lost    time.Time // when the stream ended
	why     string    // it ended, clean
	back    recovery
	heard   time.Time // of the last answer
	trouble string    // why a list could not be had, clean

	frame string
	drawn time.Time // when the last frame of news was drawn
	due   bool      // a frameMsg will come
}

// recovery is what the screen tells after the node was away.
type recovery struct {
	at      time.Time // when it was back; zero: there is nothing to tell
	from    time.Time // when it was gone
	restart bool      // it has another boot
	missed  uint64
}

func newModel(o Options, w *wire) model {
	return model{
		w: w, o: o, theme: theme{colour: o.Colour, ascii: o.ASCII}, now: w.now(), heard: w.now(),
		live: newData(o.Node), panel: true, width: 80, height: 24,
	}
}

// Init starts the stream, the lists and the clock.
func (m model) Init() tea.Cmd {
	return tea.Batch(
		m.w.watch(control.WatchRequest{}, 0), m.w.next(),
		m.w.status(0), m.w.peers(0, false), m.tick(),
	)
}

func (m model) tick() tea.Cmd {
	return m.w.after(time.Second, func(at time.Time) tea.Msg { return tickMsg{at} })
}

// View gives the frame that Update drew.
func (m model) View() string { return m.frame }

// shown is the data on the screen.
func (m *model) shown() *data {
	if m.frozen != nil {
		return m.frozen
	}
	return m.live
}

// clock is the time of what is on the screen: old data do not grow older.
func (m *model) clock() time.Time {
	switch {
	case m.frozen != nil:
		return m.stood
	case m.link == linkStopped && m.lost.Before(m.now):
		return m.lost
	}
	return m.now
}

// draw makes the frame anew.
func (m *model) draw() {
	if !slices.Contains(m.layout().panes(), m.focus) { // keys go to what can be seen
		m.focus = focusList
	}
	m.order()
	m.frame = render(m)
}

// order brings lists and cursors up to date with the data and the choice.
func (m *model) order() {
	d := m.shown()
	if !m.fresh || m.lists.stale(d) {
		m.lists, m.fresh = makeLists(m.lists, d, m.choice), true
	}
	for v := range views {
		if v == viewEvents && m.cursors[v].at == 0 {
			m.cursors[v].key = "" // the newest stays selected
		}
		if !d.known {
			m.cursors[v].key = "" // a snapshot that is coming in has no first line yet
		}
		m.cursors[v] = m.cursors[v].follow(m.total(v), func(i int) string { return m.key(v, i) })
	}
	if m.evCursor.at == 0 {
		m.evCursor.key = ""
	}
	m.evCursor = m.evCursor.follow(d.log.len(), m.logKey)
}

// total is how many lines a view has.
func (m *model) total(v view) int {
	switch v {
	case viewChannels:
		return len(m.lists.channels)
	case viewEvents:
		return len(m.lists.events)
	}
	return len(m.lists.peers)
}

// key names a line of a view.
func (m *model) key(v view, i int) string {
	switch v {
	case viewChannels:
		return m.lists.channels[i].Name
	case viewEvents:
		return entryKey(m.event(i))
	}
	return m.lists.peers[i].p.Name
}

// logKey names a line of the event pane, which has no filter.
func (m *model) logKey(i int) string { return entryKey(m.shown().log.entry(i)) }

func entryKey(e entry) string { return e.typ + " " + e.name + " " + e.at.Format(time.RFC3339Nano) }

// event is line i of the event list.
func (m *model) event(i int) entry { return m.shown().log.entry(m.lists.events[i]) }

// selected is the peer under the cursor, nil if there is none.
func (m *model) selected() *row {
	if i := m.cursors[viewPeers].at; i < len(m.lists.peers) {
		return m.lists.peers[i]
	}
	return nil
}

func (m *model) selectedChannel() *channelRow {
	if i := m.cursors[viewChannels].at; i < len(m.lists.channels) {
		return m.lists.channels[i]
	}
	return nil
}

func (m *model) selectedEvent() (entry, bool) {
	if i := m.cursors[viewEvents].at; i < len(m.lists.events) {
		return m.event(i), true
	}
	return entry{}, false
}
