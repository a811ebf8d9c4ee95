package control

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/liminal-bus/liminal/internal/perf"
)

// The layout in doc.go.
func TestRecordOnTheWire(t *testing.T) {
	m := Message{Channel: "c", From: "b@d", ID: "id", Seq: 2, Time: time.UnixMicro(1), Payload: []byte("hi"), Encoding: EncodingErlang, Lost: 3}
	want := "0000002d" + "02" + "0000000000000001" + "0000000000000002" + "0000000000000003" +
		"00000001" + "00000003" + "00000002" + "63" + "624064" + "6964" + "6869"
	if got := hex.EncodeToString(appendRecord(nil, &m)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func drawMessage(t *rapid.T) Message {
	text := rapid.OneOf(rapid.String(), rapid.StringN(0, 20, 5000))
	m := Message{
		Channel: text.Draw(t, "channel"), From: text.Draw(t, "from"), ID: text.Draw(t, "id"),
		Seq: rapid.Uint64().Draw(t, "seq"), Lost: rapid.Uint64Range(0, 3).Draw(t, "lost"), LostOf: text.Draw(t, "lost of"),
		Payload: rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Map(text, func(s string) []byte { return []byte(s) })).Draw(t, "payload"),
	}
	if rapid.Bool().Draw(t, "erlang") {
		m.Encoding = EncodingErlang
	}
	if us := rapid.Int64Range(-1<<55, 1<<57).Draw(t, "time"); us != 0 {
		m.Time = time.UnixMicro(us).UTC()
	}
	return m
}

func TestRecordRoundTrip(t *testing.T) {
	var table names
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		got := Message{Channel: "left over", ID: "left over", Lost: 7}
		if err := table.decode(appendRecord(nil, &m)[4:], &got); err != nil {
			t.Fatal(err)
		}
		if m.Payload == nil {
			m.Payload = []byte{}
		}
		m.LostOf = "" // the stream knows it
		if !reflect.DeepEqual(got, m) {
			t.Fatalf("got %+v\nwant %+v", got, m)
		}
	})
}

func FuzzRecord(f *testing.F) {
	for _, m := range numbered(2) {
		f.Add(appendRecord(nil, &m)[4:])
	}
	f.Add([]byte{recordBytes})
	f.Add(bytes.Repeat([]byte{0xff}, recordHead))
	f.Fuzz(func(t *testing.T, rec []byte) {
		var table names
		var m, again Message
		if len(rec) == 0 || table.decode(rec, &m) != nil {
			return
		}
		if err := table.decode(appendRecord(nil, &m)[4:], &again); err != nil || !reflect.DeepEqual(m, again) {
			t.Fatalf("%v: %+v\nand then %+v", err, m, again)
		}
	})
}

func TestNames(t *testing.T) {
	var table names
	first := table.repeated([]byte("chat"), "")
	var kept []string
	for i := range 3 * maxNames {
		s := string(rune('a'+i%26)) + strings.Repeat("x", i%700)
		if got := table.repeated([]byte(s), first); got != s {
			t.Fatalf("got %q, want %q", got, s)
		}
		kept = append(kept, table.once([]byte(s)))
	}
	for i, s := range kept {
		if want := string(rune('a'+i%26)) + strings.Repeat("x", i%700); s != want {
			t.Fatalf("string %d became %q", i, s)
		}
	}
	if len(table.known) > maxNames {
		t.Errorf("%d names are kept", len(table.known))
	}
}

// A name that was seen before is not made again.
func TestCostOfNames(t *testing.T) {
	var table names
	b := []byte("chat")
	first := table.repeated(b, "")
	perf.Most(t, "control.names.allocs", testing.AllocsPerRun(1000, func() { table.repeated(b, first); table.repeated(b, "other"); table.once(b) }))
}

// A message line as encoding/json reads it.
type jsonMessage struct {
	Type, Channel, From, ID, Encoding string
	Seq, Count                        uint64
	Time                              *time.Time
	Payload                           *string
	Base64                            *string `json:"payload_base64"`
}

func TestMessageJSONAgainstEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		text := AppendMessageJSON([]byte("before"), &m)
		lines := strings.Split(strings.TrimSuffix(strings.TrimPrefix(string(text), "before"), "\n"), "\n")
		for _, r := range string(text) {
			if r != '\n' && unicode.IsControl(r) {
				t.Fatalf("%U stands in %s", r, text)
			}
		}
		if m.Lost > 0 {
			var d jsonMessage
			if err := strict(lines[0], &d); err != nil || d.Type != "drop" || d.Channel != valid(m.LostOf) || d.Count != m.Lost {
				t.Fatalf("%v: %s", err, lines[0])
			}
			lines = lines[1:]
		}
		var got jsonMessage
		if err := strict(lines[0], &got); err != nil || len(lines) != 1 || got.Type != "message" {
			t.Fatalf("%v: %q", err, lines)
		}
		if got.Channel != valid(m.Channel) || got.From != valid(m.From) || got.ID != valid(m.ID) || got.Seq != m.Seq || got.Encoding != m.Encoding {
			t.Fatalf("%s\nis not %+v", lines[0], m)
		}
		if in := m.Time.Year() <= 9999 && !m.Time.IsZero(); in != (got.Time != nil) || in && !got.Time.Equal(m.Time) {
			t.Fatalf("time %v became %v", m.Time, got.Time)
		}
		checkPayload(t, m.Payload, got)
	})
}

func checkPayload(t *rapid.T, want []byte, got jsonMessage) {
	if utf8.Valid(want) {
		if got.Payload == nil || *got.Payload != string(want) || got.Base64 != nil {
			t.Fatalf("payload %q became %+v", want, got)
		}
		return
	}
	if got.Payload != nil || got.Base64 == nil || *got.Base64 != base64.StdEncoding.EncodeToString(want) {
		t.Fatalf("payload %q became %+v", want, got)
	}
}

func strict(line string, v any) error {
	d := json.NewDecoder(strings.NewReader(line))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// valid replaces as encoding/json does, each bad byte by itself.
func valid(s string) string { return string([]rune(s)) }

func TestAppendTime(t *testing.T) {
	for _, k := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 1, 15, 12, 4, 31, 120e6, time.UTC), `,"time":"2026-01-15T12:04:31.120Z"`},
		{time.Date(2026, 1, 15, 12, 4, 31, 0, time.FixedZone("", 3600)), `,"time":"2026-01-15T11:04:31.000Z"`},
		{time.Date(2026, 1, 15, 12, 4, 31, 120_400_999, time.UTC), `,"time":"2026-01-15T12:04:31.1204Z"`},
		{time.Date(2026, 1, 15, 12, 4, 31, 120_456_000, time.UTC), `,"time":"2026-01-15T12:04:31.120456Z"`},
		{time.Date(2026, 1, 15, 12, 4, 31, 1000, time.UTC), `,"time":"2026-01-15T12:04:31.000001Z"`},
		{time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC), `,"time":"1969-12-31T23:59:59.999999Z"`},
		{time.Time{}, ""},
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), ""},
		{time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), ""},
	} {
		if got := string(appendTime(nil, k.at)); got != k.want {
			t.Errorf("%v: %s, want %s", k.at, got, k.want)
		}
	}
}

func FuzzMessageJSON(f *testing.F) {
	f.Add("chat", []byte("hello"))
	f.Add("ü\xff", []byte("\x1b[31m\"\\\u009b\u2028\xf0\x9f\x98\x80\xf0\x9f"))
	f.Fuzz(func(t *testing.T, name string, payload []byte) {
		line := AppendMessageJSON(nil, &Message{Channel: name, From: name, Payload: payload})
		var got jsonMessage
		if err := strict(string(line), &got); err != nil || got.Channel != valid(name) {
			t.Fatalf("%v: %s", err, line)
		}
		if got.Payload != nil && *got.Payload != string(payload) {
			t.Fatalf("payload %q became %q", payload, *got.Payload)
		}
	})
}

func TestCostOfMessageLines(t *testing.T) {
	m := numbered(1)[0]
	m.Payload = []byte("text, \"quoted\" and ünïcode\n")
	buf := make([]byte, 0, 1024)
	perf.Most(t, "control.line.allocs", testing.AllocsPerRun(1000, func() { buf = AppendMessageJSON(buf[:0], &m) }))
	perf.Most(t, "control.record.allocs", testing.AllocsPerRun(1000, func() { buf = appendRecord(buf[:0], &m) }))
}
