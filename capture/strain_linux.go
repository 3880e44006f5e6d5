package capture

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// meter measures what capturing costs, from one look to the next.
type meter struct {
	// threads are the ids of those that run the workers, 0 for one that does not run yet.
	threads []atomic.Int32
	// budget is in cores, 0 for none; modest says that others go first.
	budget float64
	modest bool
	// file is /proc/stat.
	file string
	// warned says that it was said that not all is known.
	warned bool

	last    time.Time
	used    []time.Duration // by worker
	machine machineTime
}

func newMeter(cfg *Config, workers int) *meter {
	return &meter{
		threads: make([]atomic.Int32, workers), used: make([]time.Duration, workers),
		budget: float64(cfg.Budget) / 100, modest: cfg.Nice > 0, file: "/proc/stat",
	}
}

// look returns what was spent since the last look; ok is false for the first one, and while
// a worker does not run yet. An error says that not all is known; drops are.
func (m *meter) look(now time.Time, kernel kernelStats) (cost strain, ok bool, err error) {
	passed, first := now.Sub(m.last).Seconds(), m.last.IsZero()
	m.last = now
	used, ok, err := m.workersTime()
	cost = strain{
		received: kernel.received, dropped: kernel.dropped, budget: m.budget,
		workers: float64(len(m.threads)), used: used.Seconds() / passed,
	}
	if m.modest {
		machine, err2 := readMachineTime(m.file)
		if err = errors.Join(err, err2); err2 == nil {
			cost.cores, cost.idle = machine.since(&m.machine)
			m.machine = machine
		}
	}
	return cost, ok && !first, err
}

// since is how many cores there are, and how many of them were idle since before. What steps
// back is not: in a control group of its own it takes its share all the same.
func (m *machineTime) since(before *machineTime) (cores, idle float64) {
	all := float64(m.all - before.all)
	if all <= 0 {
		return 0, 0
	}
	cores = float64(m.cores)
	return cores, cores * float64(m.idle-before.idle) / all
}

// workersTime is what the workers used since the last call.
func (m *meter) workersTime() (sum time.Duration, ok bool, err error) {
	ok = true
	for i := range m.threads {
		id := m.threads[i].Load()
		if id == 0 {
			ok = false
			continue
		}
		now, err1 := threadTime(int(id))
		if err = errors.Join(err, err1); err1 == nil {
			sum += now - m.used[i]
			m.used[i] = now
		}
	}
	return sum, ok, err
}

// threadTime is the processor time that a thread of this process has used.
func threadTime(id int) (time.Duration, error) {
	// CPUCLOCK_PERTHREAD and CPUCLOCK_SCHED in the kernel's posix-timers.h: what
	// pthread_getcpuclockid(3) returns.
	clock := ^int32(id)<<3 | 4 | 2
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, fmt.Errorf("read clock of thread %d: %w", id, err)
	}
	return time.Duration(t.Nano()), nil
}

// machineTime is the time of all cores since the machine started, in ticks.
type machineTime struct {
	idle, all int64
	cores     int
}

// readMachineTime reads a file such as /proc/stat (proc_stat(5)), which tells of the whole machine in a
// container, too. Waiting for disks is idle time; what a hypervisor took is not.
func readMachineTime(file string) (m machineTime, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return m, fmt.Errorf("read time of processors: %w", err)
	}
	for line := range bytes.Lines(text) {
		switch {
		case bytes.HasPrefix(line, []byte("cpu ")):
			err = m.add(bytes.Fields(line)[1:])
		case bytes.HasPrefix(line, []byte("cpu")):
			m.cores++
		}
	}
	if err == nil && (m.all == 0 || m.cores == 0) {
		err = errors.New("there is none")
	}
	if err != nil {
		return m, fmt.Errorf("read time of processors in %s: %w", file, err)
	}
	return m, nil
}

// add takes the columns user, nice, system, idle, iowait, irq, softirq and steal; those of
// guests are in user and nice already.
func (m *machineTime) add(columns [][]byte) error {
	const idle, iowait, count = 3, 4, 8
	for i, column := range columns[:min(count, len(columns))] {
		n, err := strconv.ParseInt(string(column), 10, 64)
		if err != nil {
			return err
		}
		m.all += n
		if i == idle || i == iowait {
			m.idle += n
		}
	}
	return nil
}
