package ingest

import (
	"context"
	"errors"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
)

// committer returns what commits offsets for a generation. Each commit says of which
// topic it is, which kafka-go's does not.
func (k *Kafka) committer(g *kafka.Generation) func(map[string]map[int]int64) error {
	ids := k.ids
	return func(offsets map[string]map[int]int64) error {
		req := &offsetcommit.Request{GroupID: g.GroupID, GenerationID: g.ID, MemberID: g.MemberID, RetentionTimeMs: -1}
		for topic, partitions := range offsets {
			t := offsetcommit.RequestTopic{Name: topic}
			for partition, offset := range partitions {
				t.Partitions = append(t.Partitions, offsetcommit.RequestPartition{
					PartitionIndex: int32(partition), CommittedOffset: offset, CommittedLeaderEpoch: -1, CommittedMetadata: ids[topic].metadata(),
				})
			}
			req.Topics = append(req.Topics, t)
		}
		// The session's end does not end its last commit.
		ctx, cancel := context.WithTimeout(context.Background(), k.cfg.Timing.Request)
		defer cancel()
		res, err := k.client.Transport.RoundTrip(ctx, k.client.Addr, req)
		if err != nil {
			return err
		}
		return commitError(res)
	}
}

func commitError(res protocol.Message) error {
	answer, ok := res.(*offsetcommit.Response)
	if !ok {
		return errors.New("unexpected kind of answer")
	}
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				return kafka.Error(p.ErrorCode)
			}
		}
	}
	return nil
}

// recreated returns the partitions whose committed offsets are of another topic of the
// same name.
func (k *Kafka) recreated(ctx context.Context, g *kafka.Generation) map[topicPartition]bool {
	ask := map[string][]int{}
	for topic, partitions := range g.Assignments {
		for _, p := range partitions {
			if p.Offset >= 0 && k.ids[topic] != (topicID{}) {
				ask[topic] = append(ask[topic], p.ID)
			}
		}
	}
	if len(ask) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timing.Request)
	defer cancel()
	res, err := k.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: g.GroupID, Topics: ask})
	if err != nil {
		k.log.Warn("not known whether topics were made anew", "cause", err)
		return nil
	}
	others := map[topicPartition]bool{}
	for topic, partitions := range res.Topics {
		for _, p := range partitions {
			if p.Error == nil && k.ids[topic].isOther(p.Metadata) {
				others[topicPartition{topic, int32(p.Partition)}] = true
			}
		}
	}
	return others
}
