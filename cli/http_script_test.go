package cli

import (
	"fmt"
	"io"
	"net/http"

	"github.com/rogpeppe/go-internal/testscript"
)

// httpRequest is `http METHOD URL [HOST]`: the status line, the header Allow if
// there is one, and the body go to stdout. It is there so that scripts need no
// curl.
func httpRequest(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: http METHOD URL [HOST]")
	}
	r, err := http.NewRequest(args[0], args[1], nil)
	ts.Check(err)
	if len(args) == 3 {
		r.Host = args[2]
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if neg {
		if err == nil {
			ts.Fatalf("it answers: %s", answer.Status)
		}
		return
	}
	ts.Check(err)
	defer answer.Body.Close()
	fmt.Fprintln(ts.Stdout(), answer.Status)
	if allow := answer.Header.Get("Allow"); allow != "" {
		fmt.Fprintln(ts.Stdout(), "Allow:", allow)
	}
	_, err = io.Copy(ts.Stdout(), answer.Body)
	ts.Check(err)
}
