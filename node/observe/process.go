package observe

import (
	"bytes"
	"os"
	"runtime/metrics"
	"strconv"
	"syscall"
	"time"
)

// processStarted is about when the process began.
var processStarted = time.Now()

// processFamilies are what the program costs, under the names by which every
// Prometheus dashboard knows them. What a system does not tell is left out.
func processFamilies() []Family {
	all := []Family{
		{"process_start_time_seconds", "When the process started, in seconds since 1970.", Gauge, one(float64(processStarted.UnixMilli()) / 1e3)},
	}
	all = append(all, cpu()...)
	all = append(all, files()...)
	if rss, ok := resident(); ok {
		all = append(all, Family{"process_resident_memory_bytes", "Memory of the process that is in RAM.", Gauge, one(rss)})
	}
	return append(all, runtimeFamilies()...)
}

func cpu() []Family {
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) != nil {
		return nil
	}
	spent := time.Duration(use.Utime.Nano() + use.Stime.Nano())
	return []Family{{"process_cpu_seconds_total", "Processor time of the process, user and system.", Counter, one(spent.Seconds())}}
}

// files counts descriptors and says how many there may be. The one that reads
// the directory is not counted.
func files() (all []Family) {
	if dir, err := os.Open("/dev/fd"); err == nil {
		names, err := dir.Readdirnames(-1)
		dir.Close()
		if err == nil {
			all = append(all, Family{"process_open_fds", "Descriptors that are open.", Gauge, one(float64(len(names) - 1))})
		}
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		all = append(all, Family{"process_max_fds", "Descriptors that may be open.", Gauge, one(float64(limit.Cur))})
	}
	return all
}

// resident reads the second number of statm, in pages; only Linux has it.
func resident() (bytesUsed float64, ok bool) {
	text, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseFloat(string(fields[1]), 64)
	return pages * float64(os.Getpagesize()), err == nil
}

// runtimeRows are what Go's runtime tells.
var runtimeRows = []struct {
	sample, name string
	kind         Type
	help         string
}{
	{"/sched/goroutines:goroutines", "go_goroutines", Gauge, "Goroutines there are."},
	{"/memory/classes/heap/objects:bytes", "go_memstats_heap_alloc_bytes", Gauge, "Bytes of objects on the heap."},
	{"/gc/heap/live:bytes", "go_gc_heap_live_bytes", Gauge, "Bytes of objects that the last garbage collection found in use: what rises here for long is a leak."},
	{"/memory/classes/total:bytes", "go_memstats_sys_bytes", Gauge, "Bytes the runtime has from the system."},
	{"/gc/cycles/total:gc-cycles", "go_gc_cycles_total", Counter, "Garbage collections so far."},
}

func runtimeFamilies() (all []Family) {
	samples := make([]metrics.Sample, len(runtimeRows))
	for i, r := range runtimeRows {
		samples[i].Name = r.sample
	}
	metrics.Read(samples)
	for i, r := range runtimeRows {
		if samples[i].Value.Kind() == metrics.KindUint64 {
			all = append(all, Family{r.name, r.help, r.kind, one(float64(samples[i].Value.Uint64()))})
		}
	}
	return all
}
