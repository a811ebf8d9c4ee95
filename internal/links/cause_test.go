package links

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/liminal-bus/liminal/internal/dist"
)

func TestSortCause(t *testing.T) {
	shake := func(err error) error { return &dist.HandshakeError{Stage: dist.StageAck, Err: err} }
	for want, errs := range map[string][]error{
		"cookie":      {shake(dist.ErrCookie), shake(fmt.Errorf("%w: %w", dist.ErrCookie, dist.ErrClosed))},
		"certificate": {shake(&tls.CertificateVerificationError{Err: errors.New("expired")}), &net.OpError{Op: "remote error", Err: tls.AlertError(42)}},
		"connect":     {&ConnectError{netip.AddrPort{}, errors.New("refused")}},
		"timeout":     {shake(dist.ErrTimeout)},
		"too_old":     {shake(&dist.TooOldError{})},
		"wrong_name":  {shake(&dist.WrongNameError{})},
		"not_dist":    {shake(&dist.NotDistError{})},
		"self":        {dist.ErrSelf},
		"same_name":   {dist.ErrSameName},
		"duplicate":   {shake(ErrDuplicate), ErrTaken},
		"evicted":     {ErrEvicted},
		"crossed":     {ErrReplaced, shake(dist.ErrNOK), ErrLost},
		"closed":      {ErrClosed, shake(dist.ErrClosed)},
		"other":       {errors.New("anything"), context.Canceled},
	} {
		for _, err := range errs {
			if got := causeNames[sortCause(err)]; got != want {
				t.Errorf("%v: %s, want %s", err, got, want)
			}
		}
	}
	for c, name := range causeNames {
		if name == "" {
			t.Errorf("cause %d has no name", c)
		}
	}
}

// TestCausesAddUp: every failed handshake has one cause.
func TestCausesAddUp(t *testing.T) {
	var c causeCounts
	for _, row := range causeOf {
		c.add(row.is)
	}
	c.add(errors.New("anything"))
	all, sum := map[string]uint64{}, uint64(0)
	c.named(all, "x_")
	for _, n := range all {
		sum += n
	}
	if int(sum) != len(causeOf)+1 || len(all) != int(causeCount) {
		t.Errorf("%d of %d, under %d names", sum, len(causeOf)+1, len(all))
	}
}
