//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const (
	killTopic      = "killed"
	killPartitions = 4
	killRecords    = 1_500 // in each round
	killBatch      = 30
)

// TestKillLosesNothing ends the agent with kill -9 at different moments while records
// flow. Whatever offset was committed by then, every planted leak before it has to be
// in the findings file, and at the end every leak there is.
func TestKillLosesNothing(t *testing.T) {
	kafka := startBroker(t)
	kafka.topic(t, killTopic, killPartitions)
	s := newSecrets()
	l := &ledger{file: filepath.Join(t.TempDir(), "findings.jsonl"), planted: map[place]bool{}}
	config := runConfig{brokers: kafka.address, topics: []string{killTopic}, findings: l.file}.file(t)
	outputs := pile{}
	started := time.Now()

	// The moments: as soon as the group was joined, at the first finding, and at
	// random numbers of findings.
	moments := []int{0, 1, 10, 1 + rand.IntN(200), 1 + rand.IntN(killRecords/2), 1 + rand.IntN(killRecords/2)}
	for round, lines := range moments {
		a := startAgent(t, fmt.Sprintf("run-%d", round+1), "run", "--config", config)
		before := l.size()
		produced := l.produce(kafka, s)
		poll(t, time.Millisecond, 30*time.Second, "moment to kill", func() error {
			if l.size() < before+int64(lines)*bytesPerFinding {
				return errors.New("too few findings")
			}
			return nil
		})
		a.signal(syscall.SIGKILL)
		a.exit(t, 10*time.Second)
		if err := <-produced; err != nil {
			t.Fatal(err)
		}
		outputs.keepProcess(a.process)
		l.check(t, kafka, fmt.Sprintf("kill %d after %d findings", round+1, lines), len(moments))
	}

	a := startAgent(t, "run-last", "run", "--config", config)
	eventually(t, 60*time.Second, "everything is committed", func() error {
		if sum := total(kafka.committed(t, "e2e", killTopic)); sum < l.records {
			return fmt.Errorf("%d of %d records", sum, l.records)
		}
		return nil
	})
	outputs.keep("metrics", a.metrics())
	a.terminate(t)
	outputs.keepProcess(a.process)
	l.check(t, kafka, "the end", len(moments))
	t.Logf("%d records in %v, %d kills", l.records, time.Since(started).Round(time.Second), len(moments))
	outputs.keepFile(t, l.file)
	outputs.search(t, s)
}

// bytesPerFinding is a little less than one line of findings.
const bytesPerFinding = 700

// ledger knows where leaks were planted.
type ledger struct {
	file    string
	planted map[place]bool
	records int64
}

// produce writes a round's records in the background; every third one leaks.
func (l *ledger) produce(kafka *broker, s *secrets) <-chan error {
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for range killRecords / killBatch {
			values := make([]string, killBatch)
			for i := range values {
				values[i] = recordOf(s, i)
			}
			places, err := kafka.produce(ctx, killTopic, killPartitions, values)
			if err != nil {
				done <- err
				return
			}
			for i, at := range places {
				l.records++
				if i%3 == 0 {
					l.planted[at] = true
				}
			}
		}
		done <- nil
	}()
	return done
}

// recordOf makes a record; each third one leaks, as a line of text or an exchange.
func recordOf(s *secrets, n int) string {
	u := s.Users[n%len(s.Users)]
	switch n % 6 {
	case 0:
		return fmt.Sprintf("2026-11-23 10:00:00,000 DEBUG accounts.auth user %d has hash %s", n, u.PasswordHash)
	case 3:
		return fmt.Sprintf(`{"method":"GET","path":"/leaky/profile/%d","status":200,"response":{"body":"{\"password_hash\":\"%s\"}"}}`, n, u.PasswordHash)
	default:
		return fmt.Sprintf(`{"method":"GET","path":"/fixed/profile/%d","status":200,"duration_ms":1.5}`, n)
	}
}

// size is that of the findings file.
func (l *ledger) size() int64 {
	info, err := os.Stat(l.file)
	if err != nil {
		return 0
	}
	return info.Size()
}

// check wants every leak before the committed offsets in the findings file, one id for
// each finding however often it was repeated, and nothing where nothing was planted.
func (l *ledger) check(t *testing.T, kafka *broker, moment string, kills int) {
	t.Helper()
	committed := kafka.committed(t, "e2e", killTopic)
	text, err := os.ReadFile(l.file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	list, broken := parseFindings(string(text))
	if broken > kills {
		t.Errorf("%s: %d broken lines, want one for each kill at most", moment, broken)
	}
	found, ids := map[place]bool{}, map[string]string{}
	unplanted, renamed := 0, 0
	for _, f := range list {
		at := place{f.Source.Name, f.Source.Partition, f.Source.Offset}
		found[at] = true
		if !l.planted[at] {
			unplanted++
		}
		key := fmt.Sprint(at, f.leak())
		if ids[key] != "" && ids[key] != f.ID {
			renamed++
		}
		ids[key] = f.ID
	}
	if unplanted > 0 || renamed > 0 {
		t.Errorf("%s: %d findings where nothing was planted, %d replayed under another id", moment, unplanted, renamed)
	}
	lost := 0
	for at := range l.planted {
		if at.offset < committed[at.partition] && !found[at] {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%s: %d leaks before the committed offsets are not in the file", moment, lost)
	}
	t.Logf("%s: %d of %d records committed, %d leaks planted, %d found, %d findings repeated, %d half lines",
		moment, total(committed), l.records, len(l.planted), len(found), len(list)-len(ids), broken)
}

func total(offsets map[int32]int64) (sum int64) {
	for _, offset := range offsets {
		sum += offset
	}
	return sum
}
