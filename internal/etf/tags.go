package etf

import "strconv"

// Version is the byte in front of a term outside the distribution, and in
// front of control message and payload in pass-through frames.
const Version = 131

// Tags of the external term format ("External Term Format", ERTS user's guide).
const (
	tagNewFloat      = 70
	tagBitBinary     = 77
	tagCompressed    = 80
	tagNewPid        = 88
	tagNewPort       = 89
	tagNewerRef      = 90
	tagSmallInt      = 97
	tagInt           = 98
	tagFloat         = 99
	tagAtom          = 100
	tagRef           = 101
	tagPort          = 102
	tagPid           = 103
	tagSmallTuple    = 104
	tagLargeTuple    = 105
	tagNil           = 106
	tagString        = 107
	tagList          = 108
	tagBinary        = 109
	tagSmallBig      = 110
	tagLargeBig      = 111
	tagNewFun        = 112
	tagExport        = 113
	tagNewRef        = 114
	tagSmallAtom     = 115
	tagMap           = 116
	tagAtomUTF8      = 118
	tagSmallAtomUTF8 = 119
	tagV4Port        = 120
)

// refused holds tags that exist and are never accepted, for the error text.
var refused = map[byte]string{
	68:            "distribution header inside a term",
	tagCompressed: "compressed term not allowed here",
	82:            "atom cache reference outside a distribution header",
	117:           "fun of OTP 22 or older",
	121:           "node-local term",
	Version:       "version byte inside a term",
}

// tagText says why tag has no row in the table.
func tagText(tag byte) string {
	if s, ok := refused[tag]; ok {
		return s
	}
	return "unknown tag " + strconv.Itoa(int(tag))
}
