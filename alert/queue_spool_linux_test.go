package alert

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFullDiskFallsBackToMemory fills the disk of a spool that is in use, and makes room again:
// what comes meanwhile is delivered from memory, and the errors are counted.
func TestFullDiskFallsBackToMemory(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	m, reg := testMetrics()
	c := newCollector()
	q := newQueue("test", 100, 50, m, quiet(), c.deliver)
	q.Spool(SpoolConfig{Dir: filepath.Join(dir, "spool")})
	stop := start(t, q)
	q.Accept(finding(0))
	settle(t, q)
	c.wait(t, 1)

	filler, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = filler.Write(make([]byte, 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	const more = 40 // more than the last page of the segment holds
	for i := 1; i <= more; i++ {
		q.Accept(finding(i))
		settle(t, q)
	}
	if n := value(t, reg, "leaktap_spool_errors_total", "sink", "test"); n == 0 {
		t.Error("a full disk was not counted")
	}
	if err := errors.Join(filler.Truncate(0), filler.Close()); err != nil {
		t.Fatal(err)
	}
	q.Accept(finding(more + 1))
	settle(t, q)
	got := c.wait(t, more+1)
	slices.Sort(got)
	want := ids(0, more+2)
	slices.Sort(want)
	if !slices.Equal(slices.Compact(got), want) {
		t.Errorf("%d findings came, want %d", len(got), len(want))
	}
	if n := value(t, reg, "leaktap_notifications_failed_total", "sink", "test"); n != 0 {
		t.Errorf("%v findings were dropped", n)
	}
	stop()
}
