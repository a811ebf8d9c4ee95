package tui

import "github.com/charmbracelet/bubbles/key"

// keyMap is every key there is. Plain keys and ctrl+letter only: terminals do
// not deliver others alike.
type keyMap struct {
	Up, Down, Top, Bottom, HalfDown, HalfUp, PageDown, PageUp key.Binding
	Next, Prev, Peers, Channels, Events, Enter, Esc           key.Binding
	Filter, Sort, Reverse, Reset                              key.Binding
	Pause, Ask, Panel, Wide                                   key.Binding
	Quit, Suspend, Help                                       key.Binding
}

func bind(keys ...string) key.Binding { return key.NewBinding(key.WithKeys(keys...)) }

var keys = keyMap{
	Up:       bind("k", "up"),
	Down:     bind("j", "down"),
	Top:      bind("g", "home"),
	Bottom:   bind("G", "end"),
	HalfDown: bind("ctrl+d"),
	HalfUp:   bind("ctrl+u"),
	PageDown: bind("pgdown"),
	PageUp:   bind("pgup"),
	Next:     bind("tab"),
	Prev:     bind("shift+tab"),
	Peers:    bind("1"),
	Channels: bind("2"),
	Events:   bind("3"),
	Enter:    bind("enter"),
	Esc:      bind("esc"),
	Filter:   bind("/"),
	Sort:     bind("s"),
	Reverse:  bind("S"),
	Reset:    bind("0"),
	Pause:    bind("p"),
	Ask:      bind("r"),
	Panel:    bind("e"),
	Wide:     bind("w"),
	Quit:     bind("q", "ctrl+c"),
	Suspend:  bind("ctrl+z"),
	Help:     bind("?"),
}
