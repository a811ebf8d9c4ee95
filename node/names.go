package node

import (
	"context"

	"github.com/liminal-bus/liminal/internal/epmd"
)

// LocalNames are the names, without host, that the epmd of this machine has.
// Port 0 is 4369. ctx bounds the asking; without an epmd there is an error.
func LocalNames(ctx context.Context, port int) ([]string, error) {
	entries, err := epmd.Client{Port: port}.Names(ctx, "127.0.0.1")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names, nil
}
