package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/liminal-bus/liminal/node"
)

// defaultCookieFile is the one that erl uses.
const defaultCookieFile = "~/.erlang.cookie"

// Bounds of a cookie in bytes. The upper one is that of an atom, as which an
// Erlang node holds it; below the other one a cookie is warned about.
const (
	maxCookie   = 255
	shortCookie = 16
)

// maxCookieFile is how many bytes of a file are read.
const maxCookieFile = 4096

// Cookie is a loaded cookie and what may be said of it.
type Cookie struct {
	Value   node.Cookie
	Source  string // LIMINAL_COOKIE, or the path of the file
	Created bool   // the file was made now
	Length  int    // in bytes
	Warning string // "" or a sentence for the log and for status

	Accept []node.Cookie // taken besides, see accept
	From   string        // the path of their file; "" if there is none
}

// String gives "~/.erlang.cookie, created" or "LIMINAL_COOKIE".
func (c Cookie) String() string {
	if c.Created {
		return c.Source + ", created"
	}
	return c.Source
}

// Cookie loads the cookie from where the settings say. The file that erl uses by
// default is made if it is missing, with 256 random bits; any other must exist.
// Errors are *Refusal and never hold the value.
func (v *Values) Cookie() (Cookie, error) { return v.cookies(true) }

// CookieAgain is Cookie for a node that runs: it makes no file, since a new cookie
// in place of one that was removed would cut the node off.
func (v *Values) CookieAgain() (Cookie, error) { return v.cookies(false) }

func (v *Values) cookies(create bool) (Cookie, error) {
	c, err := v.own(create)
	if err == nil {
		err = v.accept(&c)
	}
	return c, err
}

// own loads the cookie that is ours.
func (v *Values) own(create bool) (Cookie, error) {
	if v.cookie.Name == "LIMINAL_COOKIE" {
		return v.finish(Cookie{Source: "LIMINAL_COOKIE"}, v.opts.getenv("LIMINAL_COOKIE"))
	}
	asked := v.fields.cookieFile
	path := expandHome(asked, v.opts.Home)
	isDefault := v.defaultCookie()
	if isDefault && v.opts.Home == "" {
		return Cookie{}, refuseCookie("no home directory is known", "the cookie is kept in "+defaultCookieFile,
			"set LIMINAL_COOKIE, or give --cookie-file", nil)
	}
	if isDefault {
		path = v.erlangCookie(path)
	}
	c := Cookie{Source: shortenHome(path, v.opts.Home)}
	text, err := v.readCookie(c.Source, path)
	if isDefault && create && errors.Is(err, os.ErrNotExist) {
		if c.Created, err = createCookie(path); err != nil {
			return c, refuseCookie("cannot create "+c.Source, reason(err), "set LIMINAL_COOKIE, or give --cookie-file", err)
		}
		text, err = v.readCookie(c.Source, path)
	}
	if err != nil {
		return c, err
	}
	return v.finish(c, text)
}

// CookieOrigin says where the cookie would come from.
func (v *Values) CookieOrigin() Origin { return v.cookie }

// erlangCookie gives the file that erl would take: the one in the home
// directory, else the one in the user's configuration if that exists alone.
// Making the first beside the second would change the cookie of every erl.
func (v *Values) erlangCookie(path string) string {
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return path
	}
	other := filepath.Join(v.erlangConfig(), "erlang", ".erlang.cookie")
	if _, err := os.Lstat(other); err == nil {
		return other
	}
	return path
}

// erlangConfig is filename:basedir(user_config) without the name.
func (v *Values) erlangConfig() string {
	if runtime.GOOS == "darwin" {
		return filepath.Join(v.opts.Home, "Library", "Application Support")
	}
	if base := v.opts.getenv("XDG_CONFIG_HOME"); filepath.IsAbs(base) {
		return base
	}
	return filepath.Join(v.opts.Home, ".config")
}

// readCookie reads a file that only its owner, us, can read.
func (v *Values) readCookie(shown, path string) (string, error) {
	// Without waiting: a FIFO in the file's place would hold us up.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", refuseOpen(shown, err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err == nil {
		err = checkCookieFile(shown, fi, os.Geteuid())
	}
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxCookieFile))
	if err != nil {
		return "", refuseOpen(shown, err)
	}
	return string(text), nil
}

func refuseOpen(shown string, err error) error {
	r := refuseCookie("cannot read the cookie file "+shown, reason(err), "give --cookie-file, or set LIMINAL_COOKIE", err)
	if errors.Is(err, os.ErrNotExist) {
		r.Exit = 66
	}
	return r
}

// checkCookieFile holds erl's own rule for the mode, and that the file is ours.
func checkCookieFile(shown string, fi os.FileInfo, uid int) error {
	mode := fi.Mode()
	switch {
	case !mode.IsRegular():
		return refuseCookie(shown+" is not a regular file", "a cookie is one line of a file", "give --cookie-file", nil)
	case owner(fi) != uid:
		return refuseMode(fmt.Sprintf("%s belongs to uid %d", shown, owner(fi)), "chown it, or give --cookie-file")
	case mode.Perm()&0o077 != 0:
		return refuseMode(fmt.Sprintf("%s can be read by others (%04o)", shown, mode.Perm()), "chmod 400 "+shown)
	}
	return nil
}

func refuseMode(message, try string) *Refusal {
	return &Refusal{Code: "cookie_mode", Exit: 77, Message: message, Why: "a cookie gives full access to Erlang peers", Try: try}
}

func refuseCookie(message, why, try string, err error) *Refusal {
	return &Refusal{Code: "cookie_file", Exit: 77, Message: message, Why: why, Try: try, Err: err}
}

// finish takes the cookie out of the text as erl does: printable ASCII, after
// which only line ends and blanks may come.
func (v *Values) finish(c Cookie, text string) (Cookie, error) {
	value, rest, _ := strings.Cut(strings.ReplaceAll(text, "\r", "\n"), "\n")
	why, try := wrongCookie(value), "put one line of ASCII letters and digits there"
	if strings.Trim(rest, "\n ") != "" {
		why, try = "it has more than one line", "put one line there; others that are accepted go into a file of their own, see --cookie-accept-file"
	}
	if why != "" {
		return Cookie{}, refuseCookie("the cookie in "+c.Source+" cannot be used", why, try, nil)
	}
	c.Value, c.Length = node.NewCookie(value), len(value)
	if c.Length < shortCookie {
		c.Warning = fmt.Sprintf("the cookie from %s has only %d characters: who watches one handshake can guess it", c.Source, c.Length)
	}
	return c, nil
}

// wrongCookie says why a text cannot be a cookie, "" if it can.
func wrongCookie(value string) string {
	switch {
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
		return "it has characters that are not printable ASCII"
	case value == "":
		return "it is empty"
	case len(value) > maxCookie:
		return fmt.Sprintf("it is longer than %d bytes", maxCookie)
	}
	return ""
}

// createCookie makes the file, complete from its first instant, and leaves one
// that another process made meanwhile as it is.
func createCookie(path string) (created bool, err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".erlang.cookie.")
	if err != nil {
		return false, err
	}
	defer os.Remove(tmp.Name())
	// Two texts of 130 bits in base 32: letters and digits, which erl takes.
	_, err = tmp.WriteString(rand.Text() + rand.Text() + "\n")
	err = errors.Join(err, tmp.Chmod(0o400), tmp.Sync(), tmp.Close())
	if err != nil {
		return false, err
	}
	err = os.Link(tmp.Name(), path) // unlike rename it never replaces
	if errors.Is(err, os.ErrExist) {
		return false, nil
	}
	return err == nil, err
}
