package control

import (
	"encoding/binary"
	"testing"
)

// TestRecordLengthsThatLie: three lengths that each fit 32 bits, and in all do not.
func TestRecordLengthsThatLie(t *testing.T) {
	for _, lengths := range [][3]uint32{
		{1 << 31, 1 << 31, 0}, {1<<32 - 1, 1, 0}, {1<<32 - 1, 1<<32 - 1, 2}, {0, 1<<32 - 4, 4}, {0, 0, 1<<32 - 1}, {3, 1, 1},
	} {
		rec := make([]byte, recordHead+4)
		rec[0] = recordBytes
		for i, n := range lengths {
			binary.BigEndian.PutUint32(rec[25+4*i:], n)
		}
		var m Message
		if err := new(names).decode(rec, &m); err == nil {
			t.Errorf("lengths %v of 4 bytes: %+v", lengths, m)
		}
	}
}
