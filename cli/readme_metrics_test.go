package cli

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/node/observe"
)

// scrape is what a node answers to /metrics.
func scrape(t *testing.T) string {
	t.Helper()
	s, err := observe.Listen(t.Context(), "127.0.0.1:0", startLive(t, "a"), observe.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + s.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// elsewhere are metrics of the README that this scrape cannot have.
var elsewhere = []string{
	"liminal_tls_certificate_not_after_seconds", // absent without TLS
	"liminal_peer_rtt_seconds",                  // absent without a peer
}

var (
	metricName = regexp.MustCompile(`\b(liminal|process|go)_[a-z0-9_]+\b`)
	selector   = regexp.MustCompile(`\b([a-z_]+)\{([a-z]+)(=|=~|!~)"([^"]*)"\}`)
	histoPart  = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// TestReadmeMetrics: each metric that the README names, and each value of a label
// that its rules ask for, is in a scrape.
func TestReadmeMetrics(t *testing.T) {
	text := scrape(t)
	rules := readmeRules(t)
	section := readmeSection(t, "Health and metrics")
	seen := 0
	for _, name := range metricName.FindAllString(section, -1) {
		if strings.HasSuffix(name, "_") || slices.Contains(elsewhere, name) {
			continue
		}
		seen++
		if !strings.Contains(text, "\n# TYPE "+histoPart.ReplaceAllString(name, "")+" ") {
			t.Errorf("the README names %s, which no scrape has", name)
		}
	}
	for _, m := range selector.FindAllStringSubmatch(rules, -1) {
		name, label := m[1], m[2]
		if label == "job" || name == "up" {
			continue // Prometheus's own
		}
		for value := range strings.SplitSeq(m[4], "|") {
			seen++
			if !regexp.MustCompile(`(?m)^` + name + `\{(.*,)?` + label + `="` + value + `"`).MatchString(text) {
				t.Errorf("the README asks for %s{%s=%q}, which no scrape has", name, label, value)
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d names and values found", seen)
	}
}

// readmeRules are the rules, each of which has to be whole.
func readmeRules(t *testing.T) string {
	t.Helper()
	for _, b := range readmeBlocks(t, "yaml") {
		text := strings.Join(b.lines, "\n")
		if !strings.Contains(text, "groups:") {
			continue
		}
		alerts := strings.Split(text, "- alert: ")[1:]
		if len(alerts) < 10 {
			t.Errorf("%d alerts", len(alerts))
		}
		for _, a := range alerts {
			name, rest, _ := strings.Cut(a, "\n")
			if !strings.Contains(rest, "        expr: ") || !strings.Contains(rest, "        annotations: {summary: \"") {
				t.Errorf("%s lacks expr or annotations", name)
			}
			for _, pair := range []string{"()", "{}", "[]"} {
				if strings.Count(a, pair[:1]) != strings.Count(a, pair[1:]) {
					t.Errorf("%s: %s do not match", name, pair)
				}
			}
		}
		return text
	}
	t.Fatal("the README has no rules")
	return ""
}

func readmeSection(t *testing.T, title string) string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "\n## "+title+"\n")
	if !ok {
		t.Fatalf("the README has no section %s", title)
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	return section
}
