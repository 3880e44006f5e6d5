package ingest

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"

	"github.com/leaktap/leaktap/kafkaconn"
)

// topicID is what a cluster calls a topic beside its name (KIP-516): a topic that was
// deleted and made again has another one. The zero value is none.
type topicID [16]byte

// identities asks for the ids of topics, which kafka-go does not know of. It is the
// answer, too; brokers from before Kafka 2.8 have none.
type identities struct {
	routed
	topics []string
	ids    map[string]topicID
}

// identityVersion is the version of the metadata request with ids.
const identityVersion = 10

// ApiKey is that of metadata.
func (*identities) ApiKey() protocol.ApiKey { return protocol.Metadata }

// Required takes the exchange over from kafka-go.
func (*identities) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange asks for what the broker understands, then for the ids.
func (q *identities) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if err := protocol.WriteRequest(rw, 0, 1, kafkaconn.ClientID, &apiversions.Request{}); err != nil {
		return nil, fmt.Errorf("ask for versions: %w", err)
	}
	_, res, err := protocol.ReadResponse(rw, protocol.ApiVersions, 0)
	if err != nil {
		return nil, fmt.Errorf("ask for versions: %w", err)
	}
	for _, key := range res.(*apiversions.Response).ApiKeys {
		if protocol.ApiKey(key.ApiKey) == protocol.Metadata && key.MaxVersion >= identityVersion {
			return q, q.exchange(rw)
		}
	}
	return q, nil
}

// exchange writes the request and reads the answer (kafka.apache.org/protocol,
// "Metadata Request", "Metadata Response", v10).
func (q *identities) exchange(rw io.ReadWriter) error {
	b := []byte{0, 0, 0, 0, 0, byte(protocol.Metadata), 0, identityVersion, 0, 0, 0, 2, 0, byte(len(kafkaconn.ClientID))}
	b = append(append(b, kafkaconn.ClientID...), 0)
	b = binary.AppendUvarint(b, uint64(len(q.topics)+1))
	for _, name := range q.topics {
		b = append(b, make([]byte, len(topicID{}))...) // none: by name
		b = binary.AppendUvarint(b, uint64(len(name)+1))
		b = append(append(b, name...), 0)
	}
	b = append(b, 0, 0, 0, 0) // make none, tell no operations
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	if _, err := rw.Write(b); err != nil {
		return fmt.Errorf("ask for topic ids: %w", err)
	}
	var err error
	if q.ids, err = readIdentities(rw); err != nil {
		return fmt.Errorf("read topic ids: %w", err)
	}
	return nil
}

// maxIdentities bounds an answer, in bytes.
const maxIdentities = 64 << 20

func readIdentities(in io.Reader) (map[string]topicID, error) {
	a := &answer{in: in, left: 4, buf: &buffer{}}
	size := a.int32()
	if a.err != nil || size < 0 || size > maxIdentities {
		return nil, errors.Join(a.err, errors.New("it has no size, or one over the limit"))
	}
	a.left = int(size)
	a.fill(a.left)
	a.take(4) // correlation
	a.tags()
	a.take(4)                                        // throttle time
	for n := a.count(); n > 0 && a.err == nil; n-- { // brokers
		a.take(4)
		a.compact()
		a.take(4)
		a.compact()
		a.tags()
	}
	a.compact() // cluster
	a.take(4)   // controller
	ids := map[string]topicID{}
	for n := a.count(); n > 0 && a.err == nil; n-- {
		code, name, id := a.int16(), string(a.compact()), topicID(append(a.take(16), make([]byte, 16)...))
		a.take(1) // internal
		for n := a.count(); n > 0 && a.err == nil; n-- {
			a.take(14)
			for range 3 { // replicas, those in sync, those offline
				a.take(4 * a.count())
			}
			a.tags()
		}
		a.take(4)
		a.tags()
		if code == 0 && a.err == nil && id != (topicID{}) {
			ids[name] = id
		}
	}
	return ids, a.err
}

// uvarint reads a number of 32 bits at most.
func (a *answer) uvarint() (v int) {
	for shift := 0; shift < 35; shift += 7 {
		b := a.take(1)
		if len(b) == 0 {
			return 0
		}
		v |= int(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			return v
		}
	}
	a.err = errors.Join(a.err, errors.New("a number is too long"))
	return 0
}

// count reads how many elements follow; 0 for null.
func (a *answer) count() int { return max(a.uvarint(), 1) - 1 }

// compact reads bytes with their length before them.
func (a *answer) compact() []byte { return a.take(a.count()) }

// tags passes over tagged fields (KIP-482).
func (a *answer) tags() {
	for n := a.uvarint(); n > 0 && a.err == nil; n-- {
		a.uvarint()
		a.take(a.uvarint())
	}
}

// identify asks for the ids of topics. It is a check beside the way of records: an
// error is the caller's to ignore.
func (k *Kafka) identify(ctx context.Context, topics []string) (map[string]topicID, error) {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timing.Request)
	defer cancel()
	res, err := k.client.Transport.RoundTrip(ctx, k.client.Addr, &identities{routed: routed{broker: noLeader}, topics: topics})
	if err != nil {
		return nil, err
	}
	answer, ok := res.(*identities)
	if !ok {
		return nil, errors.New("unexpected kind of answer")
	}
	return answer.ids, nil
}

// identifyAll remembers the ids of topics, as far as they are to be had, and says which
// topics are others than before.
func (k *Kafka) identifyAll(ctx context.Context, topics []string) (renewed []string) {
	ids, err := k.identify(ctx, topics)
	if err != nil {
		return nil
	}
	for topic, before := range k.ids {
		if now, ok := ids[topic]; ok && now != before {
			renewed = append(renewed, topic)
		} else if !ok {
			ids[topic] = before // it may come back as another
		}
	}
	k.ids = ids
	return renewed
}

// noteRecreated counts a partition whose topic was made anew.
func (k *Kafka) noteRecreated(tp topicPartition, offset int64) {
	k.metrics.skipped.WithLabelValues(tp.topic, skippedRecreated).Inc()
	k.log.Warn("topic was made anew: its offsets are not those that were read", "topic", tp.topic, "partition", tp.partition, "offset", offset)
}

// The metadata of a commit says of which topic it is.
const commitTopic = "leaktap-topic="

func (id topicID) metadata() string {
	if id == (topicID{}) {
		return ""
	}
	return commitTopic + base64.RawURLEncoding.EncodeToString(id[:])
}

// isOther says whether a commit's metadata is of another topic than this one.
func (id topicID) isOther(metadata string) bool {
	return id != (topicID{}) && strings.HasPrefix(metadata, commitTopic) && metadata != id.metadata()
}
