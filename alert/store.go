package alert

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/leaktap/leaktap/classify"
)

// store keeps a ledger in a file (bbolt). It holds the file open only while it reads or
// writes, so that reports can be made while an agent runs.
type store struct {
	path string
	log  *slog.Logger
}

// The buckets of the file: exposures by fingerprint, tokens by digest, acceptances by
// fingerprint, and how many entries each of them has. An entry is the CRC-32 (IEEE) of key and
// JSON, four bytes little-endian, and the JSON: bbolt itself checks its meta pages only.
const (
	exposureBucket   = "exposures"
	tokenBucket      = "tokens"
	acceptanceBucket = "acceptances"
	countBucket      = "counts"
)

// dirty are the keys, by bucket, of what changed since it was written.
type dirty map[string]map[string]bool

func newDirty() dirty { return dirty{exposureBucket: {}, tokenBucket: {}, acceptanceBucket: {}} }

// add adds what another holds.
func (d dirty) add(other dirty) {
	for bucket, keys := range other {
		maps.Copy(d[bucket], keys)
	}
}

// storedExposure is an exposure as the file holds it.
type storedExposure struct {
	Finding     *classify.Finding `json:"finding"`
	Severity    classify.Severity `json:"severity"`
	First       classify.Source   `json:"first"`
	FirstSeen   time.Time         `json:"first_seen"`
	LastSeen    time.Time         `json:"last_seen"`
	Taken       time.Time         `json:"taken"`
	Findings    int64             `json:"findings"`
	Count       int64             `json:"count"`
	Principals  []string          `json:"principals"`
	Absent      int64             `json:"absent"`
	Regressions int               `json:"regressions"`
	Timeline    *Timeline         `json:"timeline,omitempty"`
}

const (
	// lockTimeout is how long another process may hold the file.
	lockTimeout = 5 * time.Second
	storeMode   = 0o600
)

// OpenLedger returns a ledger that is kept in a file. What the file holds is read; a file
// that is damaged is put aside, with an error in the log, and a new one is begun. describe
// gives the rule of an id, nil if there is none.
func OpenLedger(path string, c LedgerConfig, describe func(id string) *classify.Rule, log *slog.Logger) (*Ledger, error) {
	l := NewLedger(c)
	err := l.load(path, describe)
	s := &store{path, log}
	if isDamaged(err) {
		l, err = NewLedger(c), s.putAside(l.config.Now(), err)
	}
	if err != nil {
		return nil, err
	}
	l.store = s
	return l, nil
}

// putAside makes room for a new file.
func (s *store) putAside(now time.Time, cause error) error {
	aside := fmt.Sprintf("%s.damaged-%d", s.path, now.Unix())
	if err := os.Rename(s.path, aside); err != nil {
		return errors.Join(cause, err)
	}
	s.log.Error("ledger is damaged: it was put aside, and a new one is begun", "ledger", s.path, "aside", aside, "cause", cause)
	return nil
}

// ReadLedger returns what a ledger's file holds; the file is not changed.
func ReadLedger(path string, c LedgerConfig, describe func(id string) *classify.Rule) (*Ledger, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	l := NewLedger(c)
	return l, l.load(path, describe)
}

// damagedError says that a file is no ledger, or no whole one.
type damagedError struct{ cause error }

func isDamaged(err error) bool {
	_, damaged := errors.AsType[*damagedError](err)
	return damaged
}

func (e *damagedError) Error() string { return "ledger is damaged: " + e.cause.Error() }
func (e *damagedError) Unwrap() error { return e.cause }

// load reads a file; one that is not there, or empty, is an empty ledger.
func (l *Ledger) load(path string, describe func(id string) *classify.Rule) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	if err := checkSize(path, info.Size()); err != nil {
		return err
	}
	return guarded(func() error { return l.read(path, describe) })
}

// guarded turns a panic, or a fault in reading mapped memory, into an error: bbolt trusts its
// file.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			err = &damagedError{fmt.Errorf("%v", cause)}
		}
	}()
	return f()
}

func (l *Ledger) read(path string, describe func(id string) *classify.Rule) error {
	db, err := bolt.Open(path, storeMode, &bolt.Options{Timeout: lockTimeout, ReadOnly: true})
	if err != nil {
		if errors.Is(err, bolterrors.ErrTimeout) || errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("open ledger %s: %w", path, err)
		}
		return &damagedError{err}
	}
	defer db.Close() // read-only: there is nothing to lose
	return db.View(func(tx *bolt.Tx) error {
		if err := l.readExposures(tx, describe); err != nil {
			return err
		}
		return errors.Join(l.readTokens(tx), l.readAcceptances(tx))
	})
}

// entries calls f with the JSON of each entry of a bucket.
func entries(tx *bolt.Tx, name string, f func(key string, text []byte) error) error {
	bucket, counts := tx.Bucket([]byte(name)), tx.Bucket([]byte(countBucket))
	if counts == nil {
		return &damagedError{errors.New("there are no counts")}
	}
	n := uint64(0)
	if bucket != nil {
		err := bucket.ForEach(func(key, entry []byte) error {
			n++
			if len(entry) < crc32.Size || binary.LittleEndian.Uint32(entry) != entrySum(key, entry[crc32.Size:]) {
				return &damagedError{fmt.Errorf("an entry of %s is not what was written", name)}
			}
			return f(string(key), entry[crc32.Size:])
		})
		if err != nil {
			return err
		}
	}
	if want := countOf(counts, name); n != want {
		return &damagedError{fmt.Errorf("%d of %d %s are there", n, want, name)}
	}
	return nil
}

func entrySum(key, text []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(key), crc32.IEEETable, text)
}

// countOf reads the count of a bucket, 0 if there is none.
func countOf(counts *bolt.Bucket, name string) uint64 {
	if value := counts.Get([]byte(name)); len(value) == 8 {
		return binary.LittleEndian.Uint64(value)
	}
	return 0
}

func (l *Ledger) readExposures(tx *bolt.Tx, describe func(id string) *classify.Rule) error {
	var list []storedExposure
	err := entries(tx, exposureBucket, func(_ string, text []byte) error {
		var s storedExposure
		if err := json.Unmarshal(text, &s); err != nil || s.Finding == nil {
			return fmt.Errorf("read an exposure of another version of leaktap: %w", err)
		}
		list = append(list, s)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b storedExposure) int { return a.Taken.Compare(b.Taken) })
	for i := range list {
		l.restore(&list[i], describe)
	}
	return nil
}

// restore puts an exposure back.
func (l *Ledger) restore(s *storedExposure, describe func(id string) *classify.Rule) {
	if rule := describe(s.Finding.Rule.ID); rule != nil {
		s.Finding.Rule = rule
	}
	e := &entry{
		Exposure: Exposure{
			Fingerprint: s.Finding.Fingerprint, Sample: s.Finding, Severity: s.Severity, First: s.First, FirstSeen: s.FirstSeen, LastSeen: s.LastSeen,
			Taken: s.Taken, Findings: s.Findings, Count: s.Count, Regressions: s.Regressions, Timeline: s.Timeline,
		},
		principals: map[string]struct{}{},
	}
	for _, p := range s.Principals {
		e.principals[p] = struct{}{}
	}
	e.answered = *l.answersOf(routeOf(&s.Finding.HTTP)) - s.Absent
	l.exposures.put(s.Finding.Fingerprint, e)
	l.seen.first(s.Finding.ID)
}

func (l *Ledger) readTokens(tx *bolt.Tx) error {
	return entries(tx, tokenBucket, func(key string, text []byte) error {
		r := &TokenRecord{}
		if err := json.Unmarshal(text, r); err != nil || r.Token == nil {
			return fmt.Errorf("read a token of another version of leaktap: %w", err)
		}
		l.tokens.put(key, r)
		return nil
	})
}

func (l *Ledger) readAcceptances(tx *bolt.Tx) error {
	return entries(tx, acceptanceBucket, func(key string, text []byte) error {
		a := &Acceptance{}
		if err := json.Unmarshal(text, a); err != nil {
			return fmt.Errorf("read an acceptance of another version of leaktap: %w", err)
		}
		l.acceptances[key] = a
		return nil
	})
}
