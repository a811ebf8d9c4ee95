package config

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// systemFile is read if the user has no file. Only tests change it.
var systemFile = "/etc/liminal/config.toml"

// Files gives the paths searched, in order, for a file that is not named.
func Files(o Options) []string {
	var files []string
	switch xdg := o.getenv("XDG_CONFIG_HOME"); {
	case filepath.IsAbs(xdg): // a relative one is to be ignored, says XDG
		files = append(files, filepath.Join(xdg, "liminal", "config.toml"))
	case o.Home != "":
		files = append(files, filepath.Join(o.Home, ".config", "liminal", "config.toml"))
	}
	return append(files, systemFile)
}

// readFile reads the named file, or the first found; no file is no error unless
// it was named.
func readFile(o Options) (path string, data []byte, problem *Problem) {
	named := o.Path
	if named == "" {
		named = expandHome(o.getenv("LIMINAL_CONFIG"), o.Home)
	}
	if named != "" {
		data, err := readBounded(named)
		return named, data, fileProblem(err)
	}
	for _, path := range Files(o) {
		data, err := readBounded(path)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		return path, data, fileProblem(err)
	}
	return "", nil, nil
}

func fileProblem(err error) *Problem {
	if err == nil {
		return nil
	}
	missing := errors.Is(err, os.ErrNotExist)
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err // the path stands in the heading
	}
	return &Problem{Source: SourceFile, Text: "cannot be read: " + err.Error(), Missing: missing}
}

// errNotRegular is of a file whose reading might never end.
var errNotRegular = errors.New("it is a pipe, socket or device, not a regular file")

// readBounded reads one byte more than a file may have, and no more. It opens
// without waiting: a pipe would keep us until somebody writes to it.
func readBounded(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() && !isNull(info) { // a directory says so when it is read
		return nil, errNotRegular
	}
	return io.ReadAll(io.LimitReader(f, MaxFile+1))
}

// isNull: the null device is a way to name no file at all.
func isNull(info os.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}

// expandHome replaces a leading ~/.
func expandHome(path, home string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && home != "" {
		return filepath.Join(home, rest)
	}
	return path
}

// shortenHome writes a path below home with ~.
func shortenHome(path, home string) string {
	if rest, ok := strings.CutPrefix(path, home+"/"); ok && home != "" {
		return "~/" + rest
	}
	return path
}
