package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"github.com/leaktap/leaktap/kafkaconn"
)

// fetching is a fetch request to one broker for any number of its partitions. Its
// answer is read here and not by kafka-go, which copies every record into pages of
// its own and unpacks batches without a limit.
type fetching struct {
	routed
	pool  *bufferPool
	limit int
}

// fetchMinVersion is the first version with transactions, for Kafka 0.11.
const fetchMinVersion = 4

// fetched is the answer. It is a protocol.Message so that a transport takes it.
type fetched struct {
	buf        *buffer
	code       int16
	partitions []fetchedPartition
}

// ApiKey is that of a fetch.
func (*fetched) ApiKey() protocol.ApiKey { return protocol.Fetch }

// fetchedPartition is what the answer holds of one partition.
type fetchedPartition struct {
	tp   topicPartition
	code int16
	// high is the offset behind the last record, stable that behind the last record
	// of a transaction that has ended, first that of the first record kept.
	high, stable, first int64
	aborted             []abortedTransaction
	// preferred is the broker to ask in the leader's place, noLeader for none.
	preferred int32
	// records are batches; the last may be cut off.
	records []byte
	// large is a batch that is over the limit of the request and was not read.
	large *batchHeader
}

type abortedTransaction struct{ producer, first int64 }

// RawExchange sends the request and reads the answer into one buffer.
func (f *fetching) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if f.version < fetchMinVersion {
		return nil, errors.New("the broker is older than Kafka 0.11")
	}
	if err := protocol.WriteRequest(rw, f.version, 1, kafkaconn.ClientID, f.Message); err != nil {
		return nil, fmt.Errorf("send fetch request: %w", err)
	}
	return readFetched(rw, f.version, f.limit, f.pool)
}

// readFetched reads an answer; limit is that of one batch in bytes.
func readFetched(in io.Reader, version int16, limit int, pool *bufferPool) (*fetched, error) {
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return nil, err
	}
	left := int(int32(binary.BigEndian.Uint32(size[:])))
	if left < 0 {
		return nil, errors.New("read fetch answer: its size is negative")
	}
	a := &answer{in: in, left: left, limit: limit, buf: pool.get()}
	if left <= limit+pool.size {
		a.fill(left)
	}
	res := a.parse(version)
	res.buf = a.buf
	if a.err != nil {
		return nil, fmt.Errorf("read fetch answer: %w", a.err)
	}
	return res, nil
}

// answer reads a fetch answer (kafka.apache.org/protocol, "Fetch Response", v4 to
// v11). One that is larger than the limit allows is read bit by bit, so that the
// batch to blame can be passed over.
type answer struct {
	in    io.Reader
	left  int // bytes that were not read from in
	limit int
	buf   *buffer
	pos   int
	err   error
}

// fill reads n bytes more into the buffer.
func (a *answer) fill(n int) {
	if a.err != nil {
		return
	}
	if n > a.left {
		a.err = io.ErrUnexpectedEOF
		return
	}
	start := len(a.buf.b)
	if cap(a.buf.b)-start < n {
		grown := make([]byte, start, max(start+n, 2*start))
		copy(grown, a.buf.b)
		a.buf.b = grown
	}
	a.buf.b = a.buf.b[:start+n]
	_, a.err = io.ReadFull(a.in, a.buf.b[start:])
	a.left -= n
}

// take returns the next n bytes; an empty slice if they are not there.
func (a *answer) take(n int) []byte {
	if missing := a.pos + n - len(a.buf.b); n >= 0 && missing > 0 {
		a.fill(missing)
	}
	if a.err != nil || n < 0 {
		a.err = errors.Join(a.err, io.ErrUnexpectedEOF)
		return nil
	}
	b := a.buf.b[a.pos : a.pos+n : a.pos+n]
	a.pos += n
	return b
}

func (a *answer) int16() int16 {
	if b := a.take(2); len(b) == 2 {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (a *answer) int32() int32 {
	if b := a.take(4); len(b) == 4 {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (a *answer) int64() int64 {
	if b := a.take(8); len(b) == 8 {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (a *answer) parse(version int16) *fetched {
	res := &fetched{}
	a.take(8) // correlation, throttle time
	if version >= 7 {
		res.code = a.int16()
		a.take(4) // session
	}
	for topics := a.int32(); topics > 0 && a.err == nil; topics-- {
		topic := string(a.take(int(a.int16())))
		for n := a.int32(); n > 0 && a.err == nil; n-- {
			res.partitions = append(res.partitions, a.partition(version, topic))
		}
	}
	return res
}

func (a *answer) partition(version int16, topic string) fetchedPartition {
	p := fetchedPartition{tp: topicPartition{topic, a.int32()}, code: a.int16(), high: a.int64(), stable: a.int64(), preferred: noLeader}
	if version >= 5 {
		p.first = a.int64()
	}
	for n := a.int32(); n > 0 && a.err == nil; n-- {
		p.aborted = append(p.aborted, abortedTransaction{a.int64(), a.int64()})
	}
	if version >= 11 {
		p.preferred = a.int32()
	}
	size := int(a.int32())
	if size <= 0 {
		return p
	}
	if size <= a.limit+batchHead || len(a.buf.b)-a.pos >= size {
		p.records = a.take(size)
		return p
	}
	a.passLarge(&p, size)
	return p
}

// passLarge keeps the header of a partition's first batch and drops the rest.
func (a *answer) passLarge(p *fetchedPartition, size int) {
	if h, ok := parseBatchHeader(a.take(batchHead)); ok {
		p.large = &h
	}
	rest := size - batchHead - (len(a.buf.b) - a.pos)
	a.pos = len(a.buf.b)
	if a.err != nil {
		return
	}
	if rest > a.left {
		a.err = io.ErrUnexpectedEOF
		return
	}
	_, a.err = io.CopyN(io.Discard, a.in, int64(rest))
	a.left -= rest
}

// fetchRequest asks for partitions from their next offset on.
func (k *Kafka) fetchRequest(broker int32, o *order, wait int32) *fetching {
	req := &fetch.Request{
		ReplicaID: -1, MaxWaitTime: wait, MinBytes: 1, MaxBytes: int32(k.cfg.FetchBytes),
		IsolationLevel: isolationCommitted, SessionEpoch: -1, RackID: k.rackFor(o.wanted),
	}
	for i, w := range o.wanted {
		if n := len(req.Topics); n == 0 || req.Topics[n-1].Topic != w.tp.topic {
			req.Topics = append(req.Topics, fetch.RequestTopic{Topic: w.tp.topic})
		}
		t := &req.Topics[len(req.Topics)-1]
		t.Partitions = append(t.Partitions, fetch.RequestPartition{
			Partition: w.tp.partition, CurrentLeaderEpoch: -1, FetchOffset: o.positions[i], LogStartOffset: -1,
			PartitionMaxBytes: int32(k.cfg.FetchBytes),
		})
	}
	limit := min(k.buffers.largeBatch(), k.cfg.MaxBatch)
	if o.large {
		limit = k.cfg.MaxBatch
	}
	return &fetching{routed: routed{Message: req, broker: broker}, pool: k.buffers, limit: limit}
}

// isolationCommitted asks for the records of transactions that were not aborted,
// and of none that is open.
const isolationCommitted = 1
