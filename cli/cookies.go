package cli

import (
	"fmt"
	"strings"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/control"
)

// setCookie gives a running node the cookies that were read again, and says so.
func (r *nodeRun) setCookie(c config.Cookie) error {
	if err := r.SetCookies(c.Value, c.Accept...); err != nil {
		return err
	}
	text := describeCookie(c)
	r.backend.newer.Store(&text)
	if c.Warning != "" {
		r.log.Warn(c.Warning)
	}
	return nil
}

// cookiesText says how far a change of the cookie is: who would be shut out without
// the cookies that are accepted besides ours. "" where there is nothing to say.
func cookiesText(s control.Status) string {
	if k := len(s.OtherCookie); k > 0 {
		return fmt.Sprintf("%s still on another than ours: %s", countIs(k, "peer"), strings.Join(s.OtherCookie, ", "))
	}
	if s.CookiesAccepted == 0 {
		return ""
	}
	return fmt.Sprintf("%d accepted besides ours, and every peer up has ours", s.CookiesAccepted)
}
