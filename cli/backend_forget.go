package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// Forget implements control.Backend: one name after the other, results in the
// order asked.
func (b *backend) Forget(_ context.Context, r control.ForgetRequest) (control.Forget, error) {
	results := make([]control.ForgetResult, len(r.Names))
	for i, name := range r.Names {
		results[i] = b.forgetOne(name)
	}
	return control.Forget{Schema: control.SchemaForget, Node: b.node.Name(), Results: results}, nil
}

func (b *backend) forgetOne(name string) control.ForgetResult {
	f, err := b.node.Forget(name)
	r := control.ForgetResult{
		Asked: name, Name: optional(f.Name), State: optional(string(f.State)), Address: optional(f.Address),
	}
	if err != nil {
		r.Error = explainForget(name, err)
	}
	return r
}

// forgetErrors say why a name was not forgotten, by cause.
var forgetErrors = []struct {
	is   error
	tell func(name string, err error) *control.Error
}{
	{node.ErrUp, tellPeerUp},
	{node.ErrAmbiguous, tellSeveral},
	{node.ErrUnknownPeer, tellNoPeer},
	{node.ErrSelf, tellForgetSelf},
	{node.ErrClosed, tellForgetClosed},
}

func explainForget(name string, err error) *control.Error {
	for _, row := range forgetErrors {
		if errors.Is(err, row.is) {
			return row.tell(name, err)
		}
	}
	return asError(err)
}

func tellPeerUp(name string, _ error) *control.Error {
	return fail("peer_up", fmt.Sprintf("%s is up", name),
		"forget is for peers that are gone", "liminal peers "+name)
}

func tellSeveral(name string, err error) *control.Error {
	var several *node.AmbiguousError
	if !errors.As(err, &several) || len(several.Names) == 0 {
		return tellNoPeer(name, err)
	}
	return fail(control.CodeUnknownPeer, fmt.Sprintf("%q is the name of %s", name, count(len(several.Names), "peer")),
		strings.Join(several.Names, ", "), "liminal forget "+several.Names[0])
}

func tellNoPeer(name string, _ error) *control.Error {
	return fail(control.CodeUnknownPeer, fmt.Sprintf("no peer is called %q", name),
		"this node lists none of that name, and dials no such address", "liminal peers")
}

func tellForgetSelf(name string, _ error) *control.Error {
	return fail("self", fmt.Sprintf("%s is this node itself", name), "a node cannot forget itself", "liminal leave")
}

func tellForgetClosed(name string, err error) *control.Error {
	return fail("node_stopped", "cannot forget "+name, err.Error(), "liminal status")
}
