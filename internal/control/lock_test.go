package control

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// S13: of two nodes of one name the second finds the lock held.
func TestLockIsHeldOnce(t *testing.T) {
	dir := socketDir(t)
	first, err := AcquireLock(dir, "a")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "a.lock"))
	if want := strconv.Itoa(os.Getpid()) + "\n"; err != nil || string(text) != want {
		t.Errorf("lock file %q, %v; want %q", text, err, want)
	}
	var held *LockedError
	if _, err = AcquireLock(dir, "a"); !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Fatalf("second lock: %v, want a LockedError with our pid", err)
	}
	if want := fmt.Sprintf("node %q is already running, pid %d", "a", os.Getpid()); err.Error() != want {
		t.Errorf("text %q, want %q", err, want)
	}
	other, err := AcquireLock(dir, "b")
	if err != nil {
		t.Fatalf("another name: %v", err)
	}
	defer other.Release()
	if err := errors.Join(first.Release(), first.Release()); err != nil {
		t.Fatalf("release twice: %v", err)
	}
	again, err := AcquireLock(dir, "a")
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	again.Release()
	if left, _ := filepath.Glob(filepath.Join(dir, "a.*")); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestLockOverLeftOver(t *testing.T) {
	dir := socketDir(t)
	long := strings.Repeat("9", 3000)
	if err := os.WriteFile(filepath.Join(dir, "a.lock"), []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := AcquireLock(dir, "a")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	if text, _ := os.ReadFile(filepath.Join(dir, "a.lock")); string(text) != strconv.Itoa(os.Getpid())+"\n" {
		t.Errorf("the old text shows through: %.40q", text)
	}
}

func TestLockRefuses(t *testing.T) {
	dir := socketDir(t)
	target := filepath.Join(dir, "target")
	steps := []error{
		os.WriteFile(target, nil, 0o600),
		os.Symlink(target, filepath.Join(dir, "link.lock")),
		os.Mkdir(filepath.Join(dir, "dir.lock"), 0o700),
		unix.Mkfifo(filepath.Join(dir, "fifo.lock"), 0o600),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "..", "a/b", "../a", "link", "dir", "fifo"} {
		if l, err := AcquireLock(dir, name); err == nil {
			l.Release()
			t.Errorf("%q was locked", name)
		}
	}
	if text, _ := os.ReadFile(target); len(text) != 0 {
		t.Errorf("wrote through the symbolic link: %q", text)
	}
}

// Release removes the file under the noses of others that opened it and wait.
// If one of those could count its lock on the removed file, two would hold it.
func TestLockUnlinkRace(t *testing.T) {
	dir := socketDir(t)
	var holders, most, got atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				l, err := AcquireLock(dir, "a")
				var held *LockedError
				if errors.As(err, &held) {
					continue
				}
				if err != nil {
					t.Errorf("acquire: %v", err)
					return
				}
				got.Add(1)
				if n := holders.Add(1); n > 1 {
					most.Store(n)
				}
				holders.Add(-1)
				if err := l.Release(); err != nil {
					t.Errorf("release: %v", err)
				}
			}
		})
	}
	group.Wait()
	if most.Load() > 1 {
		t.Errorf("%d held the lock at once", most.Load())
	}
	if got.Load() < 100 {
		t.Errorf("the lock was had only %d times", got.Load())
	}
}

func TestInspect(t *testing.T) {
	dir := socketDir(t)
	live, err := AcquireLock(dir, "a")
	if err != nil {
		t.Fatal(err)
	}
	defer live.Release()
	ln, err := Listen(filepath.Join(dir, "a.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	elsewhere, err := AcquireLock(dir, "e")
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Release()
	if err := elsewhere.SetSocket("/tmp/nowhere.sock"); err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(dir, "d.lock")
	if err := os.WriteFile(dead, []byte("12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	leaveSocket(t, filepath.Join(dir, "d.sock"))
	os.WriteFile(filepath.Join(dir, "other.txt"), nil, 0o600)
	got, err := Inspect(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []Local{
		{Name: "a", Alive: true, PID: os.Getpid(), Socket: filepath.Join(dir, "a.sock"), HasSocket: true},
		{Name: "d", Socket: filepath.Join(dir, "d.sock"), HasSocket: true},
		{Name: "e", Alive: true, PID: os.Getpid(), Socket: "/tmp/nowhere.sock"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if none, err := Inspect(filepath.Join(dir, "missing")); err != nil || len(none) != 0 {
		t.Errorf("missing directory: %v, %v", none, err)
	}
}

// Clients that look must not make a starting node believe that it runs already.
func TestInspectDoesNotDisturbStart(t *testing.T) {
	dir := socketDir(t)
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if _, err := Inspect(dir); err != nil {
						t.Errorf("inspect: %v", err)
						return
					}
				}
			}
		})
	}
	for i := range 200 {
		os.WriteFile(filepath.Join(dir, "a.lock"), []byte("1\n"), 0o600)
		l, err := AcquireLock(dir, "a")
		if err != nil {
			t.Errorf("start %d: %v", i, err)
			break
		}
		l.Release()
	}
	close(stop)
	group.Wait()
}

// A node killed with -9 leaves its files; the kernel lets go of the lock.
func TestLockOfDeadProcess(t *testing.T) {
	if dir := os.Getenv("LOCK_CHILD_DIR"); dir != "" {
		if _, err := AcquireLock(dir, "a"); err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("locked\n")
		select {} // until killed
	}
	dir := socketDir(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestLockOfDeadProcess$")
	cmd.Env = append(os.Environ(), "LOCK_CHILD_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 7)
	if _, err := out.Read(buf); err != nil {
		t.Errorf("child: %v", err)
	}
	found, err := Inspect(dir)
	if err != nil || len(found) != 1 || !found[0].Alive || found[0].PID != cmd.Process.Pid {
		t.Errorf("while it lives: %+v, %v; want alive, pid %d", found, err, cmd.Process.Pid)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if found, err = Inspect(dir); err != nil || len(found) != 1 || found[0].Alive {
		t.Errorf("after it died: %+v, %v; want dead", found, err)
	}
	l, err := AcquireLock(dir, "a")
	if err != nil {
		t.Fatalf("taking over: %v", err)
	}
	l.Release()
}
