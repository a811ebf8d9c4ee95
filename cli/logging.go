package cli

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/liminal-bus/liminal/internal/config"
)

// logger is the node's log on stderr. Level and format can change while it is
// in use.
type logger struct {
	level  slog.LevelVar
	asJSON atomic.Bool
}

// set takes over the settings. At a terminal the event lines already tell what
// happens, so there only warnings are logged unless a level was asked for.
func (l *logger) set(v *config.Values, tty bool) {
	level := v.Log().Level
	if value, ok := v.Get("log.level"); ok && tty && value.Origin.Source == config.SourceDefault {
		level = "warn"
	}
	var parsed slog.Level
	if err := parsed.UnmarshalText([]byte(level)); err == nil { // config has checked it
		l.level.Set(parsed)
	}
	l.asJSON.Store(v.Log().Format == "json")
}

func (l *logger) to(w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: &l.level}
	w = cleanWriter{w}
	return slog.New(twoHandlers{text: slog.NewTextHandler(w, opts), json: slog.NewJSONHandler(w, opts), asJSON: &l.asJSON})
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
}

func (h twoHandlers) now() slog.Handler {
	if h.asJSON.Load() {
		return h.json
	}
	return h.text
}

func (h twoHandlers) Enabled(ctx context.Context, l slog.Level) bool { return h.text.Enabled(ctx, l) }

func (h twoHandlers) Handle(ctx context.Context, r slog.Record) error { return h.now().Handle(ctx, r) }

func (h twoHandlers) WithAttrs(a []slog.Attr) slog.Handler {
	return twoHandlers{h.text.WithAttrs(a), h.json.WithAttrs(a), h.asJSON}
}

func (h twoHandlers) WithGroup(name string) slog.Handler {
	return twoHandlers{h.text.WithGroup(name), h.json.WithGroup(name), h.asJSON}
}
