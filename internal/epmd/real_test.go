package epmd

import (
	"context"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/otptest"
)

// realEPMD is a real epmd, on a port of its own so that the machine's is left
// alone.
type realEPMD struct{ *otptest.EPMD }

func startReal(t *testing.T) realEPMD { return realEPMD{otptest.NewEPMD(t)} }

func (e realEPMD) client() Client { return Client{Port: e.Port} }

// lookup returns the port of a name, 0 for none.
func (e realEPMD) lookup(t *testing.T, name string) int {
	port, _ := e.client().Lookup(t.Context(), "127.0.0.1", name)
	return port
}

// until polls for what another process does in its own time.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testWait)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("not after %v: %s", testWait, what)
		case <-tick.C:
		}
	}
}

func TestRealEPMD(t *testing.T) {
	t.Parallel()
	e := startReal(t)
	r := newRegistrar(t, Config{Client: e.client(), Mode: ModeRequire})
	if err := r.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if port := e.lookup(t, "a"); port != 9100 {
		t.Errorf("a listens on %d, want 9100", port)
	}
	_, err := e.client().Lookup(t.Context(), "127.0.0.1", "b")
	wantErr(t, err, ErrNoSuchName)

	hidden := newRegistrar(t, Config{Client: e.client(), Name: "h", Port: 9200, Hidden: true})
	if err := hidden.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer hidden.Close()
	entries, err := e.client().Names(t.Context(), "127.0.0.1")
	ports := map[string]int{}
	for _, entry := range entries {
		ports[entry.Name] = entry.Port
	}
	if err != nil || len(ports) != 2 || ports["a"] != 9100 || ports["h"] != 9200 {
		t.Errorf("names: %v, %v", entries, err)
	}

	second := newRegistrar(t, Config{Client: e.client(), Name: "a", Port: 9300})
	err = second.Register(t.Context())
	wantErr(t, err, ErrNameInUse)
	if inUse, ok := err.(*NameInUseError); !ok || inUse.Port != 9100 {
		t.Errorf("%v, want the port of the node that has the name", err)
	}
	second.Close()

	r.Close()
	until(t, "the name is free", func() bool { return e.lookup(t, "a") == 0 })
	third := newRegistrar(t, Config{Client: e.client(), Name: "a", Port: 9400})
	if err := third.Register(t.Context()); err != nil {
		t.Errorf("the freed name: %v", err)
	}
	third.Close()
}

func TestRealEPMDRestart(t *testing.T) {
	t.Parallel()
	e := startReal(t)
	r := newRegistrar(t, Config{Client: e.client()})
	if err := r.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	e.Stop()
	until(t, "the loss is seen", func() bool { return !r.State().Registered })
	e.Start()
	until(t, "registered again", func() bool { return e.lookup(t, "a") == 9100 })
	if s := r.State(); s.Lost != 1 {
		t.Errorf("%+v", s)
	}
}

// A node that starts before epmd is registered when epmd comes.
func TestRealEPMDLate(t *testing.T) {
	t.Parallel()
	e := startReal(t)
	e.Stop()
	require := newRegistrar(t, Config{Client: e.client(), Mode: ModeRequire})
	wantErr(t, require.Register(t.Context()), ErrNoEPMD)
	require.Close()

	auto := newRegistrar(t, Config{Client: e.client()})
	if err := auto.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer auto.Close()
	e.Start()
	until(t, "registered", func() bool { return e.lookup(t, "a") == 9100 })
}
