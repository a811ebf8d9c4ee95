package cli

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/liminal-bus/liminal/internal/control"
)

func TestWithFlag(t *testing.T) {
	for line, want := range map[string]string{
		"peers":                     "peers --node a",
		"pub chat -- -x":            "pub chat --node a -- -x",
		"pub chat 'one -- two'":     "pub chat 'one -- two' --node a",
		"pub chat 'a -- b' -- '-x'": "pub chat 'a -- b' --node a -- -x",
		"pub chat --":               "pub chat --node a --",
		`pub chat 'it'\''s'`:        `pub chat 'it'\''s' --node a`,
		"pub ...":                   "pub ... --node a",
	} {
		if got := withFlag(line, "--node", "a"); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	if got := withFlag("status", "--socket", "/a b/$x"); got != "status --socket '/a b/$x'" {
		t.Error(got)
	}
}

// TestWithFlagKeepsWords: all words come out as they went in, the flag before the
// first that is "--".
func TestWithFlagKeepsWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"pub", "--", "-x", "a -- b", "it's", `"\`, "$x", "--lines"}), 1, 6).Draw(t, "words")
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = typedWord(w)
		}
		got, err := splitWords(withFlag(strings.Join(quoted, " "), "--node", "a"))
		at := slices.Index(words, "--")
		if at < 0 {
			at = len(words)
		}
		if want := slices.Insert(slices.Clone(words), at, "--node", "a"); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
	})
}

// refusing is a node that refuses with this advice.
type refusing struct {
	*fakeBus
	try string
}

func (r refusing) Peers(context.Context, control.Filter) (control.Peers, error) {
	return control.Peers{}, fail("unknown_peer", "no", "why", r.try)
}

func (r refusing) Forget(context.Context, control.ForgetRequest) (control.Forget, error) {
	e := fail("unknown_peer", "no", "why", r.try)
	return control.Forget{Results: []control.ForgetResult{{Asked: "b", Error: e}, {Asked: "c", Error: e}}}, nil
}

// TestAdviceOfTheNode is for the node that the command named.
func TestAdviceOfTheNode(t *testing.T) {
	for try, want := range map[string]string{
		"liminal peers":                        "liminal peers FLAG",
		"liminal channels (lists them)":        "liminal channels FLAG (lists them)",
		"liminal node stop":                    "liminal node stop FLAG",
		"liminal join b:9100, or fix the name": "liminal join FLAG b:9100, or fix the name",
		"liminal status --node b":              "liminal status --node b",
		"liminal help addresses":               "liminal help addresses",
		"there: liminal status":                "there: liminal status",
		"raise --timeout":                      "raise --timeout",
		"liminal":                              "liminal",
		"liminal config check":                 "liminal config check",
	} {
		t.Run(try, func(t *testing.T) {
			socket := filepath.Join(shortDir(t), "x y")
			serve(t, refusing{newFakeBus(), try}, socket)
			flagged := strings.Replace(want, "FLAG", "--socket '"+socket+"'", 1)
			for _, test := range []struct {
				env, args []string
				times     int
				want      string
			}{
				{nil, []string{"peers", "--socket", socket}, 1, flagged},
				{nil, []string{"forget", "b", "c", "--socket", socket}, 2, flagged},
				{[]string{"LIMINAL_SOCKET=" + socket}, []string{"peers"}, 1, try}, // finds it again without
			} {
				r := runIn(t, testEnv(t, test.env...), test.args...)
				if strings.Count(r.stderr, "  try: "+test.want+"\n") != test.times {
					t.Errorf("%q:\n%s\nwant %s", test.args, r.stderr, test.want)
				}
			}
		})
	}
}

func TestOwnerNames(t *testing.T) {
	if who, sudo := ownerNames("3987654321"); who != "3987654321" || sudo != "'#3987654321'" {
		t.Errorf("%s, %s", who, sudo)
	}
	if who, sudo := ownerNames("0"); who != "root" || sudo != "root" {
		t.Errorf("%s, %s", who, sudo)
	}
}
