package spool

import (
	"errors"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFullTmpfs fills a real file system of 256 KiB.
func TestFullTmpfs(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s, dropped := open(t, dir+"/spool")
	var acknowledged []string
	full := false
	for _, r := range numbered(0, 500, 1000) {
		switch err := s.Append([]byte(r)); {
		case err == nil:
			acknowledged = append(acknowledged, r)
		case errors.Is(err, unix.ENOSPC):
			full = true
		default:
			t.Fatal(err)
		}
	}
	if !full {
		t.Fatal("the disk was never full")
	}
	got := drain(s, 100)
	if !slices.Equal(got, acknowledged) {
		t.Errorf("%d records came, want the %d that were acknowledged", len(got), len(acknowledged))
	}
	appendAll(t, s, "room again")
	if got := drain(s, 1); !slices.Equal(got, []string{"room again"}) || len(dropped) > 0 {
		t.Errorf("then %q came, dropped %v", got, dropped)
	}
	if entries, err := os.ReadDir(dir + "/spool"); err != nil || len(entries) > 4 {
		t.Errorf("%d files are left (%v)", len(entries), err)
	}
}
