// Package tui is the live screen of `liminal watch`: the peers, channels and
// events of one node, as its control API tells them. It only reads.
//
// The model is a value: Update is pure and holds no clock, since every message
// from outside carries its time; View gives the frame that Update drew last. No
// goroutine is started here. A command reads the node's stream into a bounded
// queue, another waits for what is in it, Update asks for the next; lists come
// by commands that pause between two calls.
//
// # What is true when
//
// Events change the rows at once. Lists bring what events do not tell (round
// trip times, traffic, notes) and put right what the two disagree on: a list is
// taken for a row only if it is younger than the newest event of that row, both
// by the node's clock. So a list under way cannot undo an event. A snapshot
// replaces everything that it does not name.
//
// A list without names of channels leaves those that are known.
//
// The stream's end alone says little: the node is called stopped when it said so
// or when nobody answers on its socket. Then the table stays as it was, marked
// old, and its clock stands. The stream is asked for again every second, after
// the last event seen and the boot it belongs to, never after a piece of a
// snapshot; another boot means that what came between is lost, and the screen
// says so.
//
// The list of events begins with what the node keeps of the last hour. That is
// read once, up to the first snapshot, and changes no row.
//
// # Cost
//
// A list of 5,000 peers takes tens of milliseconds to fetch and to read. So the
// pause after a call is 300 times what calls cost, at least a second and at most
// 20: the lists cost a third of a percent of one core up to some ten thousand
// peers. Frames are drawn when something changed, at most four times a second, and
// after each key at once. Order and counts are computed once a change, and only
// the rows that can be seen are made into text.
//
// # Text from others
//
// A line is built of pieces, and each piece passes clean on its way in: names,
// reasons, notes, channels, texts of errors, what is typed or pasted. Roles are
// painted after that, by the theme's table and nothing else.
//
// lipgloss is not used. Colours are the terminal's own 16, written through x/ansi,
// and without colour a frame has no escape sequence at all; lipgloss asks the
// environment by itself, and under NO_COLOR it drops reverse video and bold too,
// which here are the caller's to decide.
//
// # Departures
//
// STATE is two columns wider than first drawn, so that "~ dialling" and
// "? suspect" stay whole words. Below 48 columns FLAPS goes as well, else no
// name would be left. The event pane has no filter: a term such as kind: would
// empty it, and what happens shall not be missed for what one looks for; the
// list of events has it. The line of the filter is our own: the library's looks
// for programs of the clipboard when any command starts. The pane of a channel
// shows what the API tells of its listeners; since when they listen it does not
// tell. UP has no seconds from ten minutes on, which would write each row anew
// each second. The screen of a node without peers names the seeds that do not
// answer; beside peers they have one line.
package tui
