package alert

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// save writes what changed. What cannot be written stays for the next time.
func (l *Ledger) save() error {
	if l.store == nil {
		return nil
	}
	l.saving.Lock()
	defer l.saving.Unlock()
	err := l.saveChanged()
	if !isDamaged(err) {
		return err
	}
	if err := l.store.putAside(l.config.Now(), err); err != nil {
		return err
	}
	l.mu.Lock()
	l.dirty.add(l.keys())
	l.mu.Unlock()
	return l.saveChanged()
}

// keys are those of all that the ledger holds.
func (l *Ledger) keys() dirty {
	all := newDirty()
	for key := range l.exposures.all {
		all[exposureBucket][key] = true
	}
	for key := range l.tokens.all {
		all[tokenBucket][key] = true
	}
	for key := range l.acceptances {
		all[acceptanceBucket][key] = true
	}
	return all
}

func (l *Ledger) saveChanged() error {
	l.mu.Lock()
	changed := l.dirty
	l.dirty = newDirty()
	texts, err := l.encode(changed)
	l.mu.Unlock()
	if err == nil && len(texts) > 0 {
		err = guarded(func() error { return l.store.write(texts) })
	}
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.dirty.add(changed)
	}
	return err
}

// encode returns what is to be written, by bucket and key; nil for what is gone.
func (l *Ledger) encode(changed dirty) (texts map[string]map[string][]byte, err error) {
	texts = map[string]map[string][]byte{}
	for bucket, keys := range changed {
		for key := range keys {
			if texts[bucket] == nil {
				texts[bucket] = map[string][]byte{}
			}
			texts[bucket][key] = nil
			if value := l.valueOf(bucket, key); value != nil {
				if texts[bucket][key], err = json.Marshal(value); err != nil {
					return nil, fmt.Errorf("encode an entry of %s: %w", bucket, err)
				}
			}
		}
	}
	return texts, nil
}

// valueOf returns what a bucket is to hold under a key, nil for nothing.
func (l *Ledger) valueOf(bucket, key string) any {
	switch bucket {
	case exposureBucket:
		if e, ok := l.exposures.peek(key); ok {
			return l.stored(e)
		}
	case tokenBucket:
		if r, ok := l.tokens.peek(key); ok {
			return r
		}
	case acceptanceBucket:
		if a, ok := l.acceptances[key]; ok {
			return a
		}
	}
	return nil
}

func (l *Ledger) stored(e *entry) *storedExposure {
	s := &storedExposure{
		Finding: e.Sample, Severity: e.Severity, First: e.First, FirstSeen: e.FirstSeen, LastSeen: e.LastSeen, Taken: e.Taken,
		Findings: e.Findings, Count: e.Count, Absent: l.absent(e), Regressions: e.Regressions, Timeline: e.Timeline,
	}
	for p := range e.principals {
		s.Principals = append(s.Principals, p)
	}
	slices.Sort(s.Principals)
	return s
}

// write puts entries, by bucket and key, into the file in one transaction; nil ones are
// deleted.
func (s *store) write(texts map[string]map[string][]byte) (err error) {
	db, err := bolt.Open(s.path, storeMode, &bolt.Options{Timeout: lockTimeout})
	if err != nil {
		return fmt.Errorf("open ledger %s: %w", s.path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }() // after a panic, too
	err = db.Update(func(tx *bolt.Tx) error {
		var errs []error
		for bucket, entries := range texts {
			errs = append(errs, put(tx, bucket, entries))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return fmt.Errorf("write ledger %s: %w", s.path, err)
	}
	return nil
}

// put changes a bucket and its count.
func put(tx *bolt.Tx, name string, entries map[string][]byte) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte(name))
	if err != nil {
		return err
	}
	counts, err := tx.CreateBucketIfNotExists([]byte(countBucket))
	if err != nil {
		return err
	}
	n := countOf(counts, name)
	for key, text := range entries {
		known := bucket.Get([]byte(key)) != nil
		switch {
		case text == nil && known:
			n--
			err = bucket.Delete([]byte(key))
		case text != nil:
			if !known {
				n++
			}
			entry := binary.LittleEndian.AppendUint32(nil, entrySum([]byte(key), text))
			err = bucket.Put([]byte(key), append(entry, text...))
		}
		if err != nil {
			return err
		}
	}
	return counts.Put([]byte(name), binary.LittleEndian.AppendUint64(nil, n))
}
