package cli

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/liminal-bus/liminal/internal/control"
)

// source is where the messages come from: exactly one of arguments, a file and
// stdin.
type source struct {
	framing string
	body    io.Reader
	feed    *feed  // of a file or stdin, nil for arguments
	size    int64  // bytes, 0 while unknown
	name    string // in errors
	file    *os.File
}

// source opens what the command line names. stdin is never read when a MESSAGE
// is given: a script's loop may need it.
func (c *call) source(messages []string) (source, error) {
	path, lines := c.cli.String("file"), c.cli.Bool("lines")
	switch {
	case len(messages) > 0 && c.cli.IsSet("file"):
		return source{}, usage("a MESSAGE and --file exclude each other", "a publish has one source", c.cli.Command)
	case len(messages) > 0 && lines:
		return source{}, usage("--lines is for stdin and --file", "each MESSAGE is one message already", c.cli.Command)
	case len(messages) > 0:
		return argumentSource(messages), nil
	case c.cli.IsSet("file") && path != "-":
		return fileSource(path, lines)
	case c.env.StdinTTY && path != "-" && !lines: // lines may well be typed
		return source{}, usage("there is no message to publish", "stdin is a terminal; --lines or --file - read it", c.cli.Command)
	}
	return streamSource(c.env.Stdin, "stdin", lines), nil
}

func argumentSource(messages []string) source {
	if len(messages) == 1 { // so that errors need not say which
		return source{framing: control.FramingWhole, body: strings.NewReader(messages[0])}
	}
	var frames []byte
	for _, m := range messages {
		frames = control.AppendFrame(frames, []byte(m))
	}
	return source{framing: control.FramingFrames, body: bytes.NewReader(frames)}
}

func fileSource(path string, lines bool) (source, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return source{}, fail("input_missing", "there is no file "+path, "--file names it", "ls -l, or leave --file out to read stdin")
	case err != nil:
		return source{}, inputError(path, err)
	}
	s := streamSource(f, path, lines)
	s.file = f
	return s, nil
}

func streamSource(r io.Reader, name string, lines bool) source {
	s := source{framing: control.FramingWhole, name: name, size: sizeLeft(r), feed: newFeed(r, lines)}
	if lines {
		s.framing = control.FramingLines
	}
	s.body = s.feed
	return s
}

// sizeLeft is how much a regular file still has; 0 for all else.
func sizeLeft(r io.Reader) int64 {
	f, ok := r.(*os.File)
	if !ok {
		return 0
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	return max(info.Size()-at, 0)
}

func (s *source) close() {
	if s.feed != nil {
		s.feed.Close()
	}
	if s.file != nil {
		s.file.Close() // it was only read
	}
}

// failed is what went wrong with reading the source, if anything did.
func (s *source) failed() error {
	if s.feed == nil {
		return nil
	}
	if err := s.feed.readError(); err != nil {
		return inputError(s.name, err)
	}
	return nil
}

func inputError(name string, err error) *control.Error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fail("io", "cannot read "+name, err.Error(), "liminal pub CHANNEL --file PATH, of a file that can be read")
}
