package links

import (
	"crypto/tls"
	"errors"
	"sync/atomic"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/secure"
)

// cause is why a handshake failed, in one word of a closed set.
type cause uint8

const (
	causeCookie cause = iota
	causeCertificate
	causeReflection
	causeSameName
	causeSelf // we dialled ourselves
	causeWrongName
	causeBadName
	causeTooOld
	causeNotAllowed
	causeNotDist
	causeProtocol
	causeTimeout
	causeConnect
	causeCrossed // another attempt to the same peer goes on instead
	causeEvicted
	causeFull
	causeHeld
	causeDuplicate
	causeForgotten
	causeClosed
	causeOther
	causeCount
)

var causeNames = [causeCount]string{
	causeCookie: "cookie", causeCertificate: "certificate", causeReflection: "reflection", causeSameName: "same_name", causeSelf: "self",
	causeWrongName: "wrong_name", causeBadName: "bad_name", causeTooOld: "too_old", causeNotAllowed: "not_allowed",
	causeNotDist: "not_dist", causeProtocol: "protocol", causeTimeout: "timeout", causeConnect: "connect",
	causeCrossed: "crossed", causeEvicted: "evicted", causeFull: "full", causeHeld: "held", causeDuplicate: "duplicate",
	causeForgotten: "forgotten", causeClosed: "closed", causeOther: "other",
}

// causeOf sorts an error; the first row that fits decides, so that what a peer
// was refused for goes before how the connection ended of it.
var causeOf = []struct {
	is error
	as cause
}{
	{dist.ErrCookie, causeCookie},
	{secure.ErrCertificate, causeCertificate},
	{secure.ErrVersion, causeTooOld},
	{secure.ErrNotTLS, causeNotDist},
	{dist.ErrReflection, causeReflection},
	{dist.ErrSameName, causeSameName},
	{dist.ErrSelf, causeSelf},
	{dist.ErrWrongName, causeWrongName},
	{dist.ErrName, causeBadName},
	{dist.ErrTooOld, causeTooOld},
	{ErrDuplicate, causeDuplicate},
	{ErrTaken, causeDuplicate},
	{dist.ErrAlive, causeDuplicate},
	{ErrForgotten, causeForgotten},
	{ErrHeld, causeHeld},
	{ErrFull, causeFull},
	{ErrEvicted, causeEvicted},
	{dist.ErrNOK, causeCrossed},
	{ErrReplaced, causeCrossed},
	{ErrLost, causeCrossed},
	{ErrCrowded, causeCrossed},
	{ErrUp, causeCrossed},
	{dist.ErrNotAllowed, causeNotAllowed},
	{dist.ErrNotDist, causeNotDist},
	{dist.ErrProtocol, causeProtocol},
	{dist.ErrTimeout, causeTimeout},
	{dist.ErrClosed, causeClosed},
	{ErrClosed, causeClosed},
}

func sortCause(err error) cause {
	var connect *ConnectError
	var unverified *tls.CertificateVerificationError
	var alert tls.AlertError // the peer's word about our certificate, or about the versions
	switch {
	case errors.As(err, &connect):
		return causeConnect
	case errors.As(err, &unverified), errors.As(err, &alert):
		return causeCertificate
	}
	for _, row := range causeOf {
		if errors.Is(err, row.is) {
			return row.as
		}
	}
	return causeOther
}

// causeCounts counts failed handshakes of one direction by cause.
type causeCounts [causeCount]atomic.Uint64

func (c *causeCounts) add(err error) { c[sortCause(err)].Add(1) }

// named puts the counts into to, under prefix and the word of the cause.
func (c *causeCounts) named(to map[string]uint64, prefix string) {
	for i := range c {
		to[prefix+causeNames[i]] = c[i].Load()
	}
}

// Recent are counters of the table that say how it fares, see Table.Recent. None
// of them rises for what a stranger does that has not proved the cookie, but for
// AcceptErrors.
type Recent struct {
	AcceptErrors uint64 // no descriptors left, most often
	Full         uint64 // refused for want of room in the table
	Duplicate    uint64 // several nodes are started under one name, or under ours
	Cookie       uint64 // dials of ours that failed for the cookie
	Certificate  uint64 // and for a certificate
}

// Recent reads a few counters. It allocates nothing, so that it can be read all
// the time.
func (t *Table) Recent() Recent {
	c := &t.counts
	return Recent{
		AcceptErrors: c.acceptErrors.Load(),
		Full:         c.refusedFull.Load(),
		Duplicate:    c.refusedDuplicate.Load() + c.causesOut[causeSameName].Load(),
		Cookie:       c.causesOut[causeCookie].Load(),
		Certificate:  c.causesOut[causeCertificate].Load(),
	}
}

// Pending is how many inbound handshakes are under way now.
func (t *Table) Pending() int { return t.pending.len() }
