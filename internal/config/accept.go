package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/liminal-bus/liminal/node"
)

// accept adds the cookies of node.cookie_accept_file to c, one a line in the form
// of the cookie itself. Lines without a character but blanks count for nothing.
func (v *Values) accept(c *Cookie) error {
	if v.fields.acceptFile == "" {
		return nil
	}
	path := expandHome(v.fields.acceptFile, v.opts.Home)
	c.From = shortenHome(path, v.opts.Home)
	text, err := v.readCookie(c.From, path)
	var r *Refusal
	if errors.As(err, &r) && r.Code == "cookie_file" {
		own := *r
		own.Try = "make it, empty if need be, or give --cookie-accept-file"
		return &own
	}
	if err != nil {
		return err
	}
	if len(text) >= maxCookieFile {
		return refuseAccept(c.From, fmt.Sprintf("it is longer than %d bytes", maxCookieFile-1))
	}
	short := false
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if strings.Trim(line, " ") == "" {
			continue
		}
		if why := wrongCookie(line); why != "" {
			return refuseAccept(c.From, fmt.Sprintf("line %d: %s", i+1, why))
		}
		c.Accept = append(c.Accept, node.NewCookie(line))
		short = short || len(line) < shortCookie
	}
	if len(c.Accept) >= node.MaxCookies {
		return refuseAccept(c.From, fmt.Sprintf("it has %d of them, and %d are allowed", len(c.Accept), node.MaxCookies-1))
	}
	if short && c.Warning == "" {
		c.Warning = fmt.Sprintf("a cookie in %s has less than %d characters: who watches one handshake can guess it", c.From, shortCookie)
	}
	return nil
}

func refuseAccept(source, why string) error {
	return refuseCookie("the cookies in "+source+" cannot be used", why, "put one cookie on each line there, or none", nil)
}
