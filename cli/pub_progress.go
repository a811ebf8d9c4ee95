package cli

import (
	"context"
	"strings"
	"sync"
	"time"
)

const (
	progressAfter = 2 * time.Second        // a publish that is done by then needs none
	progressEvery = 200 * time.Millisecond // five times a second
)

// progress shows on a terminal how far a long input has got.
type progress struct {
	*pub
	began  time.Time
	shown  int // columns of the line on the terminal
	cancel context.CancelFunc
	group  sync.WaitGroup
}

// startProgress begins to show it where there is a terminal and an input.
func (p *pub) startProgress() *progress {
	ctx, cancel := context.WithCancel(context.Background())
	g := &progress{pub: p, began: p.env.Now(), cancel: cancel}
	if p.src.feed != nil && p.env.StderrTTY && !p.out.quiet && p.out.form != formJSON {
		p.src.feed.counts.Store(p.src.feed.lines)
		g.group.Go(func() { g.loop(ctx) })
	}
	return g
}

func (g *progress) loop(ctx context.Context) {
	for wait := progressAfter; g.env.Pause(ctx, wait) == nil; wait = progressEvery {
		g.show(progressText(g.src, g.env.Now().Sub(g.began)))
	}
	g.show("") // it goes, before the receipt comes
}

// show writes text over what stood there.
func (g *progress) show(text string) {
	width := textWidth(text)
	pad := strings.Repeat(" ", max(g.shown-width, 0))
	switch {
	case text != "":
		g.out.complain("\r" + text + pad)
	case g.shown > 0:
		g.out.complain("\r" + pad + "\r")
	}
	g.shown = width
}

// end takes the line away and waits for that.
func (g *progress) end() {
	g.cancel()
	g.group.Wait()
}

// progressText: "sent 120 345 lines  40 112/s  47%", the share only where the
// size is known.
func progressText(s source, took time.Duration) string {
	sent, seconds := s.feed.sent.Load(), max(took.Seconds(), 0.001)
	text := "sent " + amountText(sent) + "  " + amountText(int64(float64(sent)/seconds)) + "/s"
	if s.feed.lines {
		lines := s.feed.ended.Load()
		text = "sent " + grouped(uint64(lines)) + " lines  " + grouped(uint64(float64(lines)/seconds)) + "/s"
	}
	if s.size > 0 {
		text += "  " + grouped(uint64(min(sent*100/s.size, 100))) + "%"
	}
	return text
}
