package pg

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/liminal-bus/liminal/internal/etf"
)

// Spelling says how a group's name is to be read.
type Spelling string

// The spellings of Key.Channel.
const (
	SpellBinary Spelling = "binary" // a channel: the text of a binary
	SpellAtom   Spelling = "atom"   // a channel: a colon and the text of an atom
	SpellTerm   Spelling = "term"   // no channel: Erlang text, to be read only
)

// maxName is the most bytes of a channel's name, the colon of an atom aside. It
// is also what fits the one byte of an atom's length.
const maxName = 255

// ChannelKey gives the group of a channel: orders is the binary <<"orders">>,
// :orders the atom orders. The error says what is wrong with the name.
func ChannelKey(name string) (Key, error) {
	text, atom := strings.CutPrefix(name, ":")
	if err := checkName(text, atom); err != nil {
		return "", err
	}
	if atom {
		return atomKey(text), nil
	}
	return binaryKey(text), nil
}

func binaryKey(text string) Key {
	return Key(append(etf.AppendBinaryHeader(nil, len(text)), text...))
}

func atomKey(text string) Key { return Key(etf.AppendAtom(nil, text)) }

func checkName(text string, atom bool) error {
	switch {
	case text == "" && atom:
		return errors.New("a colon with no atom behind it")
	case text == "":
		return errors.New("the name is empty")
	case len(text) > maxName:
		return fmt.Errorf("the name has %d bytes, at most %d are possible", len(text), maxName)
	case !utf8.ValidString(text):
		return errors.New("the name is not UTF-8")
	}
	if i := strings.IndexFunc(text, isControl); i >= 0 {
		c, _ := utf8.DecodeRuneInString(text[i:])
		return fmt.Errorf("the name has the control character %U", c)
	}
	return nil
}

// isControl tells C0, DEL and C1: on a terminal they are commands, not text.
func isControl(c rune) bool { return c < 0x20 || c >= 0x7f && c <= 0x9f }

// Channel is the reverse of ChannelKey: the name whose key this is. A group that
// is no channel's comes as Erlang text with SpellTerm: other terms, names that
// ChannelKey refuses, and binaries that begin with the colon of an atom.
func (k Key) Channel() (name string, s Spelling) {
	if text, ok := k.text(tagBinary, binaryHeader); ok && text[:1] != ":" {
		return text, SpellBinary
	}
	if text, ok := k.text(tagAtom, atomHeader); ok {
		return ":" + text, SpellAtom
	}
	t, rest, err := etf.Decode([]byte(k), etf.WireLimits())
	if err != nil || len(rest) > 0 {
		return strconv.Quote(string(k)), SpellTerm // no key of ours: show what it is
	}
	return string(etf.AppendText(nil, t)), SpellTerm
}

// text gives the contents of a key with that tag and header if they can be a
// channel's name.
func (k Key) text(tag byte, header int) (string, bool) {
	if len(k) < header || k[0] != tag || int(k[header-1]) != len(k)-header {
		return "", false
	}
	text := string(k[header:])
	// The length's last byte was compared; the bytes before it must be zero.
	for _, c := range []byte(k[1 : header-1]) {
		if c != 0 {
			return "", false
		}
	}
	return text, checkName(text, tag == tagAtom) == nil
}

// Other gives the same name in the other spelling, orders for :orders and the
// reverse, if that is a channel.
func (k Key) Other() (Key, bool) {
	name, s := k.Channel()
	switch {
	case s == SpellBinary:
		return atomKey(name), true
	case s == SpellAtom && name[1] != ':':
		return binaryKey(name[1:]), true
	}
	return "", false
}
