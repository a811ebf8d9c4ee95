package config

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/node"
)

// CheckFiles opens what the settings name, the files of the cookies and of TLS, as
// a node that starts does, and makes none: a cookie that would be made then may be
// missing. Problems have the words that end such a start; notes are what the node
// would warn of. Neither holds a secret. now is when the certificate has to be good.
func (v *Values) CheckFiles(now time.Time) (notes []string, problems []*Refusal) {
	add := func(err error) {
		var r *Refusal
		if errors.As(err, &r) {
			problems = append(problems, r)
		}
	}
	c, err := v.own(false)
	if err != nil && !(v.defaultCookie() && errors.Is(err, os.ErrNotExist)) {
		add(err)
	}
	add(v.accept(&c))
	if c.Warning != "" {
		notes = append(notes, c.Warning)
	}
	t, err := v.TLS()
	add(err)
	if t != nil {
		notes = append(notes, node.TLSFaults(t, v.host(), now)...)
	}
	return notes, problems
}

// host is that of the name the node would have, "" if it could not have any.
func (v *Values) host() string {
	name, err := node.FullName(v.Node().Name)
	if err != nil {
		return ""
	}
	_, host, _ := strings.Cut(name, "@")
	return host
}

// defaultCookie says whether the cookie is in the file that erl makes as well.
func (v *Values) defaultCookie() bool {
	return v.cookie.Name != "LIMINAL_COOKIE" && expandHome(v.fields.cookieFile, v.opts.Home) == expandHome(defaultCookieFile, v.opts.Home)
}
