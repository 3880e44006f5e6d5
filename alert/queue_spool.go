package alert

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafka "github.com/segmentio/kafka-go"

	"github.com/leaktap/leaktap/alert/spool"
	"github.com/leaktap/leaktap/classify"
)

// SpoolConfig says where a sink keeps what it could not deliver yet.
type SpoolConfig struct {
	// Dir is of this sink alone.
	Dir string
	// MaxBytes bounds it, 256 MiB by default; the oldest findings make room.
	MaxBytes int64
}

// Spool has the sink keep findings on disk until they are delivered, as they would be sent: a
// finding counts as accepted when it is there, and an outage of the receiver stops nothing. What
// the receiver refuses for its content is dropped and counted; everything else is tried until it
// goes through. While the disk takes nothing the sink does as without a spool. It is called before
// Run, which opens the directory.
func (q *queue) Spool(c SpoolConfig) { q.spool = &spooling{queue: q, config: c} }

// spooling is the part of a queue that has a disk. Two goroutines share it: one stores, one
// delivers.
type spooling struct {
	*queue
	config SpoolConfig
	disk   *spool.Spool
	// delivering is held during one call of deliver, which knows only one caller.
	delivering sync.Mutex
	failing    bool // the disk took nothing the last time
}

// Run stores what is accepted and delivers what is stored. When ctx ends it stores what waits,
// and goes on delivering for at most flushGrace; the rest stays on disk.
func (s *spooling) Run(ctx context.Context) error {
	disk, err := spool.Open(spool.Config{Dir: s.config.Dir, MaxBytes: s.config.MaxBytes, Dropped: s.dropped})
	if errors.Is(err, spool.ErrInUse) {
		return err
	}
	if err != nil {
		s.log.Error("no spool: findings wait in memory", "sink", s.name, "cause", err)
		s.metrics.spoolErrors.WithLabelValues(s.name).Inc()
		return s.runInMemory(ctx)
	}
	s.disk = disk
	defer s.metrics.watchSpool(s.name, disk)()
	work, cancel := outlive(ctx, flushGrace)
	defer cancel()
	stored := make(chan struct{})
	var delivering sync.WaitGroup
	delivering.Go(func() { s.deliverAll(ctx, work, stored) })
	for ctx.Err() == nil {
		select {
		case f := <-s.findings:
			s.store(work, s.together(ctx, f))
		case <-ctx.Done():
		}
	}
	s.refuse()
	for len(s.findings) > 0 {
		s.store(work, s.gather(<-s.findings, storedBatch))
	}
	close(stored)
	delivering.Wait()
	return disk.Close()
}

// storedBatch is how many findings are synced together at most, storedWithin how long one waits
// for others that nobody asks for.
const (
	storedBatch  = 1000
	storedWithin = 100 * time.Millisecond
)

// together returns findings to be synced at once, from first on: what comes until somebody waits
// for it to be settled, until there are enough, or until the first has waited long enough. All
// who wait for some of them wait for the same sync.
func (s *spooling) together(ctx context.Context, first *classify.Finding) []*classify.Finding {
	batch := []*classify.Finding{first}
	enough := time.NewTimer(storedWithin)
	defer enough.Stop()
	for len(batch) < storedBatch {
		select {
		case f := <-s.findings:
			batch = append(batch, f)
			continue
		case <-s.wanted:
			batch = append(batch[:len(batch)-1], s.gather(batch[len(batch)-1], storedBatch-len(batch)+1)...)
		case <-enough.C:
		case <-ctx.Done():
		}
		break
	}
	if len(s.findings) > 0 {
		s.want() // perhaps it was they that were asked for
	}
	return batch
}

// store puts findings on disk, which settles them. What the disk does not take is delivered at
// once, or dropped and counted.
func (s *spooling) store(ctx context.Context, batch []*classify.Finding) {
	lines := make([][]byte, 0, len(batch))
	for _, f := range batch {
		line, err := jsonLine(f)
		if err != nil {
			s.counts.count(1, err)
			continue
		}
		lines = append(lines, line)
	}
	err := s.disk.Append(lines...)
	if err == nil {
		s.failing = false
		s.settle(len(batch))
		return
	}
	s.metrics.spoolErrors.WithLabelValues(s.name).Inc()
	if !s.failing {
		s.log.Error("spool takes nothing: findings wait in memory", "sink", s.name, "cause", err)
	}
	s.failing = true
	for len(batch) > 0 {
		n := min(len(batch), s.batch)
		s.delivering.Lock()
		s.deliverBatch(ctx, batch[:n])
		s.delivering.Unlock()
		batch = batch[n:]
	}
}

// deliverAll delivers what is on disk until ctx has ended and nothing is left, or the receiver
// takes nothing.
func (s *spooling) deliverAll(ctx, work context.Context, stored <-chan struct{}) {
	var pause backoff
	for last := false; ; {
		batch := s.disk.Take(s.batch)
		if len(batch.Records) == 0 {
			if last {
				return
			}
			select {
			case <-s.disk.Ready():
			case <-stored:
				last = true
			}
			continue
		}
		err := s.deliverRecords(work, batch.Records)
		switch {
		case err == nil || refusesContent(err):
			s.disk.Done(batch)
			pause.reset()
		case ctx.Err() != nil:
			return // it is there when the agent starts again
		default:
			if pause == (backoff{}) {
				s.log.Warn("receiver takes nothing: findings stay in the spool", "sink", s.name, "cause", err)
			}
			pause.wait(ctx)
		}
	}
}

// deliverRecords delivers findings from disk and counts the try.
func (s *spooling) deliverRecords(ctx context.Context, records [][]byte) error {
	batch := make([]*classify.Finding, 0, len(records))
	for _, r := range records {
		f := &classify.Finding{}
		if err := json.Unmarshal(r, f); err != nil {
			s.dropped(spool.ReasonDamaged, 1) // of another version
			continue
		}
		batch = append(batch, f)
	}
	if len(batch) == 0 {
		return nil
	}
	s.delivering.Lock()
	defer s.delivering.Unlock()
	err := s.deliver(ctx, batch)
	s.counts.count(len(batch), err)
	if refusesContent(err) {
		s.log.Warn("findings dropped", "sink", s.name, "count", len(batch), "cause", err)
	}
	return err
}

func (s *spooling) dropped(reason string, records int) {
	s.metrics.spoolDropped.WithLabelValues(s.name, reason).Add(float64(records))
	s.log.Warn("findings dropped from the spool", "sink", s.name, "reason", reason, "count", records)
}

// refusesContent says that a receiver will never take these findings. Other refusals (no right,
// no such topic or path) can be mended without them.
func refusesContent(err error) bool {
	if status, ok := errors.AsType[*statusError](err); ok {
		switch status.code {
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
			return true
		}
	}
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.InvalidRecord)
}

// watchSpool shows the size of a sink's spool until the function it returns is called.
func (m *Metrics) watchSpool(sink string, disk *spool.Spool) (stop func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spools[sink] = disk
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.spools, sink)
	}
}

// spoolCollector shows at scrape time how large the spools are.
type spoolCollector struct {
	metrics *Metrics
	bytes   *prometheus.Desc
}

func newSpoolCollector(m *Metrics) spoolCollector {
	return spoolCollector{m, prometheus.NewDesc("leaktap_spool_bytes", "Size of a sink's spool on disk.", []string{"sink"}, nil)}
}

// Describe sends the description of the gauge.
func (c spoolCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.bytes }

// Collect sends a gauge for each sink with a spool.
func (c spoolCollector) Collect(ch chan<- prometheus.Metric) {
	c.metrics.mu.Lock()
	defer c.metrics.mu.Unlock()
	for sink, disk := range c.metrics.spools {
		ch <- prometheus.MustNewConstMetric(c.bytes, prometheus.GaugeValue, float64(disk.Bytes()), sink)
	}
}
