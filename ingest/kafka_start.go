package ingest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
)

// Start says where in a partition reading starts. The zero value is its
// earliest record.
type Start struct {
	kind startKind
	// n is an offset, or a number of records before the end.
	n  int64
	at time.Time
}

type startKind uint8

const (
	startEarliest startKind = iota
	startLatest
	startOffset
	startBack
	startTime
)

// ParseStart reads what kcat's -o takes and a little more: earliest (or
// beginning), latest (or end), N (an offset), -N (the last N records), -2h (so
// long ago, any unit of time.ParseDuration), a time in RFC 3339, or s@MS
// (milliseconds since 1970).
func ParseStart(text string, now time.Time) (Start, error) {
	switch text {
	case "", "earliest", "beginning":
		return Start{}, nil
	case "latest", "end":
		return Start{kind: startLatest}, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if strings.HasPrefix(text, "-") {
			return Start{kind: startBack, n: -n}, nil
		}
		return Start{kind: startOffset, n: n}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago < 0 {
		return Start{kind: startTime, at: now.Add(ago)}, nil
	}
	if ms, ok := strings.CutPrefix(text, "s@"); ok {
		if n, err := strconv.ParseInt(ms, 10, 64); err == nil {
			return Start{kind: startTime, at: time.UnixMilli(n)}, nil
		}
	}
	if at, ok := parseTime([]byte(text)); ok {
		return Start{kind: startTime, at: at}, nil
	}
	return Start{}, fmt.Errorf("unknown start %q: use earliest, latest, N, -N, -2h or a time as 2006-01-02T15:04:05Z", text)
}

// noOffset stands for an offset that is not known.
const noOffset = -1

// resolve returns the offset at which the start is in the partition.
func (k *Kafka) resolve(ctx context.Context, tp topicPartition, start Start) (int64, error) {
	if start.kind == startLatest {
		return k.listOffset(ctx, tp, kafka.LastOffset)
	}
	if start.kind == startTime {
		offset, err := k.listOffset(ctx, tp, start.at.UnixMilli())
		if err != nil || offset >= 0 {
			return offset, err
		}
		return k.listOffset(ctx, tp, kafka.LastOffset) // no record is that young
	}
	first, err := k.listOffset(ctx, tp, kafka.FirstOffset)
	if err != nil || start.kind == startEarliest {
		return first, err
	}
	last, err := k.listOffset(ctx, tp, kafka.LastOffset)
	if err != nil {
		return noOffset, err
	}
	offset := start.n
	if start.kind == startBack {
		offset = last - start.n
	}
	return min(max(offset, first), last), nil
}

// listOffset asks the partition's leader for the first offset at or after the
// time in milliseconds, or for kafka.FirstOffset or kafka.LastOffset; noOffset
// if no record is that young. kafka.Client.ListOffsets does not tell the last
// case.
func (k *Kafka) listOffset(ctx context.Context, tp topicPartition, at int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timing.Request)
	defer cancel()
	res, err := k.client.Transport.RoundTrip(ctx, k.client.Addr, &listoffsets.Request{
		ReplicaID: -1,
		Topics: []listoffsets.RequestTopic{{
			Topic: tp.topic,
			Partitions: []listoffsets.RequestPartition{{
				Partition: tp.partition, CurrentLeaderEpoch: -1, Timestamp: at,
			}},
		}},
	})
	if err != nil {
		return noOffset, err
	}
	answer, ok := res.(*listoffsets.Response)
	if !ok || len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
		return noOffset, kafka.UnknownTopicOrPartition
	}
	p := answer.Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		return noOffset, kafka.Error(p.ErrorCode)
	}
	return p.Offset, nil
}
