package cli

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/node"
)

// logger is the node's log on stderr. Level and format can change while it is
// in use.
type logger struct {
	level  slog.LevelVar
	asJSON atomic.Bool
	quiet  bool        // --quiet: warnings only, unless a level was asked for; set before use
	shown  atomic.Bool // the event lines are on the same terminal: do not log them too
}

// set takes over the settings. At a terminal the event lines already tell what
// happens, so there only warnings are logged unless a level was asked for, and
// none that is an event.
func (l *logger) set(v *config.Values, tty bool) {
	level := v.Log().Level
	value, ok := v.Get("log.level")
	unasked := ok && value.Origin.Source == config.SourceDefault
	if unasked && (tty || l.quiet) {
		level = "warn"
	}
	l.shown.Store(unasked && tty)
	var parsed slog.Level
	if err := parsed.UnmarshalText([]byte(level)); err == nil { // config has checked it
		l.level.Set(parsed)
	}
	l.asJSON.Store(v.Log().Format == "json")
}

// to makes the log on w. It never waits for w; end what it returns after the
// last line.
func (l *logger) to(w io.Writer) (*slog.Logger, *lineQueue) {
	direct := l.on(w)
	q := newLineQueue(w, func(lines uint64) { direct.Warn("the log was not read in time", "lines_dropped", lines) })
	return l.on(q), q
}

func (l *logger) on(w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: &l.level}
	w = cleanWriter{w}
	return slog.New(twoHandlers{text: slog.NewTextHandler(w, opts), json: slog.NewJSONHandler(w, opts), asJSON: &l.asJSON, shown: &l.shown})
}

// cleanWriter stands before a stream that may be a terminal. slog quotes what
// does not print in text, but its JSON lets DEL and C1 through.
type cleanWriter struct{ w io.Writer }

func (c cleanWriter) Write(p []byte) (int, error) {
	if _, err := c.w.Write(cleanJSON(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// twoHandlers is a slog.Handler that can change its format.
type twoHandlers struct {
	text, json slog.Handler
	asJSON     *atomic.Bool
	shown      *atomic.Bool
}

func (h twoHandlers) now() slog.Handler {
	if h.asJSON.Load() {
		return h.json
	}
	return h.text
}

func (h twoHandlers) Enabled(ctx context.Context, l slog.Level) bool { return h.text.Enabled(ctx, l) }

func (h twoHandlers) Handle(ctx context.Context, r slog.Record) error {
	if h.shown.Load() && isEvent(r) {
		return nil
	}
	return h.now().Handle(ctx, r)
}

// isEvent says whether a record tells what an event line tells as well.
func isEvent(r slog.Record) bool {
	found := false
	r.Attrs(func(a slog.Attr) bool {
		found = a.Key == node.LogEvent
		return !found
	})
	return found
}

func (h twoHandlers) WithAttrs(a []slog.Attr) slog.Handler {
	return twoHandlers{h.text.WithAttrs(a), h.json.WithAttrs(a), h.asJSON, h.shown}
}

func (h twoHandlers) WithGroup(name string) slog.Handler {
	return twoHandlers{h.text.WithGroup(name), h.json.WithGroup(name), h.asJSON, h.shown}
}
