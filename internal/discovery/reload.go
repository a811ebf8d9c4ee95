package discovery

// SetRetry changes the back-off of dials that fail from now on, as a reload
// does. Pauses that have begun keep their length.
func (p *Plan) SetRetry(b Backoff) { p.opts.Retry = b }

// Knows reports whether any target stands for the node of that name.
func (p *Plan) Knows(name string) bool {
	for _, t := range p.targets {
		if t.is(name) && !t.gone {
			return true
		}
	}
	return false
}
