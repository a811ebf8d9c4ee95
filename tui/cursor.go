package tui

// cursor is the selected line of a list and the part of the list that can be
// seen. It follows what was selected, not the place: key says what that was.
type cursor struct {
	key string
	at  int // from 0; 0 in an empty list
	top int // first line seen
}

// move goes by n lines and stays in a list of that many.
func (c cursor) move(n, total int) cursor {
	c.at = min(max(c.at+n, 0), max(total-1, 0))
	return c
}

// moved goes by n lines and selects what stands there.
func (c cursor) moved(n, total int, key func(i int) string) cursor {
	c = c.move(n, total)
	if total > 0 {
		c.key = key(c.at)
	}
	return c
}

// follow finds the key again, of which key(i) gives the candidates; when it is
// gone, the line that took its place is selected.
func (c cursor) follow(total int, key func(i int) string) cursor {
	if total <= 0 {
		return cursor{key: c.key}
	}
	c = c.move(0, total)
	if c.key == "" || key(c.at) == c.key {
		c.key = key(c.at)
		return c
	}
	for i := range total {
		if key(i) == c.key {
			c.at = i
			return c
		}
	}
	c.key = key(c.at)
	return c
}

// show moves the part seen so that the selected line is in it.
func (c cursor) show(height, total int) cursor {
	c.top = min(c.top, c.at)
	c.top = max(c.top, c.at-height+1)
	c.top = max(min(c.top, total-height), 0)
	return c
}
