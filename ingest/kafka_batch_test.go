package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestRecordsOfABatch reads keys, values and headers, null and empty ones.
func TestRecordsOfABatch(t *testing.T) {
	raw := encodeBatch(7, func(b *kmsg.RecordBatch) {
		b.Records = appendRecord(nil, 0, nil, nil)
		b.Records = appendRecord(b.Records, 1, []byte{}, []byte{})
		b.Records = appendRecord(b.Records, 4, []byte("k"), []byte("v"), kmsg.Header{Key: "h", Value: []byte("w")}, kmsg.Header{Key: "n"})
		b.NumRecords, b.LastOffsetDelta = 3, 5
	})
	h, ok := parseBatchHeader(raw)
	if !ok || h.base != 7 || h.last != 12 || h.size != len(raw) || h.records != 3 || h.check(raw) != nil {
		t.Fatalf("header %+v, %v, check %v", h, ok, h.check(raw))
	}
	m := batchRecords{head: &h, rest: raw[batchHead:], left: h.records}
	var got []string
	var r kafkaRecord
	for m.next(&r) {
		got = append(got, fmt.Sprintf("%d %d %q %v %q %v %d", r.offset, r.ms, r.key, r.key == nil, r.value, r.value == nil, r.count))
	}
	want := []string{`7 1000 "" true "" true 0`, `8 1000 "" false "" false 0`, `11 1000 "k" false "v" false 2`}
	if m.bad || !slices.Equal(got, want) {
		t.Errorf("bad %v, read %q, want %q", m.bad, got, want)
	}
}

// TestScanBatchesStopsAtTheCut leaves a batch out that the broker has cut off.
func TestScanBatchesStopsAtTheCut(t *testing.T) {
	one, two := encodeBatch(0, nil, "a", "b"), encodeBatch(2, nil, "c")
	both := append(slices.Clone(one), two...)
	for cut := range both {
		next, size := scanBatches(both[:cut])
		wantNext, wantSize := int64(noOffset), 0
		if cut >= len(one) {
			wantNext, wantSize = 2, len(one)
		}
		if next != wantNext || size != wantSize {
			t.Fatalf("of %d bytes: next %d, size %d; want %d, %d", cut, next, size, wantNext, wantSize)
		}
	}
	if next, size := scanBatches(both); next != 3 || size != len(both) {
		t.Errorf("next %d, size %d; want 3, %d", next, size, len(both))
	}
}

// packed compresses as a producer of kafka-go does.
func packed(t testing.TB, codec compress.Compression, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := codec.Codec().NewWriter(&out)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// unpackAll returns all that a batch unpacks to.
func unpackAll(u *batchUnpacker, codec compress.Compression, packed []byte) (all []byte, err error) {
	for window := u.unpack(int8(codec), packed); ; window = u.more(nil, 1) {
		all = append(all, window...)
		if u.ended() {
			return all, u.err
		}
	}
}

// codecs are those that a batch may be packed with.
func codecs() []compress.Compression {
	return []compress.Compression{compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd}
}

func TestUnpackKnowsEachCodec(t *testing.T) {
	for _, codec := range codecs() {
		for name, size := range map[string]int{"": 5_000, " window by window": 1_000_000} {
			t.Run(codec.String()+name, func(t *testing.T) {
				text := bytes.Repeat([]byte("a line of text\n"), size)
				u := &batchUnpacker{limit: len(text), whole: len(text)}
				defer u.close()
				for range 2 { // the second one finds the first one's memory
					got, err := unpackAll(u, codec, packed(t, codec, text))
					if err != nil || !bytes.Equal(got, text) {
						t.Fatalf("%d bytes, %v; want %d", len(got), err, len(text))
					}
				}
				u.limit--
				if _, err := unpackAll(u, codec, packed(t, codec, text)); !errors.Is(err, errBatchBomb) {
					t.Errorf("over the limit: %v, want %v", err, errBatchBomb)
				}
				whole := packed(t, codec, text)
				if _, err := unpackAll(u, codec, whole[:len(whole)/2]); err == nil {
					t.Error("a stream that is cut off was taken for whole")
				}
			})
		}
	}
}

// TestSnappyInOneBlock unpacks what Go's and C's producers send; a block larger than
// the window is unpacked by one worker at a time.
func TestSnappyInOneBlock(t *testing.T) {
	text := bytes.Repeat([]byte("a line of text\n"), 1_000_000)
	block := snappy.Encode(nil, text)
	u := &batchUnpacker{limit: len(text), whole: len(text), slot: make(chan struct{}, 1)}
	if got, err := unpackAll(u, compress.Snappy, block); err != nil || !bytes.Equal(got, text) || len(u.slot) != 1 {
		t.Fatalf("%d bytes, %v, %d places taken; want %d, and one", len(got), err, len(u.slot), len(text))
	}
	if u.close(); len(u.slot) != 0 {
		t.Error("the place was not given back")
	}
	u.whole--
	if _, err := unpackAll(u, compress.Snappy, block); !errors.Is(err, errBatchBomb) {
		t.Errorf("over the limit: %v, want %v", err, errBatchBomb)
	}
}

// TestBombsTakeLittleMemory unpacks 400 MiB in one batch: the heap may not grow by
// more than 64 MiB. A block of snappy cannot be unpacked in parts, so it is refused.
func TestBombsTakeLittleMemory(t *testing.T) {
	for _, codec := range codecs() {
		t.Run(codec.String(), func(t *testing.T) {
			raw := encodeBatch(0, func(b *kmsg.RecordBatch) {
				b.Records, b.Attributes = nil, int16(codec)
				b.Records = packed(t, codec, appendRecord(nil, 0, []byte("k"), make([]byte, 400<<20)))
			}, "x")
			h, _ := parseBatchHeader(raw)
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			u := &batchUnpacker{limit: 1 << 30, whole: 32 << 20}
			defer u.close()
			m := batchRecords{head: &h, rest: u.unpack(h.codec(), raw[batchHead:]), left: h.records, unpacker: u, longest: 16 << 20}
			var r kafkaRecord
			ok := m.next(&r)
			runtime.ReadMemStats(&after)
			if !ok || string(r.key) != "k" || len(r.value) < 15<<20 || len(r.value)+r.lost < 400<<20 || m.bad {
				t.Errorf("next = %v, %v, a value of %d bytes, %d lost; want the beginning of the record", ok, m.failure(), len(r.value), r.lost)
			}
			// All that was allocated, whether or not it was collected since.
			grown := int64(after.TotalAlloc-before.TotalAlloc) >> 20
			t.Logf("%d bytes packed, %d MiB allocated", len(raw), grown)
			if grown > 64 {
				t.Errorf("%d MiB were allocated, want 64 at most", grown)
			}
		})
	}
}

// TestRecordBehindALongOne reads on behind a record of which only the beginning was
// unpacked.
func TestRecordBehindALongOne(t *testing.T) {
	for _, codec := range codecs() {
		raw := encodeBatch(0, func(b *kmsg.RecordBatch) {
			b.Records, b.Attributes, b.NumRecords, b.LastOffsetDelta = nil, int16(codec), 3, 2
			for i, value := range [][]byte{[]byte("a"), bytes.Repeat([]byte("long "), 4<<20), []byte("b")} {
				b.Records = appendRecord(b.Records, int32(i), nil, value, kmsg.Header{Key: "h"})
			}
			b.Records = packed(t, codec, b.Records)
		}, "x")
		h, _ := parseBatchHeader(raw)
		u := &batchUnpacker{limit: 1 << 30, whole: 1 << 30}
		m := batchRecords{head: &h, rest: u.unpack(h.codec(), raw[batchHead:]), left: h.records, unpacker: u, longest: 6 << 20}
		var sizes []int
		var r kafkaRecord
		for m.next(&r) {
			sizes = append(sizes, len(r.value)+r.lost)
			if int64(len(sizes)-1) != r.offset {
				t.Errorf("%v: record at %d, want %d", codec, r.offset, len(sizes)-1)
			}
		}
		u.close()
		if len(sizes) != 3 || sizes[0] != 1 || sizes[1] < 20<<20 || sizes[2] != 1 || m.bad {
			t.Errorf("%v: sizes %v, %v", codec, sizes, m.failure())
		}
	}
}

func TestAbortedTransactionsAreToldApart(t *testing.T) {
	a := abortedTransactions{list: []abortedTransaction{{1, 10}, {2, 20}}}
	batch := func(producer, base int64, transactional bool) bool {
		h := batchHeader{producer: producer, base: base, last: base}
		if transactional {
			h.attributes = attributeTransactional
		}
		return a.contains(&h)
	}
	marker := func(producer int64, kind byte) {
		raw := encodeBatch(0, func(b *kmsg.RecordBatch) { b.Records = appendRecord(nil, 0, []byte{0, 0, 0, kind}, []byte{}) }, "x")
		h, _ := parseBatchHeader(raw)
		h.producer = producer
		a.end(&h, &batchRecords{head: &h, rest: raw[batchHead:], left: 1})
	}
	steps := []struct {
		got, want bool
		what      string
	}{
		{batch(1, 9, true), false, "before the transaction"},
		{batch(1, 10, true), true, "its first batch"},
		{batch(1, 11, false), false, "not of a transaction"},
		{batch(2, 12, true), false, "another producer's committed transaction"},
	}
	marker(2, 1) // commit
	marker(1, 0) // abort
	steps = append(steps, []struct {
		got, want bool
		what      string
	}{
		{batch(1, 14, true), false, "behind its end"},
		{batch(2, 21, true), true, "the second producer's"},
	}...)
	for _, step := range steps {
		if step.got != step.want {
			t.Errorf("%s: aborted %v, want %v", step.what, step.got, step.want)
		}
	}
}

// FuzzFetchAnswer reads answers that a broker did not write: whatever the bytes,
// nothing panics, and no record lies outside of its batch.
func FuzzFetchAnswer(f *testing.F) {
	f.Add(encodeFetch(xs(0)), int16(11))
	f.Add(encodeFetch(kmsg.FetchResponseTopicPartition{RecordBatches: encodeBatch(3, func(b *kmsg.RecordBatch) {
		b.Records = appendRecord(nil, 0, []byte("k"), nil, kmsg.Header{Key: "h", Value: []byte("v")})
	}, "x")}), int16(4))
	f.Add(encodeFetch(kmsg.FetchResponseTopicPartition{RecordBatches: encodeBatch(0, func(b *kmsg.RecordBatch) {
		b.Attributes, b.Records = 4, zstandard(f, b.Records)
	}, "x", "y")}), int16(11))
	f.Fuzz(func(t *testing.T, data []byte, version int16) {
		pool := newBufferPool(1<<10, 1<<10)
		pool.places <- struct{}{}
		res, err := readFetched(bytes.NewReader(data), version, 1<<10, pool)
		if err != nil {
			return
		}
		u := &batchUnpacker{limit: 1 << 20, whole: 1 << 20}
		defer u.close()
		for _, p := range res.partitions {
			_, size := scanBatches(p.records)
			for rest := p.records[:size]; len(rest) > 0; {
				h, ok := parseBatchHeader(rest)
				if !ok || h.size > len(rest) {
					t.Fatal("scanned a batch that is none")
				}
				readBatch(t, u, &h, rest[:h.size])
				rest = rest[h.size:]
			}
		}
	})
}

func readBatch(t *testing.T, u *batchUnpacker, h *batchHeader, batch []byte) {
	if h.magic != 2 {
		return
	}
	_ = h.check(batch) // a fuzzer does not find checksums
	m := batchRecords{head: h, rest: u.unpack(h.codec(), batch[batchHead:]), left: h.records, unpacker: u, longest: 1 << 10}
	var r kafkaRecord
	for m.next(&r) {
		if r.offset < h.base || r.offset > h.last {
			t.Fatalf("record at %d in a batch of %d to %d", r.offset, h.base, h.last)
		}
		if r.lost < 0 {
			t.Fatalf("record at %d lost %d bytes", r.offset, r.lost)
		}
		c := cursor{b: r.headers}
		for range r.count {
			c.bytes()
			c.bytes()
		}
	}
}
