package cli

import (
	"reflect"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/control"
)

func TestForget(t *testing.T) {
	c := control.ForgetResult{Asked: "c", Name: ptr("c@dev"), State: ptr("down"), Address: ptr("10.0.0.7:9100")}
	typo := control.ForgetResult{Asked: "dv:9100", Address: ptr("dv:9100"), State: ptr("dialling")}
	bare := control.ForgetResult{Asked: "x\x1b[2J@dev", Name: ptr("x\x1b[2J@dev")}
	unknown := control.ForgetResult{Asked: "z", Error: fail("unknown_peer", `no peer is called "z"`, "this node does not list it", "liminal peers")}
	unknownText := "liminal: no peer is called \"z\"\n  why: this node does not list it\n  try: liminal peers\n"
	doc := func(results string) string {
		return `{"schema":"liminal.forget/1","node":"a@dev","results":[` + results + "]}\n"
	}
	for _, test := range []struct {
		name    string
		args    []string
		results []control.ForgetResult
		code    int
		stdout  string
		stderr  string
	}{
		{"one", []string{"c"}, []control.ForgetResult{c}, 0, "forgot c@dev (down, 10.0.0.7:9100)\n", ""},
		{"an address, and hostile text", []string{"dv:9100", "x"}, []control.ForgetResult{typo, bare}, 0,
			"forgot dv:9100 (dialling)\nforgot x\\x1b[2J@dev\n", ""},
		{"one that is not there", []string{"z"}, []control.ForgetResult{unknown}, 1, "", unknownText},
		{"one of two", []string{"z", "c"}, []control.ForgetResult{unknown, c}, 1, "forgot c@dev (down, 10.0.0.7:9100)\n", unknownText},
		{"JSON", []string{"c", "--json"}, []control.ForgetResult{c}, 0,
			doc(`{"asked":"c","name":"c@dev","state":"down","address":"10.0.0.7:9100","error":null}`), ""},
		{"JSON, not there", []string{"z", "--json"}, []control.ForgetResult{unknown}, 1, "",
			`{"error":{"code":"unknown_peer","message":"no peer is called \"z\"","why":"this node does not list it","try":"liminal peers","exit":1}}` + "\n"},
		{"JSON, one of two", []string{"c", "z", "--json"}, []control.ForgetResult{c, unknown}, 1,
			doc(`{"asked":"c","name":"c@dev","state":"down","address":"10.0.0.7:9100","error":null},` +
				`{"asked":"z","name":null,"state":null,"address":null,"error":{"code":"unknown_peer","message":"no peer is called \"z\"","why":"this node does not list it","try":"liminal peers","exit":1}}`), ""},
	} {
		feed := newFakeFeed()
		feed.forgot.Results = test.results
		r := runIn(t, busEnv(t, feed), append([]string{"forget"}, test.args...)...)
		if r != (result{test.code, test.stdout, test.stderr}) {
			t.Errorf("%s: %+v", test.name, r)
		}
		var asked []string
		for _, arg := range test.args {
			if !strings.HasPrefix(arg, "-") {
				asked = append(asked, arg)
			}
		}
		if !reflect.DeepEqual(feed.names, asked) {
			t.Errorf("%s: asked for %v", test.name, feed.names)
		}
	}
}
