package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
)

// form is what stdout carries: text for people, text for scripts, or JSON.
type form int

const (
	formTerminal form = iota // aligned, header, relative times, cut to the width
	formPlain                // tab-separated, no header, base units, never cut
	formJSON                 // one document, or one object a line in a stream
)

// output is where a command's answer goes. The answer is all that stdout ever
// carries; notes and errors go to stderr. Safe for use by several goroutines.
type output struct {
	mu       sync.Mutex
	stdout   io.Writer
	stderr   io.Writer
	form     form
	header   bool
	width    int // columns to cut tables to, 0 is no cut
	ascii    bool
	quiet    bool
	verbose  bool
	paint    palette // of stdout
	errPaint palette // of stderr
	err      error   // the first failed write to stdout
}

// printf writes a part of the answer; foreign text in args is cleaned.
func (o *output) printf(format string, args ...any) { o.write(say(format, args...)) }

func (o *output) write(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := io.WriteString(o.stdout, text); err != nil && o.err == nil {
		o.err = err
	}
}

// redirect has the answer written to w from now on, and gives where it went.
func (o *output) redirect(w io.Writer) (before io.Writer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, o.stdout = o.stdout, w
	return before
}

// stream writes a part of a stream as it is, and leaves it to the caller what a
// failure means.
func (o *output) stream(b []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, err := o.stdout.Write(b)
	return err
}

// json writes one document on one line.
func (o *output) json(doc any) error {
	b, err := encodeJSON(doc)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	o.write(string(b))
	return nil
}

// encodeJSON ends in a newline. HTML escapes would only hide what addresses and
// reasons say.
func encodeJSON(doc any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return cleanJSON(b.Bytes()), nil
}

// note tells people something beside the answer, unless --quiet.
func (o *output) note(format string, args ...any) {
	if o.quiet {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprint(o.stderr, say(format, args...))
}

// complain writes finished text to stderr.
func (o *output) complain(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprint(o.stderr, text)
}

// failed is the first write to stdout that failed, as people should hear of it.
// A pipe whose reader has gone ends the command without a word, with the status
// that the signal would have given.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err == nil:
		return nil
	case errors.Is(o.err, syscall.EPIPE):
		return exitError(128 + int(syscall.SIGPIPE))
	}
	return fail("output", "cannot write the answer", clean(o.err.Error()), "liminal help output")
}
