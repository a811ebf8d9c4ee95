package discovery

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

var errEPMD = errors.New("no epmd")

// world is what a Resolver asks, as tables; it notes the questions.
type world struct {
	hosts map[string][]string // name: addresses
	local map[string]string   // name before @: ip:port
	epmd  map[string]int      // "name at ip": port
	asked []string
}

func (w *world) resolver() *Resolver {
	return NewResolver(ResolverOptions{
		OurHost: "dev",
		LookupIP: func(_ context.Context, host string) (ips []netip.Addr, err error) {
			w.asked = append(w.asked, "dns "+host)
			for _, s := range w.hosts[host] {
				ips = append(ips, netip.MustParseAddr(s))
			}
			if ips == nil {
				err = errors.New("no such host")
			}
			return ips, err
		},
		Local: func(_ context.Context, name string) (string, bool) {
			addr, ok := w.local[name]
			return addr, ok
		},
		EPMD: func(_ context.Context, host, name string) (int, error) {
			w.asked = append(w.asked, "epmd "+host)
			if port := w.epmd[name+" at "+host]; port != 0 {
				return port, nil
			}
			return 0, errEPMD
		},
	})
}

// list writes a run of Candidates as text.
func list(r *Resolver, a Address) string {
	var got []string
	for ap, err := range r.Candidates(context.Background(), a) {
		if err != nil {
			got = append(got, "error "+err.(*ResolveError).Stage)
			continue
		}
		got = append(got, ap.String())
	}
	return strings.Join(got, " ")
}

func mustParse(t testing.TB, s string) Address {
	t.Helper()
	a, err := ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestCandidates(t *testing.T) {
	w := &world{
		hosts: map[string][]string{
			"dev": {"10.0.0.1"}, "db": {"10.0.0.7", "::ffff:10.0.0.8", "10.0.0.7", "fe80::7"}, "mute": {"10.9.9.9"},
		},
		local: map[string]string{"b": "127.0.0.1:40122", "bad": "nowhere"},
		epmd:  map[string]int{"e at 127.0.0.1": 4001, "c at 10.0.0.8": 4002, "two at 10.0.0.7": 1, "two at 10.0.0.8": 2},
	}
	r := w.resolver()
	for _, kv := range [][2]string{{"l@db", "10.0.0.7:9100"}, {"t@db", "db:9200"}, {"both@db", "10.1.1.1:1"}, {"b@mute", "10.1.1.2:2"}} {
		if err := r.Learn(kv[0], kv[1]); err != nil {
			t.Fatal(err)
		}
	}
	for _, addr := range []string{"10.1.1.1:1", "10.1.1.3:3", "10.1.1.4:4"} {
		if err := r.Tell("both@db", addr); err != nil {
			t.Fatal(err)
		}
	}
	for in, want := range map[string]string{
		"db:9100":         "10.0.0.7:9100 10.0.0.8:9100 [fe80::7]:9100", // mapped and repeated addresses once
		"x@db:9100":       "10.0.0.7:9100 10.0.0.8:9100 [fe80::7]:9100", // an explicit port settles it
		"both@db:9100":    "10.0.0.7:9100 10.0.0.8:9100 [fe80::7]:9100",
		"[::1]:9100":      "[::1]:9100",
		"10.0.0.9:1":      "10.0.0.9:1",
		"dev:1":           "10.0.0.1:1 127.0.0.1:1", // our own host, by loopback too
		"nohost:1":        "error host",
		"b":               "127.0.0.1:40122 error epmd",
		"b@dev":           "127.0.0.1:40122 error epmd",
		"b@mute":          "10.1.1.2:2 error epmd", // not our host: the local hook has no say
		"bad":             "error name error epmd",
		"e":               "127.0.0.1:4001 10.0.0.1:4001",
		"c@db":            "10.0.0.8:4002 10.0.0.7:4002 [fe80::7]:4002", // who answered comes first
		"two@db":          "10.0.0.7:1 10.0.0.8:2 [fe80::7]:2",
		"l@db":            "10.0.0.7:9100 error epmd",
		"t@db":            "10.0.0.7:9200 10.0.0.8:9200 [fe80::7]:9200 error epmd",
		"both@db":         "10.1.1.1:1 10.1.1.4:4 10.1.1.3:3 error epmd", // learned, told newest first
		"unknown@mute":    "error epmd",
		"unknown@nohost":  "error host",
		"unknown@1.2.3.4": "error epmd",
	} {
		if got := list(r, mustParse(t, in)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
}

// Nothing is asked before it is needed, and everything afresh.
func TestCandidatesAreLazyAndFresh(t *testing.T) {
	w := &world{hosts: map[string][]string{"db": {"10.0.0.7", "10.0.0.8"}}, epmd: map[string]int{"c at 10.0.0.7": 9, "c at 10.0.0.8": 9}}
	r := w.resolver()
	first := func(want string) {
		t.Helper()
		for ap, err := range r.Candidates(t.Context(), mustParse(t, "c@db")) {
			if ap.String() != want || err != nil {
				t.Errorf("%v, %v; want %s", ap, err, want)
			}
			break
		}
	}
	first("10.0.0.7:9")
	if got := strings.Join(w.asked, ","); got != "dns db,epmd 10.0.0.7" {
		t.Errorf("asked %s", got)
	}
	w.asked = nil
	r.Learn("c@db", "10.0.0.9:1")
	first("10.0.0.9:1")
	if w.asked != nil {
		t.Errorf("asked %v although the learned address did", w.asked)
	}
	r.Forget("c@db")
	w.hosts["db"] = []string{"10.0.0.8"}
	first("10.0.0.8:9")
}

func TestOurHostWithoutDNS(t *testing.T) {
	w := &world{epmd: map[string]int{"e at 127.0.0.1": 4001}}
	if got := list(w.resolver(), Address{Name: "e"}); got != "127.0.0.1:4001" {
		t.Errorf("%s", got)
	}
}

// resolve collects every candidate, or the errors if there is none.
func resolve(ctx context.Context, r *Resolver, a Address) (found []netip.AddrPort, err error) {
	var errs []error
	for ap, err := range r.Candidates(ctx, a) {
		if err != nil {
			errs = append(errs, err)
		} else {
			found = append(found, ap)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, oneLine(errs)
}

func TestResolve(t *testing.T) {
	w := &world{hosts: map[string][]string{"db": {"10.0.0.7", "10.0.0.8"}}}
	r := w.resolver()
	got, err := resolve(t.Context(), r, mustParse(t, "db:1"))
	if fmt.Sprint(got) != "[10.0.0.7:1 10.0.0.8:1]" || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	_, err = resolve(t.Context(), r, mustParse(t, "c@db"))
	var re *ResolveError
	if !errors.Is(err, errEPMD) || !errors.As(err, &re) || re.Stage != "epmd" || re.Address.String() != "c@db" {
		t.Errorf("%v: epmd's error is not in it", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q takes two lines", err)
	}
	_, err = resolve(t.Context(), r, mustParse(t, "c@dv"))
	if !errors.Is(err, ErrNoHost) || !strings.Contains(err.Error(), `"dv"`) {
		t.Errorf("%v", err)
	}
	_, err = resolve(t.Context(), NewResolver(ResolverOptions{OurHost: "dev"}), mustParse(t, "c@127.0.0.1"))
	if !errors.Is(err, ErrNoPort) {
		t.Errorf("without epmd: %v", err)
	}
}

func TestCancelledLookupIsNotNoHost(t *testing.T) {
	r := NewResolver(ResolverOptions{OurHost: "dev", LookupIP: func(ctx context.Context, _ string) ([]netip.Addr, error) {
		return nil, ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := resolve(ctx, r, mustParse(t, "db:1"))
	if errors.Is(err, ErrNoHost) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestLearnAndTellRefuse(t *testing.T) {
	r := (&world{}).resolver()
	for _, kv := range [][2]string{{"a", "h:1"}, {"a@b", "h"}, {"a@b", ""}, {"a@b", "h:0"}, {"a@b", "h h:1"}, {"a@b", "::1"}} {
		if r.Learn(kv[0], kv[1]) == nil || r.Tell(kv[0], kv[1]) == nil {
			t.Errorf("%q at %q was taken", kv[0], kv[1])
		}
	}
	if s := r.Stats(); s != (ResolverStats{}) {
		t.Errorf("%+v", s)
	}
}

func TestToldIsBounded(t *testing.T) {
	r := (&world{}).resolver()
	for i := range 2000 {
		if err := r.Tell(fmt.Sprintf("n%d@db", i), "10.0.0.7:1"); err != nil {
			t.Fatal(err)
		}
	}
	if s := r.Stats(); s.Told != 1024 || s.ToldDropped != 976 {
		t.Errorf("%+v", s)
	}
	for _, i := range []int{1, 2, 3, 4, 1, 5} { // 1 is told again, so 2 is the oldest
		r.Tell("n1999@db", fmt.Sprintf("10.0.0.%d:1", i))
	}
	want := "10.0.0.5:1 10.0.0.1:1 10.0.0.4:1 10.0.0.3:1 error host"
	if got := list(r, mustParse(t, "n1999@db")); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for range 3 {
		r.Learn("l@db", "10.0.0.1:1")
	}
	r.Learn("l@db", "10.0.0.2:1")
	if s := r.Stats(); s.Learned != 1 || s.LearnedDropped != 1 {
		t.Errorf("%+v, want the newest learned address alone", s)
	}
}

func TestResolverConcurrently(t *testing.T) {
	r := NewResolver(ResolverOptions{OurHost: "dev"})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			name := fmt.Sprintf("n%d@127.0.0.1", i%3)
			for range 100 {
				r.Learn(name, "127.0.0.1:1")
				r.Tell(name, "127.0.0.1:2")
				resolve(context.Background(), r, Address{Name: name[:2], Host: "127.0.0.1"})
				r.Forget(name)
				r.Stats()
			}
		})
	}
	group.Wait()
}

func TestAddressesOfAHostAreBounded(t *testing.T) {
	w := &world{hosts: map[string][]string{"many": nil}}
	for i := range 100 {
		w.hosts["many"] = append(w.hosts["many"], fmt.Sprintf("10.0.0.%d", i))
	}
	got, err := resolve(t.Context(), w.resolver(), mustParse(t, "many:1"))
	if len(got) != 16 || err != nil {
		t.Errorf("%d addresses, %v; want 16", len(got), err)
	}
}
