package dist

import (
	"slices"
	"strings"
	"testing"
)

// wireFlags is the table of the protocol: bit, name, and what OTP 25 refuses a
// peer for ("must"), what we ask on top ("ours"), and of published peers.
var wireFlags = []struct {
	bit    uint64
	name   string
	demand string
}{
	{0x1, "PUBLISHED", ""},
	{0x2, "ATOM_CACHE", ""},
	{0x4, "EXTENDED_REFERENCES", "must"},
	{0x8, "DIST_MONITOR", "published"},
	{0x10, "FUN_TAGS", "must"},
	{0x20, "DIST_MONITOR_NAME", "published"},
	{0x40, "HIDDEN_ATOM_CACHE", ""},
	{0x80, "NEW_FUN_TAGS", "must"},
	{0x100, "EXTENDED_PIDS_PORTS", "must"},
	{0x200, "EXPORT_PTR_TAG", "must"},
	{0x400, "BIT_BINARIES", "must"},
	{0x800, "NEW_FLOATS", "must"},
	{0x1000, "UNICODE_IO", ""},
	{0x2000, "DIST_HDR_ATOM_CACHE", ""},
	{0x4000, "SMALL_ATOM_TAGS", ""},
	{0x8000, "0x8000", ""},
	{0x10000, "UTF8_ATOMS", "must"},
	{0x20000, "MAP_TAG", "must"},
	{0x40000, "BIG_CREATION", "must"},
	{0x80000, "SEND_SENDER", ""},
	{0x100000, "BIG_SEQTRACE_LABELS", ""},
	{0x200000, "0x200000", ""},
	{0x400000, "EXIT_PAYLOAD", ""},
	{0x800000, "FRAGMENTS", ""},
	{0x1000000, "HANDSHAKE_23", "must"},
	{0x2000000, "UNLINK_ID", "ours"},
	{0x4000000, "MANDATORY_25_DIGEST", ""},
	{1 << 32, "SPAWN", ""},
	{1 << 33, "NAME_ME", ""},
	{1 << 34, "V4_NC", "ours"},
	{1 << 35, "ALIAS", ""},
	{1 << 36, "LOCAL_EXT", ""},
	{1 << 37, "ALTACT_SIG", ""},
	{1 << 40, "0x10000000000", ""},
}

const erlCall Flags = 0x407074F9C // as an erl_call of OTP 25 offers

func TestOffer(t *testing.T) {
	if Offer(false) != 0xC07DF5FBD || Offer(true) != 0xC07DF5FBC {
		t.Errorf("offer %#x, hidden %#x", uint64(Offer(false)), uint64(Offer(true)))
	}
	if m := Offer(false).Missing(); m != nil {
		t.Errorf("we would refuse ourselves: %v", m)
	}
	for _, never := range []Flags{FlagSpawn, FlagDistHdrAtomCache, FlagAtomCache, FlagNameMe, FlagAltactSig, FlagLocalExt} {
		if Offer(false)&never != 0 {
			t.Errorf("%v is offered", never)
		}
	}
}

func TestFlagNames(t *testing.T) {
	for _, w := range wireFlags {
		if got := Flags(w.bit).String(); got != w.name {
			t.Errorf("%#x: %s, want %s", w.bit, got, w.name)
		}
	}
	if got := (FlagPublished | FlagMapTag | 1<<40).String(); got != "PUBLISHED|MAP_TAG|0x10000000000" {
		t.Error(got)
	}
	if Flags(0).String() != "0" || Flags(0).Names() != nil {
		t.Error("no flags have a name")
	}
}

// TestOneFlagLeftOut leaves out each flag of a full set without the digest bit.
func TestOneFlagLeftOut(t *testing.T) {
	var all Flags
	for _, w := range wireFlags {
		all |= Flags(w.bit)
	}
	all &^= FlagMandatory25Digest
	for _, w := range wireFlags {
		rest := all &^ Flags(w.bit)
		checkMissing(t, "published without "+w.name, rest, w.name, w.demand != "")
		hidden := rest &^ FlagPublished
		checkMissing(t, "hidden without "+w.name, hidden, w.name, w.demand == "must" || w.demand == "ours")
		// With the digest bit the eleven may be absent one by one.
		checkMissing(t, "digest without "+w.name, rest|FlagMandatory25Digest, w.name, w.demand == "ours" || (w.demand == "published" && rest.Has(FlagPublished)))
	}
}

func checkMissing(t *testing.T, what string, f Flags, name string, want bool) {
	t.Helper()
	got := f.Missing()
	if want && !slices.Equal(got, []string{name}) || !want && got != nil {
		t.Errorf("%s: missing %v, want refused: %t", what, got, want)
	}
}

func TestDigestBitStandsForEleven(t *testing.T) {
	alone := FlagMandatory25Digest
	eleven := 0
	for _, w := range wireFlags {
		if w.demand == "must" {
			eleven++
			if !alone.Expand().Has(Flags(w.bit)) {
				t.Errorf("%s is not among them", w.name)
			}
		}
	}
	if n := len(alone.Expand().Names()); eleven != 11 || n != 12 {
		t.Errorf("%d in the table, %d after expansion", eleven, n)
	}
	if got := strings.Join(alone.Missing(), " "); got != "UNLINK_ID V4_NC" {
		t.Errorf("digest alone: missing %s", got)
	}
	if FlagV4NC.Expand() != FlagV4NC {
		t.Error("expanded without the digest bit")
	}
}

func TestRealPeers(t *testing.T) {
	for _, p := range []struct {
		who   string
		flags Flags
		ok    bool
	}{
		{"OTP 25", 0xD07DF7FBD, true},
		{"OTP 25 hidden", 0xD07DF7FBC, true},
		{"erl_call", erlCall, true},
		{"erl_call, if it were published", erlCall | FlagPublished, false},
		{"a flag set without UTF8_ATOMS and others", 0x1050F94, false},
		{"nothing", 0, false},
	} {
		if m := p.flags.Missing(); (m == nil) != p.ok {
			t.Errorf("%s: missing %v", p.who, m)
		}
	}
}
