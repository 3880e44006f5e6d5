package ingest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	kafka "github.com/segmentio/kafka-go"
)

// topicPartition names a partition.
type topicPartition struct {
	topic     string
	partition int32
}

// topicSet is what the configuration says about topics: names, and expressions
// between slashes.
type topicSet struct {
	names            []string
	include, exclude []*regexp.Regexp
}

// newTopicSet reads names and /EXPRESSIONS/ of topics to read and to leave out.
// Expressions match anywhere in a name unless they are anchored.
func newTopicSet(topics, exclude []string) (set topicSet, err error) {
	for _, t := range topics {
		re, err := topicExpression(t)
		switch {
		case err != nil:
			return set, err
		case re != nil:
			set.include = append(set.include, re)
		default:
			set.names = append(set.names, t)
		}
	}
	for _, t := range exclude {
		re, err := topicExpression(t)
		if err != nil {
			return set, err
		}
		if re == nil {
			re = regexp.MustCompile("^" + regexp.QuoteMeta(t) + "$")
		}
		set.exclude = append(set.exclude, re)
	}
	return set, nil
}

// topicExpression returns nil for a name.
func topicExpression(text string) (*regexp.Regexp, error) {
	if len(text) < 2 || text[0] != '/' || text[len(text)-1] != '/' {
		return nil, nil //nolint:nilnil // no expression, no error
	}
	re, err := regexp.Compile(text[1 : len(text)-1])
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", text, err)
	}
	return re, nil
}

// asked returns the topics to ask brokers about; nil for all.
func (s *topicSet) asked() []string {
	if len(s.include) > 0 {
		return nil
	}
	return s.names
}

// matches says whether an expression asks for a topic, and none leaves it out.
// Kafka's own topics are read only by their names.
func (s *topicSet) matches(topic string, internal bool) bool {
	matched := func(list []*regexp.Regexp) bool {
		return slices.ContainsFunc(list, func(re *regexp.Regexp) bool { return re.MatchString(topic) })
	}
	return !internal && !strings.HasPrefix(topic, "__") && matched(s.include) && !matched(s.exclude)
}

// partitions returns all partitions of the topics, or an error that names the
// topic which is missing.
func (k *Kafka) partitions(ctx context.Context) ([]topicPartition, error) {
	return k.lookUp(ctx, true)
}

// lookUp finds the partitions of the topics. Unless strict, a topic that is not
// there at present is left out.
func (k *Kafka) lookUp(ctx context.Context, strict bool) ([]topicPartition, error) {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timing.Request)
	defer cancel()
	meta, err := k.client.Metadata(ctx, &kafka.MetadataRequest{Topics: k.topics.asked()})
	if err != nil {
		return nil, k.explain("look up topics", err)
	}
	var list []topicPartition
	for _, topic := range meta.Topics {
		named := slices.Contains(k.topics.names, topic.Name)
		switch {
		case !named && !k.topics.matches(topic.Name, topic.Internal):
			continue
		case !strict && topic.Error != nil:
			continue
		case errors.Is(topic.Error, kafka.UnknownTopicOrPartition):
			return nil, k.missing(ctx, topic.Name)
		case topic.Error != nil && named:
			return nil, k.explain("look up topic "+topic.Name, topic.Error)
		}
		for _, p := range topic.Partitions {
			if k.cfg.Partitions == nil || slices.Contains(k.cfg.Partitions, int32(p.ID)) {
				list = append(list, topicPartition{topic.Name, int32(p.ID)})
			}
		}
	}
	if strict {
		err = k.missesNames(ctx, list)
	}
	slices.SortFunc(list, compareTopicPartitions)
	return list, err
}

// missesNames returns an error for a topic, or a partition, that was named and is
// not there.
func (k *Kafka) missesNames(ctx context.Context, list []topicPartition) error {
	for _, name := range k.topics.names {
		if !slices.ContainsFunc(list, func(tp topicPartition) bool { return tp.topic == name }) && k.cfg.Partitions == nil {
			return k.missing(ctx, name)
		}
		for _, p := range k.cfg.Partitions {
			if !slices.Contains(list, topicPartition{name, p}) {
				return fmt.Errorf("topic %q has no partition %d", name, p)
			}
		}
	}
	return nil
}

// changed returns the partitions there are now if they are others than before, or of
// topics that were made anew, else nil. Nothing that could be asked is no change.
func (k *Kafka) changed(ctx context.Context) []topicPartition {
	present, err := k.lookUp(ctx, false)
	if err != nil || len(present) == 0 {
		return nil
	}
	renewed := k.identifyAll(ctx, topicsOf(present))
	if slices.Equal(present, k.known) && len(renewed) == 0 {
		return nil
	}
	for tp := range k.atStart {
		if slices.Contains(renewed, tp.topic) {
			delete(k.atStart, tp)
		}
	}
	k.remember(present)
	return present
}

// remember notes what is there. A topic that is there later than the source starts
// is read from its beginning on.
func (k *Kafka) remember(present []topicPartition) {
	for tp := range k.atStart {
		if !slices.Contains(present, tp) {
			delete(k.atStart, tp)
		}
	}
	k.known = present
}

// startOf returns where a partition starts that has no committed offset.
func (k *Kafka) startOf(tp topicPartition) Start {
	if k.atStart[tp] {
		return k.cfg.Start
	}
	return Start{}
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
	all := k.dialer.Transport(nil) // this one sees every topic
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
