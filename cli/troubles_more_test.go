package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// socketPermissionTrouble needs a user for whom a socket is closed: for root it
// is one without rights, for others a directory without any.
func socketPermissionTrouble(t *testing.T) {
	w := newWorld(t)
	socket := filepath.Join(w.dir(), "a.sock")
	serve(t, newFakeBus(), socket)
	args := []string{"peers", "--socket", socket, "--json"}
	var r result
	if os.Geteuid() != 0 {
		if err := os.Chmod(w.dir(), 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(w.dir(), 0o700) })
		r = w.run(args...)
	} else {
		r = runAsNobody(t, args)
	}
	e := w.told("socket_permission", r)
	words := strings.Fields(e.Try)
	if len(words) < 5 || words[0] != "sudo" || words[1] != "-u" || words[3] != "liminal" {
		t.Fatalf("try %q", e.Try)
	}
	if os.Chmod(w.dir(), 0o700) == nil { // what sudo -u would run
		w.obey(words[4:])
	}
}

// runAsNobody runs a copy of the test binary, which is the command as well, as
// a user who owns nothing.
func runAsNobody(t *testing.T, args []string) result {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir := shortDir(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "liminal") // by this name it is the command
	if err := os.WriteFile(program, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	cmd := exec.Command(program, args...)
	cmd.Env = []string{"GORACE=" + os.Getenv("GORACE")}
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	_ = cmd.Run() // its status is what is looked at
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// controlVersionTrouble: the node's answer to a command of another version is
// what people see, since it knows the process to stop.
func controlVersionTrouble(t *testing.T) {
	w := newWorld(t)
	w.node(long("a")...)
	answer := rawCall(t, filepath.Join(w.dir(), "a.sock"), "GET /v1/status HTTP/1.1\r\nHost: x\r\nLiminal-Control: 99\r\nConnection: close\r\n\r\n")
	_, body, _ := strings.Cut(answer, "\r\n\r\n")
	path := filepath.Join(w.dir(), "other.sock")
	startTalkerOn(t, "unix", path, fmt.Sprintf("HTTP/1.1 400 Bad Request\r\nLiminal-Control: 99\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body))
	e := w.trouble("control_version", "status", "--socket", path)
	if pid := regexp.MustCompile(`^kill (\d+) \(says goodbye\), then liminal node start$`).FindStringSubmatch(e.Try); pid == nil || pid[1] != strconv.Itoa(os.Getpid()) {
		t.Errorf("try %q", e.Try) // SIGTERM and its goodbye are TestReadyBlock's
	}
	newWorld(t).follow(e)
}
