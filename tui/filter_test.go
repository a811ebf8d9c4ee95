package tui

import (
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/control"
)

func ptr[T any](v T) *T { return &v }

var (
	filterPeer = control.Peer{
		Name: "C@dev", State: "down", Kind: "liminal", Address: ptr("10.0.0.7:9100"), Subscriptions: []string{"orders", ":chat"},
		Version: ptr("0.1.0"), Reason: ptr("No tick for 60 s"), Note: ptr("refused 4 times"),
	}
	filterFlapping = control.Peer{Name: "j@dev", State: "up", Kind: "otp", Hidden: true, Flapping: true}
	filterChannel  = control.Channel{Name: "orders", Members: []control.ChannelMember{{Node: "b@dev", Kind: "otp"}}}
	filterEvent    = entry{typ: "down", name: "c@dev", text: "no tick for 60 s", count: 1}
	filterBurst    = entry{typ: "sub", name: "c@dev", text: "+ orders", count: 2, names: []string{"c@dev", "d@dev"}}
)

func TestFilter(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want string // which of peer, flapping, channel, event, burst
	}{
		{"", "pfceb"},
		{"   ", "pfceb"},
		{"c@DEV", "peb"},
		{"name:c", "peb"},
		{"name:d@", "b"},
		{"!name:c@", "fc"},
		{"kind:l", "p"},
		{"kind:otp", "fc"},
		{"kind:hidden", "f"},
		{"state:down", "pe"},
		{"state:up", "f"},
		{"state:flap", "f"},
		{"state:own", ""},
		{"sub:orders", "pcb"},
		{"sub:chat", "p"},
		{"addr:10.0", "p"},
		{"10.0.0.7:9100", "p"},
		{":chat", "p"},
		{`reason:"no tick"`, "pe"},
		{`"no tick"`, "pe"},
		{`"no ti`, "pe"},
		{"no tick", "pe"},
		{"refused", "p"},
		{"hidden:", "f"},
		{"!hidden:", "pceb"},
		{"flap:", "f"},
		{"state:up kind:otp name:j", "f"},
		{"state:up kind:liminal", ""},
		{"0.1.0", "p"},
		{"b@dev", "c"},
		{"name:", "pfceb"},
		{"!", "pfceb"},
		{"!name:", "pfceb"},
		{`""`, "pfceb"},
		{`"state:up"`, ""},
		{"NAME:c", "peb"},
	} {
		f, err := parseFilter(tc.in)
		if err != nil {
			t.Errorf("%q: %v", tc.in, err)
			continue
		}
		got := ""
		for _, c := range []struct {
			mark  string
			holds bool
		}{
			{"p", f.peer(filterPeer)}, {"f", f.peer(filterFlapping)}, {"c", f.channel(filterChannel)},
			{"e", f.event(filterEvent)}, {"b", f.event(filterBurst)},
		} {
			if c.holds {
				got += c.mark
			}
		}
		if got != tc.want {
			t.Errorf("%q shows %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	for in, want := range map[string]string{
		"nme:c":             `no key nme: here (name: kind: state: sub: addr: reason: hidden: flap:); as text: "nme:c"`,
		"!http:x":           `no key http:`,
		"hidden:yes":        "hidden: stands alone",
		"é:\x1b":            `as text: "é:\x1b"`,
		"name:c nme:d kd:e": "no key nme:",
	} {
		f, err := parseFilter(in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
		if strings.HasPrefix(in, "name:c") && !f.peer(filterPeer) {
			t.Errorf("%q: what can be read does not hold", in)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{"", "name:b kind:otp", `!reason:"no tick`, "hidden:1", "!!a:b:c", "nAme: 0", "\xff:\x00 ::", "é:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		flt, err := parseFilter(s)
		if err != nil && err.Error() != clean(err.Error()) {
			t.Errorf("%q: the error is not clean: %q", s, err)
		}
		flt.peer(filterPeer)
		flt.peer(control.Peer{})
		flt.channel(filterChannel)
		flt.event(filterBurst)
		neg, _ := parseFilter("!" + s)
		one := len(filterWords(s)) == 1 // of several the first is negated, and it may not be complete
		if err == nil && one && len(flt.terms) == 1 && len(neg.terms) == 1 && !strings.HasPrefix(s, "!") && s == strings.TrimSpace(s) &&
			flt.peer(filterPeer) == neg.peer(filterPeer) {
			t.Errorf("%q and its negation agree", s)
		}
	})
}
