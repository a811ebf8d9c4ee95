package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// explain tells why nothing could be seen.
func (l *looker) explain(ctx context.Context, err error, addresses []string) error {
	var told *control.Error
	var late *lateError
	all := strings.Join(addresses, ", ")
	switch cause := context.Cause(ctx); {
	case errors.As(cause, &late):
		return fail("timeout", late.Error(), "looking at "+all+" took longer", "raise --timeout, or liminal probe "+addresses[0])
	case ctx.Err() != nil && isCancel(cause):
		return cause
	case errors.As(err, &told):
		return told
	case errors.Is(err, node.ErrLooks):
		return tooManyLooks(l.command, addresses[0])
	case errors.Is(err, node.ErrClusterJoin):
		return l.noTarget(err, addresses)
	}
	return l.advise(explainDial(all, err, l.me), err, all)
}

func tooManyLooks(command, address string) *control.Error {
	return fail("looks", fmt.Sprintf("%d looks are under way on this machine", node.LookSlots),
		fmt.Sprintf("there are %d names to look under: a node keeps each name that it has met", node.LookSlots),
		"end one of them, then: liminal "+command+" "+address)
}

// noTarget tells what each of several addresses said.
func (l *looker) noTarget(err error, addresses []string) *control.Error {
	e := *clusterJoin(err, addresses, l.me)
	e.Message = fmt.Sprintf("none of %d addresses can be looked at", len(addresses))
	e.Try = "liminal probe " + addresses[0]
	return &e
}

// advise turns the advice of a node that joins into that of one that looks.
// cause is the error that e tells.
func (l *looker) advise(e *control.Error, cause error, address string) *control.Error {
	own := *e
	again := "liminal " + l.command + " "
	switch own.Code {
	case "cookie":
		own.Try = "there: erlang:get_cookie(); here: " + again + address + " --cookie-file PATH"
	case "name_duplicate":
		own.Message = address + " has no name left for a look"
		own.Why = fmt.Sprintf("it has connections under all %d names that this machine looks under", node.LookSlots)
		own.Try = "end one of the looks, then: " + again + address
	case "name_mode":
		own.Try = "one command for short names, another for long ones"
		if to := l.otherForm(cause, address); to != "" {
			own.Why = "it has another name than the one in " + address + ": one is short, the other long"
			own.Try = again + to
		} else if l.command != "probe" { // which tells the name that answers
			own.Message = address + " cannot be looked at under that name"
			own.Why = "a node answers there whose name has the other form: one is short, the other long"
			own.Try = "liminal probe " + address
		}
	}
	if own.Try == startTLS {
		own.Try = again + address + " --tls-cert PATH --tls-key PATH --tls-ca PATH, or its port without TLS"
	}
	if join, ok := strings.CutPrefix(own.Try, "liminal join "); ok {
		own.Try = again + join
	}
	if own.Try == "liminal status" { // there may be no node of ours
		own.Try = "liminal probe " + address
	}
	return &own
}

// otherForm is the address of a node that answered with a name of the other form
// than it was dialled under, "" if none did.
func (l *looker) otherForm(cause error, address string) string {
	var dial *node.DialError
	if !errors.As(cause, &dial) || dial.Peer == "" {
		return ""
	}
	if to := ownAddress(dial, l.me); to != address {
		return to
	}
	return ""
}
