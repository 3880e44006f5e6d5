package spool

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// counts are records that were dropped, by reason.
type counts map[string]int

func (c counts) add(reason string, n int) { c[reason] += n }

func open(t *testing.T, dir string, edit ...func(*Config)) (*Spool, counts) {
	t.Helper()
	dropped := counts{}
	c := Config{Dir: dir, Dropped: dropped.add}
	for _, e := range edit {
		e(&c)
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // a second time, where the test has closed it
	return s, dropped
}

func appendAll(t *testing.T, s *Spool, records ...string) {
	t.Helper()
	for _, r := range records {
		if err := s.Append([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
}

// drain takes all records, n at a time.
func drain(s *Spool, n int) (records []string) {
	for {
		b := s.Take(n)
		if len(b.Records) == 0 {
			return records
		}
		for _, r := range b.Records {
			records = append(records, string(r))
		}
		s.Done(b)
	}
}

func numbered(from, to, size int) (records []string) {
	for i := from; i < to; i++ {
		records = append(records, fmt.Sprintf("record %06d %s", i, strings.Repeat("x", size)))
	}
	return records
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestRecordsComeInOrderAndOnce(t *testing.T) {
	dir := t.TempDir()
	s, dropped := open(t, dir, func(c *Config) { c.MaxBytes = 256 << 10 })
	want := numbered(0, 1000, 100)
	var got []string
	for part := range slices.Chunk(want, 100) {
		appendAll(t, s, part...)
		got = append(got, drain(s, 7)...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d records came, want %d in order", len(got), len(want))
	}
	if len(dropped) > 0 {
		t.Errorf("dropped %v", dropped)
	}
	if n := len(files(t, dir)); n != 1 {
		t.Errorf("%d files are left, want the one that is written to", n)
	}
}

func TestWhatWasNotDoneComesAgain(t *testing.T) {
	s, _ := open(t, t.TempDir())
	appendAll(t, s, "a", "b", "c")
	first := s.Take(2)
	if again := s.Take(2); !slices.EqualFunc(first.Records, again.Records, bytes.Equal) {
		t.Errorf("a second Take returns %q, want %q", again.Records, first.Records)
	}
	s.Done(first)
	if got := drain(s, 2); !slices.Equal(got, []string{"c"}) {
		t.Errorf("then come %q, want c", got)
	}
}

func TestReopenedSpoolGoesOn(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	appendAll(t, s, "a", "b", "c")
	s.Done(s.Take(1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, dropped := open(t, dir)
	appendAll(t, s, "d")
	if got := drain(s, 10); !slices.Equal(got, []string{"b", "c", "d"}) || len(dropped) > 0 {
		t.Errorf("%q come, dropped %v; want b, c, d", got, dropped)
	}
	// A spool that was emptied begins with another number: the note of what was delivered is
	// that of a file which is gone.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		s, _ = open(t, dir)
		appendAll(t, s, "e", "f")
		if got := drain(s, 10); !slices.Equal(got, []string{"e", "f"}) {
			t.Errorf("round %d: %q come, want e, f", round, got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheOldestMakeRoomAndAreCounted(t *testing.T) {
	dir := t.TempDir()
	s, dropped := open(t, dir, func(c *Config) { c.MaxBytes = 64 << 10 })
	want := numbered(0, 600, 500)
	appendAll(t, s, want...)
	if s.Bytes() > 64<<10 {
		t.Errorf("%d bytes, want 64 KiB at most", s.Bytes())
	}
	got := drain(s, 50)
	if len(got) == 0 || !slices.Equal(got, want[len(want)-len(got):]) {
		t.Errorf("%d records came, want the newest", len(got))
	}
	if dropped[ReasonFull] != len(want)-len(got) {
		t.Errorf("%d were counted, want %d", dropped[ReasonFull], len(want)-len(got))
	}
	many := make([][]byte, 0, len(want))
	for _, r := range want {
		many = append(many, []byte(r))
	}
	if err := s.Append(many...); err != nil || s.Bytes() > 64<<10 {
		t.Errorf("more at once than fits: %v, %d bytes", err, s.Bytes())
	}
	if err := s.Append(bytes.Repeat([]byte{'x'}, 65<<10)); err == nil {
		t.Error("a record larger than the spool was taken")
	}
}

// TestBatchThatWasDroppedMeanwhile has the segment of a batch make room before it is done.
func TestBatchThatWasDroppedMeanwhile(t *testing.T) {
	s, _ := open(t, t.TempDir(), func(c *Config) { c.MaxBytes = 64 << 10 })
	appendAll(t, s, numbered(0, 100, 200)...)
	old := s.Take(5)
	appendAll(t, s, numbered(100, 1000, 200)...)
	before := s.Take(1)
	s.Done(old)
	if after := s.Take(1); string(after.Records[0]) != string(before.Records[0]) {
		t.Error("what was dropped has counted as another's delivery")
	}
}

// TestBatchInFlightIsDeliveredOrDropped has the segment of a batch make room while the batch is
// under way: each record is delivered or counted as dropped, and none is both.
func TestBatchInFlightIsDeliveredOrDropped(t *testing.T) {
	const first, all = 100, 1000
	for name, end := range map[string]func(s *Spool, b Batch) (delivered int){
		"delivered": func(s *Spool, b Batch) int { s.Done(b); return len(b.Records) },
		"failed":    func(*Spool, Batch) int { return 0 },
		"closed": func(s *Spool, _ Batch) int {
			_ = s.Close() // the lock is what it closes
			return 0
		},
	} {
		s, dropped := open(t, t.TempDir(), func(c *Config) { c.MaxBytes = 64 << 10 })
		appendAll(t, s, numbered(0, first, 200)...)
		b := s.Take(7)
		appendAll(t, s, numbered(first, all, 200)...)
		if before := dropped[ReasonFull]; before < first-7 {
			t.Fatalf("%s: %d records made room, want the first segments", name, before)
		}
		delivered := end(s, b)
		if delivered += len(drain(s, 50)); delivered+dropped[ReasonFull] != all {
			t.Errorf("%s: %d were delivered and %d dropped of %d", name, delivered, dropped[ReasonFull], all)
		}
	}
}

func TestTwoProcessesDoNotShare(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if _, err := Open(Config{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("the second one got %v, want ErrInUse", err)
	}
}

// TestFlippedBytes damages one byte after the other: all other records come, the loss is
// counted, and nothing comes that was not written.
func TestFlippedBytes(t *testing.T) {
	want := numbered(0, 5, 3)
	var whole []byte
	for _, r := range want {
		whole = appendRecord(whole, []byte(r))
	}
	for at := range whole {
		dir := t.TempDir()
		damaged := slices.Clone(whole)
		damaged[at] ^= 1 << rand.IntN(8)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%016x%s", 3, suffix)), damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s, dropped := open(t, dir)
		got := drain(s, 2)
		if len(got) != len(want)-1 || dropped[ReasonDamaged]+dropped[ReasonTorn] != 1 {
			t.Fatalf("byte %d: %d records came, dropped %v; want all but one, counted", at, len(got), dropped)
		}
		for _, r := range got {
			if !slices.Contains(want, r) {
				t.Fatalf("byte %d: %q came, which was not written", at, r)
			}
		}
	}
}

// TestDamageWhileOpen changes a file under an open spool.
func TestDamageWhileOpen(t *testing.T) {
	dir := t.TempDir()
	s, dropped := open(t, dir)
	appendAll(t, s, "first", "second", "third")
	name := files(t, dir)[0]
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, bytes.Replace(text, []byte("second"), []byte("sec0nd"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := drain(s, 10); !slices.Equal(got, []string{"first", "third"}) || dropped[ReasonDamaged] != 1 {
		t.Errorf("%q came, dropped %v; want first and third, and one damaged", got, dropped)
	}
}

// TestCrashAtAnyByte cuts what is on disk at every byte, as a crash may that comes while a
// record is written: whatever was acknowledged by then comes after the recovery.
func TestCrashAtAnyByte(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	var acknowledged []int64 // sizes of the file by which each record was
	records := numbered(0, 6, 2)
	for i, r := range records {
		appendAll(t, s, r)
		acknowledged = append(acknowledged, s.Bytes())
		if i == 2 {
			s.Done(s.Take(1)) // the head is on disk, too
		}
	}
	whole, err := os.ReadFile(files(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	head, err := os.ReadFile(filepath.Join(dir, headFile))
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		for name, rest := range map[string][]byte{"nothing": nil, "zeros": make([]byte, 40), "noise": []byte("\xffLT\xfe\x05\x00\x00\x00abcdefgh")} {
			crashed := t.TempDir()
			text := append(slices.Clone(whole[:cut]), rest...)
			if err := os.WriteFile(filepath.Join(crashed, filepath.Base(files(t, dir)[0])), text, 0o600); err != nil {
				t.Fatal(err)
			}
			delivered := 0
			if int64(cut) >= acknowledged[2] { // it was delivered after the third came
				delivered = 1
				if err := os.WriteFile(filepath.Join(crashed, headFile), head, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r, _ := open(t, crashed)
			appendAll(t, r, "new")
			got := drain(r, 3)
			for i, size := range acknowledged {
				if int64(cut) >= size && i >= delivered && !slices.Contains(got, records[i]) {
					t.Fatalf("cut at %d, then %s: record %d was acknowledged and did not come: %q", cut, name, i, got)
				}
			}
			if len(got) == 0 || got[len(got)-1] != "new" {
				t.Fatalf("cut at %d, then %s: what was written after the recovery did not come: %q", cut, name, got)
			}
		}
	}
}

// faulty is a file on a disk that fills up.
type faulty struct {
	file
	left *int
}

func (f faulty) Write(b []byte) (int, error) {
	n := min(len(b), *f.left)
	*f.left -= n
	written, err := f.file.Write(b[:n])
	if err == nil && n < len(b) {
		err = syscall.ENOSPC
	}
	return written, err
}

// TestFullDisk has writes fail in the middle of a record: the error is told, what was
// acknowledged comes, and when there is room again it goes on.
func TestFullDisk(t *testing.T) {
	for room := range 120 {
		left := room
		s, dropped := open(t, t.TempDir(), func(c *Config) {
			c.create = func(name string) (file, error) {
				f, err := createFile(name)
				return faulty{f, &left}, err
			}
		})
		var acknowledged []string
		for _, r := range numbered(0, 5, 10) {
			switch err := s.Append([]byte(r)); {
			case err == nil:
				acknowledged = append(acknowledged, r)
			case !errors.Is(err, syscall.ENOSPC):
				t.Fatalf("error is %v, want ENOSPC", err)
			}
		}
		left = 1 << 20
		appendAll(t, s, "room again")
		acknowledged = append(acknowledged, "room again")
		if got := drain(s, 3); !slices.Equal(got, acknowledged) {
			t.Errorf("room for %d bytes: %q came, want %q", room, got, acknowledged)
		}
		if len(dropped) > 0 {
			t.Errorf("room for %d bytes: dropped %v", room, dropped)
		}
	}
}

// FuzzScan reads anything: nothing comes that has no checksum, and a whole record behind
// whatever it may be is found.
func FuzzScan(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendRecord(nil, []byte("a")))
	f.Add(append(appendRecord(nil, []byte("a")), "\xffLT\xfe\xff\xff\x00\x00"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		const needle = "a record that is whole"
		list, damaged, torn := scan(append(slices.Clone(b), appendRecord(nil, []byte(needle))...))
		if torn || len(list) == 0 || string(list[len(list)-1].record) != needle {
			t.Fatalf("the record behind was not found (%d damaged, torn %t)", damaged, torn)
		}
		list, _, _ = scan(b)
		end := int64(0)
		for _, e := range list {
			if e.end < end+headBytes || e.end > int64(len(b)) {
				t.Fatalf("a record ends at %d, behind one at %d of %d", e.end, end, len(b))
			}
			if _, ok := parse(b[e.end-int64(len(e.record))-headBytes:]); !ok {
				t.Fatal("a record came that is not whole")
			}
			end = e.end
		}
	})
}
