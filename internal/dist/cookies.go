package dist

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxCookies is how many cookies a node holds at once, its own included. An
// initiator may have to try all of them, and each that does not fit is an error
// in the log of its peer.
const MaxCookies = 4

// cookies are all that l proves itself with or takes, its own first. A place in
// this list is what Remote.Cookie and InitiatorHooks.Cookie count in.
func (l Local) cookies() []Cookie {
	return append([]Cookie{l.Cookie}, l.Accept...)
}

// checkCookies refuses what would make the proof worthless.
func (l Local) checkCookies() error {
	if len(l.Accept) >= MaxCookies {
		return fmt.Errorf("local cookies: %d, at most %d", len(l.Accept)+1, MaxCookies)
	}
	for _, c := range l.cookies() {
		if c.Empty() {
			return errors.New("local cookie: empty")
		}
	}
	return nil
}

// fitting finds the place of the cookie with which a digest answers challenge,
// -1 if there is none. It takes the same time whichever fits: all are tried, from
// the last on, so that of equal ones the first is found.
func fitting(set []Cookie, challenge uint32, digest [digestSize]byte) int {
	found := -1
	for i := len(set) - 1; i >= 0; i-- {
		want := set[i].digest(challenge)
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(want[:], digest[:]), i, found)
	}
	return found
}

// Same reports in constant time whether two cookies have one text.
func (c Cookie) Same(other Cookie) bool {
	return subtle.ConstantTimeCompare([]byte(c.reveal()), []byte(other.reveal())) == 1
}

// Place is where c stands in set, -1 if it is not in it.
func (c Cookie) Place(set []Cookie) int {
	for i, s := range set {
		if s.Same(c) {
			return i
		}
	}
	return -1
}

// Life is one life of a node, as handshakes prove it.
type Life struct {
	Name     string
	Creation uint32
}

// Proof is what a node tells a peer over a link that is up to show that it holds
// c: worth nothing to any other node, nor in another life of either.
type Proof [sha256.Size]byte

// Proof makes the proof of c that from gives to to. Whoever sees it can try
// cookies against it, as with the digests of a handshake.
func (c Cookie) Proof(from, to Life) (p Proof) {
	mac := hmac.New(sha256.New, []byte(c.reveal()))
	mac.Write([]byte("liminal holds this cookie, 1"))
	for _, life := range []Life{from, to} {
		b := binary.BigEndian.AppendUint32(nil, life.Creation)
		b = binary.BigEndian.AppendUint16(b, uint16(len(life.Name))) // a name is at most 255 bytes
		mac.Write(append(b, life.Name...))
	}
	mac.Sum(p[:0])
	return p
}

// Holds reports whether one of proofs, which from gave to to, is of c.
func (c Cookie) Holds(from, to Life, proofs []Proof) bool {
	want := c.Proof(from, to)
	holds := 0
	for i := range proofs {
		holds |= subtle.ConstantTimeCompare(want[:], proofs[i][:])
	}
	return holds == 1
}
