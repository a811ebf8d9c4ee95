package observe

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// maxConns is how many connections are open at once. One more takes the place of
// the one that has waited longest without a request: whoever fills them up with
// silence does not keep a scrape out.
const maxConns = 64

// conns knows every open connection.
type conns struct {
	mu      sync.Mutex
	open    map[net.Conn]time.Time // when it began to wait; zero while a request is answered
	evicted func()
}

// note is http.Server.ConnState.
func (c *conns) note(nc net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		if len(c.open) >= maxConns {
			c.evict(nc)
		}
		c.open[nc] = time.Now()
	case http.StateIdle:
		if _, ok := c.open[nc]; ok {
			c.open[nc] = time.Now()
		}
	case http.StateActive:
		if _, ok := c.open[nc]; ok {
			c.open[nc] = time.Time{}
		}
	case http.StateClosed, http.StateHijacked:
		delete(c.open, nc)
	}
}

// evict closes the connection that waits longest, or the newcomer where none
// does. The caller holds c.mu.
func (c *conns) evict(newcomer net.Conn) {
	var oldest net.Conn
	for nc, since := range c.open {
		if !since.IsZero() && (oldest == nil || since.Before(c.open[oldest])) {
			oldest = nc
		}
	}
	if oldest == nil {
		oldest = newcomer
	}
	delete(c.open, oldest)
	c.evicted()
	oldest.Close()
}
