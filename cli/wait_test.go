package cli

import (
	"context"
	"testing"
)

// TestWaitKeepsItsNode: a wait that named no node goes on with the one it has
// found, also when a second one starts meanwhile.
func TestWaitKeepsItsNode(t *testing.T) {
	env := testEnv(t, "LIMINAL_COOKIE=a-cookie-of-some-length")
	first := startIn(t, env, "node", "start", "--name", "a@127.0.0.1", "--listen", "127.0.0.1:0")
	first.line(first.stdout, "ready")
	a := newApp(env)
	var asked []string
	look := func(ctx context.Context, to *target) (bool, error) {
		if len(asked) == 0 {
			second := startIn(t, env, "node", "start", "--name", "b@127.0.0.1", "--listen", "127.0.0.1:0")
			second.line(second.stdout, "ready")
		}
		asked = append(asked, to.Socket)
		return len(asked) == 3, nil
	}
	for _, c := range a.cli.Commands {
		if c.Name == "status" { // any command that asks a node
			c.Action = a.action(command{settings: true}, func(ctx context.Context, c *call) error { return c.wait(ctx, look) })
		}
	}
	if code := a.run(t.Context(), []string{"status"}); code != 0 || len(asked) != 3 || asked[0] != asked[2] {
		t.Errorf("exit %d, asked %v", code, asked)
	}
}
