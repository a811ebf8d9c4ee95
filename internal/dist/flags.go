package dist

import (
	"fmt"
	"math/bits"
	"strings"
)

// Flags are the capabilities a node offers in the handshake, or the ones both
// sides agreed on (OTP distribution protocol, distribution flags).
type Flags uint64

// The flags of the protocol under the names of dist.hrl. Gaps are bits that
// OTP keeps for itself.
const (
	FlagPublished          Flags = 0x1       // listed by nodes(); a hidden node leaves it off
	FlagAtomCache          Flags = 0x2       // obsolete
	FlagExtendedReferences Flags = 0x4       // references of several words
	FlagDistMonitor        Flags = 0x8       // MONITOR_P and its kin
	FlagFunTags            Flags = 0x10      //
	FlagDistMonitorName    Flags = 0x20      // monitors on registered names
	FlagHiddenAtomCache    Flags = 0x40      // obsolete
	FlagNewFunTags         Flags = 0x80      //
	FlagExtendedPidsPorts  Flags = 0x100     //
	FlagExportPtrTag       Flags = 0x200     //
	FlagBitBinaries        Flags = 0x400     //
	FlagNewFloats          Flags = 0x800     // floats as eight bytes
	FlagUnicodeIO          Flags = 0x1000    // form of io requests
	FlagDistHdrAtomCache   Flags = 0x2000    // headers with an atom cache; we never offer it, see Offer
	FlagSmallAtomTags      Flags = 0x4000    //
	FlagUTF8Atoms          Flags = 0x10000   //
	FlagMapTag             Flags = 0x20000   //
	FlagBigCreation        Flags = 0x40000   // creations of 32 bits
	FlagSendSender         Flags = 0x80000   // SEND_SENDER in place of SEND
	FlagBigSeqtraceLabels  Flags = 0x100000  //
	FlagExitPayload        Flags = 0x400000  // exit reasons in the payload, so that they fragment
	FlagFragments          Flags = 0x800000  // payloads cut to 64 KiB
	FlagHandshake23        Flags = 0x1000000 // the only handshake we speak
	FlagUnlinkID           Flags = 0x2000000 // UNLINK_ID in place of UNLINK
	FlagMandatory25Digest  Flags = 0x4000000 // stands for all of mandatory25
	FlagSpawn              Flags = 1 << 32   // SPAWN_REQUEST; we never offer it, see Offer
	FlagNameMe             Flags = 1 << 33   // a request for a dynamic name, not a capability
	FlagV4NC               Flags = 1 << 34   // 64-bit ports, 32-bit pid fields
	FlagAlias              Flags = 1 << 35   // ALIAS_SEND
	FlagLocalExt           Flags = 1 << 36   // OTP keeps it to itself
	FlagAltactSig          Flags = 1 << 37   // ALTACT_SIG_SEND, OTP 28
)

// mandatory25 is what OTP 25 refuses a peer for, each of them alone; later
// releases may say it with FlagMandatory25Digest.
const mandatory25 = FlagExtendedReferences | FlagFunTags | FlagNewFunTags |
	FlagExtendedPidsPorts | FlagExportPtrTag | FlagBitBinaries | FlagNewFloats |
	FlagUTF8Atoms | FlagMapTag | FlagBigCreation | FlagHandshake23

// mandatory is what we ask of every peer. OTP 26 and later ask the same.
const mandatory = mandatory25 | FlagV4NC | FlagUnlinkID

// mandatoryPublished is what we ask of a published peer on top: pg watches
// its peers by name. An erl_call, which is hidden, has only the first.
const mandatoryPublished = FlagDistMonitor | FlagDistMonitorName

// offered has fragments without the atom cache, so that no frame is long and
// decoding needs no memory of earlier frames. SPAWN is off since a caller
// without it fails at once, while one with it would wait for an answer; and
// nothing may run here at a peer's wish.
const offered = mandatory | mandatoryPublished | FlagPublished | FlagUnicodeIO |
	FlagSmallAtomTags | FlagSendSender | FlagBigSeqtraceLabels | FlagExitPayload |
	FlagFragments | FlagMandatory25Digest | FlagAlias

// Offer is what this node offers: 0xC07DF5FBD, hidden the same without
// FlagPublished.
func Offer(hidden bool) Flags {
	if hidden {
		return offered &^ FlagPublished
	}
	return offered
}

// OfferLook is what a node offers that only looks: it is hidden, and like other
// small programs without fragments, so that nobody greets it or tells it groups.
func OfferLook() Flags { return offered &^ (FlagPublished | FlagFragments) }

// Has reports whether all of want are set.
func (f Flags) Has(want Flags) bool { return f&want == want }

// Expand sets the flags that FlagMandatory25Digest stands for.
func (f Flags) Expand() Flags {
	if f.Has(FlagMandatory25Digest) {
		return f | mandatory25
	}
	return f
}

// Missing names the flags for want of which we refuse a peer that offers f;
// nil when there is none.
func (f Flags) Missing() []string {
	need := mandatory
	if f.Has(FlagPublished) {
		need |= mandatoryPublished
	}
	return (need &^ f.Expand()).Names()
}

// Names lists the flags that are set, from the lowest bit up: those with a
// name as dist.hrl has it, others as hex.
func (f Flags) Names() []string {
	if f == 0 {
		return nil
	}
	names := make([]string, 0, bits.OnesCount64(uint64(f)))
	for ; f != 0; f &= f - 1 {
		bit := f & -f
		name, ok := flagNames[bit]
		if !ok {
			name = fmt.Sprintf("%#x", uint64(bit))
		}
		names = append(names, name)
	}
	return names
}

// String lists the names with bars between, "0" when there is none.
func (f Flags) String() string {
	if f == 0 {
		return "0"
	}
	return strings.Join(f.Names(), "|")
}

var flagNames = map[Flags]string{
	FlagPublished:          "PUBLISHED",
	FlagAtomCache:          "ATOM_CACHE",
	FlagExtendedReferences: "EXTENDED_REFERENCES",
	FlagDistMonitor:        "DIST_MONITOR",
	FlagFunTags:            "FUN_TAGS",
	FlagDistMonitorName:    "DIST_MONITOR_NAME",
	FlagHiddenAtomCache:    "HIDDEN_ATOM_CACHE",
	FlagNewFunTags:         "NEW_FUN_TAGS",
	FlagExtendedPidsPorts:  "EXTENDED_PIDS_PORTS",
	FlagExportPtrTag:       "EXPORT_PTR_TAG",
	FlagBitBinaries:        "BIT_BINARIES",
	FlagNewFloats:          "NEW_FLOATS",
	FlagUnicodeIO:          "UNICODE_IO",
	FlagDistHdrAtomCache:   "DIST_HDR_ATOM_CACHE",
	FlagSmallAtomTags:      "SMALL_ATOM_TAGS",
	FlagUTF8Atoms:          "UTF8_ATOMS",
	FlagMapTag:             "MAP_TAG",
	FlagBigCreation:        "BIG_CREATION",
	FlagSendSender:         "SEND_SENDER",
	FlagBigSeqtraceLabels:  "BIG_SEQTRACE_LABELS",
	FlagExitPayload:        "EXIT_PAYLOAD",
	FlagFragments:          "FRAGMENTS",
	FlagHandshake23:        "HANDSHAKE_23",
	FlagUnlinkID:           "UNLINK_ID",
	FlagMandatory25Digest:  "MANDATORY_25_DIGEST",
	FlagSpawn:              "SPAWN",
	FlagNameMe:             "NAME_ME",
	FlagV4NC:               "V4_NC",
	FlagAlias:              "ALIAS",
	FlagLocalExt:           "LOCAL_EXT",
	FlagAltactSig:          "ALTACT_SIG",
}
