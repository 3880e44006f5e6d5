package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// reset goes on where there are records after the broker has said that the
// offset is out of range: at the first one that is kept. What was lost is
// counted.
func (w *worker) reset(ctx context.Context) error {
	first, err := w.k.resolve(ctx, w.tp, Start{})
	if err != nil {
		return err
	}
	reason := skippedRetention
	skipped := first - w.next
	if skipped <= 0 {
		reason, skipped = skippedTruncated, 1
		// Only here a commit may go back: the old offsets are gone.
		w.committed.Store(noOffset)
	}
	w.k.metrics.skipped.WithLabelValues(w.tp.topic, reason).Add(float64(skipped))
	w.k.log.Warn("offset is out of range: reading goes on at the first record kept", "reason", reason,
		"topic", w.tp.topic, "partition", w.tp.partition, "offset", w.next, "first", first)
	w.advance(first)
	return nil
}

// How a worker waits out trouble.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
	// maxStalls is how often a batch that cannot be decoded is tried.
	maxStalls = 3
)

// stall waits before the next try. A batch that stays undecodable is passed,
// offset by offset, since kafka-go does not tell where it ends.
func (w *worker) stall(ctx context.Context, err error) {
	if w.stalls < maxStalls || isTransient(err) {
		w.pause(ctx, err)
		return
	}
	w.k.metrics.skipped.WithLabelValues(w.tp.topic, skippedUnreadable).Inc()
	w.advance(w.next + 1)
}

// pause waits before the next try, longer from time to time.
func (w *worker) pause(ctx context.Context, err error) {
	w.stalls++
	if w.stalls == 1 {
		w.k.log.Warn("partition is not readable at present", "topic", w.tp.topic,
			"partition", w.tp.partition, "offset", w.next, "cause", err)
	}
	wait := time.NewTimer(min(firstBackoff<<min(w.stalls-1, 8), maxBackoff))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}

// recovered ends a row of stalls.
func (w *worker) recovered() {
	if w.stalls > 0 {
		w.k.log.Info("partition is read again", "topic", w.tp.topic, "partition", w.tp.partition,
			"offset", w.next, "tries", w.stalls)
	}
	w.stalls = 0
}

// isTransient says whether trying again can help: anything the broker or the
// network said, but not that a batch cannot be decoded.
func isTransient(err error) bool {
	if _, ok := errors.AsType[kafka.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*protocol.TopicError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*protocol.TopicPartitionError](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// isDenied says whether the broker has refused the user, which waiting does not
// change.
func isDenied(err error) bool {
	for _, denial := range [...]kafka.Error{
		kafka.SASLAuthenticationFailed, kafka.UnsupportedSASLMechanism, kafka.TopicAuthorizationFailed,
		kafka.GroupAuthorizationFailed, kafka.ClusterAuthorizationFailed,
	} {
		if errors.Is(err, denial) {
			return true
		}
	}
	return false
}

// explain says what the user may have done wrong.
func (k *Kafka) explain(doing string, err error) error {
	hint := ""
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		hint = "user name or password is wrong"
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		hint = "the broker does not offer the mechanism " + k.cfg.Access.Mechanism
	case errors.Is(err, kafka.TopicAuthorizationFailed), errors.Is(err, kafka.GroupAuthorizationFailed),
		errors.Is(err, kafka.ClusterAuthorizationFailed):
		hint = "the user lacks an ACL: Read and Describe on topic and group"
	case (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && k.cfg.Access.Mechanism != "":
		hint = "the broker closed the connection: user name or password may be wrong, or it wants TLS"
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		hint = "the broker closed the connection: it may want TLS or a password"
	}
	at := strings.Join(k.cfg.Brokers, ",")
	if cause := errors.Unwrap(err); cause != nil && strings.HasPrefix(err.Error(), "kafka.(*Client)") {
		err = cause // kafka-go's method says nothing to the user
	}
	if hint == "" {
		return fmt.Errorf("%s at %s: %w", doing, at, err)
	}
	return fmt.Errorf("%s at %s: %s: %w", doing, at, hint, err)
}
