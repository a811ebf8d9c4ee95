package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// systemRuntime is where a node of the system lives; clients look there too.
const systemRuntime = "/run/liminal"

// MaxSocketPath is the longest path of a Unix socket here, in bytes.
const MaxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// RuntimeDir gives the directory for sockets and locks of our user. It is made
// if it is missing, and refused (*Refusal, code runtime_dir) unless it is a
// directory of ours that nobody else can enter.
func RuntimeDir(getenv func(string) string) (string, error) {
	dir := pickRuntime(getenv, os.Geteuid())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", &Refusal{
			Code: "runtime_dir", Exit: 77, Message: fmt.Sprintf("cannot make the runtime directory %s", dir),
			Why: reason(err), Try: "set LIMINAL_RUNTIME_DIR to a directory of yours", Err: err,
		}
	}
	return dir, checkRuntime(dir, os.Geteuid())
}

// ClientRuntimeDirs gives the directories in which a command looks for nodes,
// the user's own first. It makes none. One that exists but is not safe is
// refused as by RuntimeDir: what answers there may be anybody.
func ClientRuntimeDirs(getenv func(string) string) ([]string, error) {
	own := pickRuntime(getenv, os.Geteuid())
	if err := checkRuntime(own, os.Geteuid()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if own == systemRuntime {
		return []string{own}, nil
	}
	return []string{own, systemRuntime}, nil
}

// SocketPath gives the path of a node's socket in dir, or the *Refusal
// socket_path if it is too long for one. name is the part before the @.
func SocketPath(dir, name string) (string, error) {
	path := filepath.Join(dir, name+".sock")
	return path, CheckSocketPath(path)
}

// CheckSocketPath refuses what no socket can be bound to.
func CheckSocketPath(path string) error {
	if len(path) <= MaxSocketPath {
		return nil
	}
	return &Refusal{
		Code: "socket_path", Exit: 73, Message: fmt.Sprintf("the socket path is %d bytes long", len(path)),
		Why: fmt.Sprintf("this system allows %d", MaxSocketPath), Try: "liminal node start --socket /tmp/a.sock",
	}
}

// pickRuntime chooses by the environment, and looks only whether the system's
// directory of this user is there: some logins leave XDG_RUNTIME_DIR unset.
func pickRuntime(getenv func(string) string, uid int) string {
	if d := getenv("LIMINAL_RUNTIME_DIR"); d != "" {
		return absolute(d)
	}
	// systemd gives a list if a unit has several.
	if d, _, _ := strings.Cut(getenv("RUNTIME_DIRECTORY"), ":"); filepath.IsAbs(d) {
		return filepath.Clean(d)
	}
	if d := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(d) {
		return filepath.Join(d, "liminal")
	}
	if uid == 0 {
		return systemRuntime
	}
	if d := "/run/user/" + strconv.Itoa(uid); ownedDir(d, uid) {
		return filepath.Join(d, "liminal")
	}
	tmp := getenv("TMPDIR")
	if !filepath.IsAbs(tmp) {
		tmp = "/tmp"
	}
	return filepath.Join(tmp, "liminal-"+strconv.Itoa(uid))
}

// absolute makes the lock's and the socket's place independent of a later
// change of directory.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func ownedDir(path string, uid int) bool {
	fi, err := os.Lstat(path)
	return err == nil && fi.IsDir() && owner(fi) == uid
}

// owner gives the user of a file. The systems we build for all have one.
func owner(fi os.FileInfo) int {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return -1
}

// checkRuntime looks at dir itself: a symbolic link is not followed, since its
// owner may turn it elsewhere after the check.
func checkRuntime(dir string, uid int) error {
	refuse := func(try, why, format string, args ...any) error {
		return &Refusal{
			Code: "runtime_dir", Exit: 77, Message: dir + " " + fmt.Sprintf(format, args...), Why: why, Try: try,
		}
	}
	const another = "set LIMINAL_RUNTIME_DIR to a directory of yours"
	fi, err := os.Lstat(dir)
	switch {
	case err != nil:
		return &Refusal{
			Code: "runtime_dir", Exit: 77, Message: "cannot look at " + dir, Why: reason(err), Try: another, Err: err,
		}
	case fi.Mode()&os.ModeSymlink != 0:
		return refuse(another, "it could be turned elsewhere", "is a symbolic link")
	case !fi.IsDir():
		return refuse(another, "sockets live in a directory", "is not a directory")
	case owner(fi) != uid:
		return refuse(another, "another user made it; a socket there could be read", "belongs to uid %d", owner(fi))
	case fi.Mode().Perm()&0o077 != 0:
		return refuse("chmod 700 "+dir, "a socket there could be reached by them",
			"can be entered or read by others (%04o)", fi.Mode().Perm())
	}
	return nil
}

// reason gives what the system said, without operation and path.
func reason(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
