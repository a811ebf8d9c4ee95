package dist

import "github.com/liminal-bus/liminal/internal/etf"

// Target is what a monitor names: a registered name if Name is not empty, a
// pid otherwise.
type Target struct {
	Pid  etf.Pid
	Name string
}

// PidTarget names a process.
func PidTarget(p etf.Pid) Target { return Target{Pid: p} }

// NameTarget names what is registered under name.
func NameTarget(name string) Target { return Target{Name: name} }

// IsName reports whether it is a registered name.
func (t Target) IsName() bool { return t.Name != "" }

// appendTo appends the term: an atom or a pid.
func (t Target) appendTo(dst []byte) []byte {
	if t.IsName() {
		return etf.AppendAtom(dst, t.Name)
	}
	return etf.AppendPid(dst, t.Pid)
}

// targetView is a target that still lies in the frame.
type targetView struct {
	raw    []byte // as the peer wrote it
	isName bool
	name   []byte
	kernel bool // a name of kernel.go
	lives  bool // if kernel
	pid    etf.PidView
}

// target reads a pid or an atom.
func (in *inbound) target() (t targetView) {
	if in.err != nil {
		return t
	}
	from := in.r.Rest()
	if v, err := in.r.PidView(); err == nil {
		t.pid = v
	} else {
		t.isName = true
		t.name = in.atom("target")
		k, ok := kernelNames[string(t.name)]
		t.kernel, t.lives = ok, k.lives
	}
	t.raw = from[:len(from)-in.r.Len()]
	return t
}

func (in *inbound) targetLives(t targetView) bool {
	switch {
	case t.kernel:
		return t.lives
	case t.isName:
		return in.l.handler.LivesName(t.name)
	}
	return in.lives(t.pid)
}

func (t targetView) copy() Target {
	if t.isName {
		return Target{Name: string(t.name)}
	}
	return Target{Pid: t.pid.Pid()}
}
