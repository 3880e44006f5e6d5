package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"
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

// asked is what a broker has to be asked for at first.
func (s Start) asked() int64 {
	switch s.kind {
	case startLatest:
		return kafka.LastOffset
	case startTime:
		return s.at.UnixMilli()
	}
	return kafka.FirstOffset
}

// resolve returns the offsets at which the starts are in their partitions.
func (k *Kafka) resolve(ctx context.Context, starts map[topicPartition]Start) (map[topicPartition]int64, error) {
	if len(starts) == 0 {
		return nil, nil
	}
	ask := map[topicPartition]int64{}
	for tp, start := range starts {
		ask[tp] = start.asked()
	}
	found, err := k.listOffsets(ctx, ask)
	if err != nil {
		return nil, err
	}
	clear(ask)
	for tp, start := range starts {
		// No record may be that young, and an offset has to be there.
		if start.kind == startTime && found[tp] < 0 || start.kind == startOffset || start.kind == startBack {
			ask[tp] = kafka.LastOffset
		}
	}
	ends, err := k.listOffsets(ctx, ask)
	for tp, last := range ends {
		switch start := starts[tp]; start.kind {
		case startOffset:
			found[tp] = min(max(start.n, found[tp]), last)
		case startBack:
			found[tp] = min(max(last-start.n, found[tp]), last)
		default:
			found[tp] = last
		}
	}
	return found, err
}

// listOffsets asks the partitions' leaders, each once, for the first offset at or
// after a time in milliseconds, or for kafka.FirstOffset or kafka.LastOffset;
// noOffset if no record is that young.
func (k *Kafka) listOffsets(ctx context.Context, at map[topicPartition]int64) (map[topicPartition]int64, error) {
	list := slices.SortedFunc(maps.Keys(at), compareTopicPartitions)
	if len(list) == 0 {
		return nil, nil
	}
	leaders, err := k.leaders(ctx, topicsOf(list))
	if err != nil {
		return nil, err
	}
	requests := map[int32]*listoffsets.Request{}
	for _, tp := range list {
		leader, ok := leaders[tp]
		if !ok {
			return nil, fmt.Errorf("%s/%d: %w", tp.topic, tp.partition, kafka.LeaderNotAvailable)
		}
		req := requests[leader]
		if req == nil {
			req = &listoffsets.Request{ReplicaID: -1}
			requests[leader] = req
		}
		if n := len(req.Topics); n == 0 || req.Topics[n-1].Topic != tp.topic {
			req.Topics = append(req.Topics, listoffsets.RequestTopic{Topic: tp.topic})
		}
		t := &req.Topics[len(req.Topics)-1]
		t.Partitions = append(t.Partitions, listoffsets.RequestPartition{
			Partition: tp.partition, CurrentLeaderEpoch: -1, Timestamp: at[tp],
		})
	}
	offsets := map[topicPartition]int64{}
	for leader, req := range requests {
		if err := k.listFrom(ctx, leader, req, offsets); err != nil {
			return nil, err
		}
	}
	return offsets, nil
}

// listFrom asks one broker.
func (k *Kafka) listFrom(ctx context.Context, broker int32, req *listoffsets.Request, offsets map[topicPartition]int64) error {
	res, err := ask[*listoffsets.Response](ctx, k, broker, req)
	if err != nil {
		return err
	}
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				return fmt.Errorf("%s/%d: %w", t.Topic, p.Partition, kafka.Error(p.ErrorCode))
			}
			offsets[topicPartition{t.Topic, p.Partition}] = p.Offset
		}
	}
	return nil
}
