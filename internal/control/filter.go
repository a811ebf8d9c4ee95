package control

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Words that a Filter may ask for.
var (
	PeerStates = []string{"dialling", "up", "suspect", "left", "down"}
	PeerKinds  = []string{"liminal", "otp", "other"}
)

// Filter says which peers are wanted. An empty field wants all.
type Filter struct {
	Names  []string
	States []string
	Kinds  []string
	Brief  bool // without the names of channels: Peer.Subscriptions is null
}

// Check refuses words that no peer can match.
func (f Filter) Check() error {
	if err := checkWords("state", f.States, PeerStates); err != nil {
		return err
	}
	return checkWords("kind", f.Kinds, PeerKinds)
}

func checkWords(what string, asked, known []string) error {
	for _, w := range asked {
		if !slices.Contains(known, w) {
			return usage("it is one of "+strings.Join(known, ", "), "%q is no %s of a peer", clip(w), what)
		}
	}
	return nil
}

// Apply gives the peers that match, in the order given. A name that no peer has
// is an error of code unknown_peer, whatever state and kind ask for.
func (f Filter) Apply(peers []Peer) ([]Peer, error) {
	for _, n := range f.Names {
		if !slices.ContainsFunc(peers, func(p Peer) bool { return p.Name == n }) {
			return nil, &Error{
				Code: CodeUnknownPeer, Message: fmt.Sprintf("no peer is called %q", clip(n)),
				Why: "this node does not list it", Try: "liminal peers", Exit: exitNo,
			}
		}
	}
	kept := make([]Peer, 0, len(peers))
	for _, p := range peers {
		if wants(f.Names, p.Name) && wants(f.States, p.State) && wants(f.Kinds, p.Kind) {
			kept = append(kept, p)
		}
	}
	return kept, nil
}

func wants(words []string, w string) bool { return len(words) == 0 || slices.Contains(words, w) }

func (f Filter) query() url.Values {
	q := url.Values{}
	for k, vs := range map[string][]string{"name": f.Names, "state": f.States, "kind": f.Kinds} {
		if len(vs) > 0 {
			q[k] = vs
		}
	}
	if f.Brief {
		q.Set("brief", "true")
	}
	return q
}

// clip keeps echoed text short.
func clip(s string) string {
	if len(s) <= 64 {
		return s
	}
	return strings.ToValidUTF8(s[:64], "") + "..."
}
