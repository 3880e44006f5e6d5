package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	kafka "github.com/segmentio/kafka-go"
)

// topicPartition names a partition.
type topicPartition struct {
	topic     string
	partition int32
}

// partitions returns all partitions of the topics, or an error that names the
// topic which is missing.
func (k *Kafka) partitions(ctx context.Context) ([]topicPartition, error) {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timing.Request)
	defer cancel()
	meta, err := k.client.Metadata(ctx, &kafka.MetadataRequest{Topics: k.cfg.Topics})
	if err != nil {
		return nil, k.explain("look up topics", err)
	}
	var list []topicPartition
	for _, topic := range meta.Topics {
		if errors.Is(topic.Error, kafka.UnknownTopicOrPartition) {
			return nil, k.missing(ctx, topic.Name)
		}
		if topic.Error != nil {
			return nil, k.explain("look up topic "+topic.Name, topic.Error)
		}
		for _, p := range topic.Partitions {
			list = append(list, topicPartition{topic.Name, int32(p.ID)})
		}
	}
	slices.SortFunc(list, compareTopicPartitions)
	return list, nil
}

func compareTopicPartitions(a, b topicPartition) int {
	if c := strings.Compare(a.topic, b.topic); c != 0 {
		return c
	}
	return int(a.partition - b.partition)
}

// maxSuggestions bounds how many topics an error lists.
const maxSuggestions = 10

// missing returns the error for a topic that does not exist, with the names
// that were perhaps meant.
func (k *Kafka) missing(ctx context.Context, topic string) error {
	all := k.dialer.transport(nil) // this one sees every topic
	defer all.CloseIdleConnections()
	client := &kafka.Client{Addr: k.client.Addr, Transport: all}
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return fmt.Errorf("topic %q does not exist", topic)
	}
	var similar, others []string
	for _, t := range meta.Topics {
		switch {
		case t.Internal || strings.HasPrefix(t.Name, "__"):
		case alike(t.Name, topic):
			similar = append(similar, t.Name)
		default:
			others = append(others, t.Name)
		}
	}
	if len(similar) > 0 {
		return fmt.Errorf("topic %q does not exist: did you mean %s?", topic, listed(similar))
	}
	if len(others) > 0 {
		return fmt.Errorf("topic %q does not exist: there are %s", topic, listed(others))
	}
	return fmt.Errorf("topic %q does not exist: the cluster has no topics that this user may see", topic)
}

// listed returns names as a bounded list.
func listed(names []string) string {
	slices.Sort(names)
	if more := len(names) - maxSuggestions; more > 0 {
		return strings.Join(names[:maxSuggestions], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

// alike says whether two names are one for a hasty reader: equal but for case
// and separators, one inside the other, or at most two letters apart.
func alike(a, b string) bool {
	fold := strings.NewReplacer("-", "", "_", "", ".", "")
	a, b = fold.Replace(strings.ToLower(a)), fold.Replace(strings.ToLower(b))
	return a != "" && b != "" && (strings.Contains(a, b) || strings.Contains(b, a)) || distance(a, b) <= 2
}

// distance returns the edit distance (Levenshtein) of two short names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
