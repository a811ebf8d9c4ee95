package secure

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// maxFile is far above what any of the files has, in bytes.
const maxFile = 1 << 20

// Load reads the three files. Errors are *FileError and never hold any of the key.
func Load(f Files) (*Credentials, error) {
	cert, err := read(f.Cert, false)
	if err != nil {
		return nil, err
	}
	key, err := read(f.Key, true)
	if err != nil {
		return nil, err
	}
	ca, err := read(f.CA, false)
	if err != nil {
		return nil, err
	}
	return parse(f, cert, key, ca)
}

// read gives the content of a file; a secret one must be ours alone.
func read(path string, secret bool) ([]byte, error) {
	// Without waiting: a FIFO in the file's place would hold us up.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	fi, err := f.Stat()
	switch {
	case err != nil:
		return nil, unreadable(path, err)
	case !fi.Mode().IsRegular():
		return nil, &FileError{Path: path, Why: "it is not a regular file"}
	case fi.Size() > maxFile:
		return nil, &FileError{Path: path, Why: fmt.Sprintf("it is over %d bytes long", maxFile)}
	}
	if secret {
		if err := checkKey(path, fi, os.Geteuid()); err != nil {
			return nil, err
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return data, nil
}

// checkKey asks of a key file what is asked of a cookie's: whoever has the key is
// the node.
func checkKey(path string, fi os.FileInfo, uid int) error {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && int(st.Uid) != uid {
		return &FileError{Path: path, Why: fmt.Sprintf("it belongs to uid %d, and whoever can read a key can be this node", st.Uid), Mode: true}
	}
	if mode := fi.Mode().Perm(); mode&0o077 != 0 {
		return &FileError{Path: path, Why: fmt.Sprintf("it can be read by others (%04o), who then can be this node", mode), Mode: true}
	}
	return nil
}

func unreadable(path string, err error) error {
	why := err.Error()
	if pe := (*os.PathError)(nil); errors.As(err, &pe) {
		why = pe.Err.Error()
	}
	return &FileError{Path: path, Why: why, Err: err}
}
