package cli

import "sync"

// hurry holds what must be done before the process may end at once, as a second
// signal wants it: nothing that waits for more than a moment.
type hurry struct {
	mu   sync.Mutex
	todo []func()
}

func (h *hurry) add(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.todo = append(h.todo, f)
}

func (h *hurry) now() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.todo {
		f()
	}
}
