package node

import (
	"bytes"
	"crypto/x509"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/tlstest"
)

// reminded is a node that has no more than its certificate and its log.
func reminded(t *testing.T, ca *tlstest.CA, end time.Time) (*Node, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	n := &Node{host: "127.0.0.1", log: slog.New(slog.NewTextHandler(log, nil))}
	n.tls.init(testTLS(t, ca, *issue(t, ca, until(end))), n.host)
	return n, log
}

func until(end time.Time) tlstest.Change {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = end.Add(-90*24*time.Hour), end }
}

// TestExpiryIsRemindedOf once a day and no more, from two weeks before the end on,
// and after it; anew from a reload on.
func TestExpiryIsRemindedOf(t *testing.T) {
	const day = 24 * time.Hour
	ca, begin := tlstest.NewCA(t, "Example CA"), time.Now()
	n, log := reminded(t, ca, begin.Add(16*day))
	per := map[int]int{} // lines on each day
	for s := time.Duration(0); s < 20*day; s += 10 * time.Minute {
		n.remindOfTLS(begin.Add(s))
		per[int(s/day)] += bytes.Count(log.Bytes(), []byte("\n"))
		if s/day >= 16 != strings.Contains(log.String(), "expired on") && log.Len() > 0 {
			t.Errorf("after %v: %s", s, log)
		}
		log.Reset()
	}
	for d := range 20 {
		want := 1
		if d < 2 {
			want = 0
		}
		if per[d] != want {
			t.Errorf("day %d: %d lines, want %d", d, per[d], want)
		}
	}
	now := begin.Add(20 * day)
	n.tls.set(testTLS(t, ca, *issue(t, ca, until(now.Add(60*day)))), n.host)
	n.remindOfTLS(now)
	if log.Len() > 0 {
		t.Errorf("of the new one: %s", log)
	}
	n.remindOfTLS(now.Add(47*day - time.Hour))
	if !strings.Contains(log.String(), "in 13 days") {
		t.Errorf("of the new one, late: %q", log)
	}
}

// TestReloadReminds at once, though the log was told of the old one a moment ago.
func TestReloadReminds(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	n, log := reminded(t, ca, time.Now().Add(5*24*time.Hour+time.Hour))
	n.warnOfTLS()
	if err := n.ReloadTLS(testTLS(t, ca, *issue(t, ca, until(time.Now().Add(3*24*time.Hour+time.Hour))))); err != nil {
		t.Fatal(err)
	}
	n.remindOfTLS(time.Now())
	if got := log.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "in 5 days") || !strings.Contains(got, "in 3 days") {
		t.Errorf("%s", got)
	}
}

// locked is a log that many may write to and read.
type locked struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *locked) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// TestLoopReminds: it is the poll loop that does, a day after the start.
func TestLoopReminds(t *testing.T) {
	ca, log := tlstest.NewCA(t, "Example CA"), new(locked)
	c := testConfig(t, "a")
	c.TLS = testTLS(t, ca, *issue(t, ca, until(time.Now().Add(5*24*time.Hour+time.Hour))))
	c.Logger = slog.New(slog.NewTextHandler(log, nil))
	n := start(t, c)
	if got := log.count("expires on"); got != 1 {
		t.Fatalf("at the start: %d lines", got)
	}
	n.tls.mu.Lock()
	n.tls.told = n.tls.told.Add(-remindEvery)
	n.tls.mu.Unlock()
	waitFor(t, n, "a second line", func(*Node) bool { return log.count("expires on") == 2 })
}
