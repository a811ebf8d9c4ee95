package dist

import (
	"slices"
	"testing"
)

func TestNamesAreComplete(t *testing.T) {
	reasons := Reasons()
	for _, r := range []Reason{ReasonEOF, ReasonControlOverflow, ReasonStopped, ReasonQuota, ReasonClosed} {
		if !slices.Contains(reasons, r) {
			t.Errorf("Reasons lacks %s", r)
		}
	}
	var c counters
	for d := DropNone + 1; d < dropCount; d++ {
		c.drop(d)
	}
	for i := range c.refused {
		c.refused[i].Add(1)
	}
	dropped, refused := c.named()
	drops := DropNames()
	for name := range dropped {
		if !slices.Contains(drops, name) {
			t.Errorf("DropNames lacks %s", name)
		}
	}
	if len(drops) != len(dropped) {
		t.Errorf("%d names of drops, %d counters", len(drops), len(dropped))
	}
	names := RefusalNames()
	for _, name := range names {
		if refused[name] == 0 {
			t.Errorf("RefusalNames has %s, which no counter has", name)
		}
	}
	for _, want := range []string{"SPAWN_REQUEST", "rex", "net_kernel"} {
		if !slices.Contains(names, want) {
			t.Errorf("RefusalNames lacks %s", want)
		}
	}
}
