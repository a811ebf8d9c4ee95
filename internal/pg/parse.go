package pg

import (
	"errors"
	"fmt"

	"github.com/liminal-bus/liminal/internal/etf"
)

// form is one message as it may come: a tuple that begins with name.
type form struct {
	name     string
	min, max int // arity
	op       op
	read     func(*parser) error // what follows the name
}

var forms = [...]form{
	{"discover", 2, 3, opDiscover, (*parser).discover}, // {discover, P} or {discover, P, Any}
	{"$gen_cast", 2, 2, opSync, (*parser).sync},        // {'$gen_cast', {sync, P, [{Group, [Pid]}]}}
	{"join", 4, 4, opJoin, (*parser).join},             // {join, P, Group, Pid or [Pid]}
	{"leave", 4, 4, opLeave, (*parser).leave},          // {leave, P, Pid or [Pid], [Group]}
}

// parser fills in a Message. Its first error ends it.
type parser struct {
	r     etf.Reader
	lim   Limits
	arity int
	m     Message
	names []byte
}

// Parse reads a message sent to the scope by the peer from, without version
// byte. It touches no state and holds nothing of msg. The error wraps ErrUnknown,
// ErrBad, ErrForged or ErrQuota; there is no half of a message. Errors are to be
// told to Scope.Refused, which counts them.
//
// A sync is read as a stream, exempt from the limits of etf for one term: its
// groups and members are bounded by lim.
func Parse(msg []byte, from Origin, lim Limits) (Message, error) {
	lim = lim.filled()
	p := parser{r: etf.NewReader(msg, keyLimits(lim)), lim: lim}
	p.m.from = from
	if err := p.message(); err != nil {
		return Message{}, err
	}
	p.m.names = string(p.names)
	return p.m, nil
}

func (p *parser) message() error {
	f := p.form()
	if f == nil {
		return ErrUnknown
	}
	p.m.op = f.op
	if err := f.read(p); err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	if n := p.r.Len(); n > 0 {
		return fmt.Errorf("%s: %w: %d bytes behind it", f.name, ErrBad, n)
	}
	return nil
}

func (p *parser) form() *form {
	arity, err := p.r.TupleHeader()
	if err != nil {
		return nil
	}
	p.arity = arity
	for i := range forms {
		if f := &forms[i]; arity >= f.min && arity <= f.max && p.r.AtomIs(f.name) {
			return f
		}
	}
	return nil
}

func (p *parser) discover() error {
	if err := p.sender(); err != nil || p.arity == 2 {
		return err
	}
	// The third element is a map of features one day; it is skipped whatever it is.
	rest := etf.NewReader(p.r.Rest(), etf.WireLimits())
	if err := rest.Skip(); err != nil {
		return fmt.Errorf("third element: %w: %w", ErrBad, err)
	}
	p.r = rest
	return nil
}

func (p *parser) sync() error {
	if n, err := p.r.TupleHeader(); err != nil || n != 3 || !p.r.AtomIs("sync") {
		return ErrUnknown
	}
	if err := p.sender(); err != nil {
		return err
	}
	n, err := p.r.ListHeader()
	if err != nil {
		return fmt.Errorf("groups: %w: %w", ErrBad, err)
	}
	if n > p.lim.Groups {
		return fmt.Errorf("%w: %d groups, at most %d are allowed", ErrQuota, n, p.lim.Groups)
	}
	// A header cannot ask for more than a few times the message's own size: n is
	// bounded by the bytes behind it, and by the limit.
	p.m.spans, p.m.pids = make([]span, 0, n), make([]proc, 0, n)
	p.names = make([]byte, 0, min(p.r.Len(), 32*n))
	for i := range n {
		if err := p.group(); err != nil {
			return fmt.Errorf("group %d: %w", i+1, err)
		}
	}
	return p.listEnd("groups")
}

// group reads {Group, [Pid]}.
func (p *parser) group() error {
	if n, err := p.r.TupleHeader(); err != nil || n != 2 {
		return fmt.Errorf("%w: not a tuple of a group and its members", ErrBad)
	}
	return p.named((*parser).procs)
}

func (p *parser) join() error {
	if err := p.sender(); err != nil {
		return err
	}
	return p.named((*parser).procOrProcs)
}

// named reads a name and what the group has, and leaves the group out where the
// name is too long.
func (p *parser) named(members func(*parser) error) error {
	long, err := p.name()
	if err != nil {
		return err
	}
	before := len(p.m.pids)
	if err := members(p); err != nil {
		return err
	}
	if long {
		p.m.pids = p.m.pids[:before]
		return nil
	}
	p.endSpan()
	return nil
}

func (p *parser) leave() error {
	if err := p.sender(); err != nil {
		return err
	}
	if err := p.procOrProcs(); err != nil {
		return err
	}
	if p.r.Tag() == tagString {
		return p.smallGroups()
	}
	n, err := p.r.ListHeader()
	if err != nil {
		return fmt.Errorf("groups: %w: %w", ErrBad, err)
	}
	if err := p.leaves(n); err != nil {
		return err
	}
	for i := range n {
		long, err := p.name()
		if err != nil {
			return fmt.Errorf("group %d: %w", i+1, err)
		}
		if !long {
			p.endSpan()
		}
	}
	return p.listEnd("groups")
}

// smallGroups reads groups that are all integers from 0 to 255: OTP writes such
// a list as a string.
func (p *parser) smallGroups() error {
	groups, err := p.r.Bytes()
	if err != nil {
		return fmt.Errorf("groups: %w: %w", ErrBad, err)
	}
	if err := p.leaves(len(groups)); err != nil {
		return err
	}
	for _, g := range groups {
		p.names = append(p.names, tagInteger, g)
		p.endSpan()
	}
	return nil
}

// leaves bounds the work of a leave of all its pids from groups. Each must have
// been a membership, so that an honest peer stays within what it may have.
func (p *parser) leaves(groups int) error {
	if pids := len(p.m.pids); groups*pids > p.lim.Members || groups > p.lim.Members {
		return fmt.Errorf("%w: %d pids leave %d groups, at most %d memberships are allowed", ErrQuota, pids, groups, p.lim.Members)
	}
	return nil
}

// sender reads the scope's own pid.
func (p *parser) sender() error {
	v, err := p.proc()
	if err != nil {
		return fmt.Errorf("scope: %w", err)
	}
	p.m.scope = v
	return nil
}

// name reads a group's name, or passes over one that is too long.
func (p *parser) name() (long bool, err error) {
	at := p.r
	p.names, err = appendKey(p.names, &p.r, p.lim.keyBytes())
	if errors.Is(err, errLong) {
		p.m.long++
		return true, p.pass(at)
	}
	if err != nil {
		return false, fmt.Errorf("name: %w", err)
	}
	return false, nil
}

// pass moves behind the term at, whatever its length.
func (p *parser) pass(at etf.Reader) error {
	rest := etf.NewReader(at.Rest(), etf.FileLimits())
	if err := rest.Skip(); err != nil {
		return fmt.Errorf("name: %w: %w", ErrBad, err)
	}
	p.r = etf.NewReader(rest.Rest(), keyLimits(p.lim))
	return nil
}

func (p *parser) endSpan() {
	p.m.spans = append(p.m.spans, span{uint32(len(p.names)), uint32(len(p.m.pids))})
}

func (p *parser) procOrProcs() error {
	if tag := p.r.Tag(); tag != tagPid && tag != tagOldPid {
		return p.procs()
	}
	v, err := p.proc()
	if err != nil {
		return fmt.Errorf("member: %w", err)
	}
	p.m.pids = append(p.m.pids, v)
	return nil
}

func (p *parser) procs() error {
	n, err := p.r.ListHeader()
	if err != nil {
		return fmt.Errorf("members: %w: %w", ErrBad, err)
	}
	if len(p.m.pids)+n > p.lim.Members {
		return fmt.Errorf("%w: more than %d members", ErrQuota, p.lim.Members)
	}
	for range n {
		v, err := p.proc()
		if err != nil {
			return fmt.Errorf("member: %w", err)
		}
		p.m.pids = append(p.m.pids, v)
	}
	return p.listEnd("members")
}

func (p *parser) listEnd(what string) error {
	if err := p.r.ListEnd(); err != nil {
		return fmt.Errorf("%s: %w: %w", what, ErrBad, err)
	}
	return nil
}

// proc reads a pid, which must be of the peer and of its life: a peer never
// speaks for a third node.
func (p *parser) proc() (proc, error) {
	v, err := p.r.PidView()
	if errors.Is(err, etf.ErrTag) {
		return proc{}, fmt.Errorf("%w: not a pid: %w", ErrBad, err)
	}
	if err != nil {
		return proc{}, fmt.Errorf("%w: %w", ErrBad, err)
	}
	if string(v.Node) != p.m.from.Node || v.Creation != p.m.from.Creation {
		return proc{}, fmt.Errorf("%w: of %q, creation %d, from %q, creation %d",
			ErrForged, v.Node, v.Creation, p.m.from.Node, p.m.from.Creation)
	}
	return proc{v.ID, v.Serial}, nil
}
