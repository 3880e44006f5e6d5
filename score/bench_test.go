package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/score/corpus"
)

// stream is about two megabytes of a corpus.
func stream(share float64) []byte {
	var b bytes.Buffer
	for g := corpus.New(11, share); b.Len() < 2_000_000; {
		b.Write(g.Next().Line)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// read decodes a stream.
func read(b *testing.B, lines []byte, handle func(*classify.Exchange)) {
	b.Helper()
	_, reader, err := prepare(1, corpus.CleanShare)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := reader.Run(context.Background(), "bench", bytes.NewReader(lines), handle); err != nil {
		b.Fatal(err)
	}
}

// both runs a benchmark on the clean and the dirty corpus.
func both(b *testing.B, bench func(b *testing.B, lines []byte)) {
	b.Helper()
	for name, share := range map[string]float64{"clean": corpus.CleanShare, "dirty": corpus.DirtyShare} {
		lines := stream(share)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(lines)))
			b.ReportAllocs()
			bench(b, lines)
		})
	}
}

// BenchmarkDecode is the decoder alone.
func BenchmarkDecode(b *testing.B) {
	both(b, func(b *testing.B, lines []byte) {
		b.Helper()
		for b.Loop() {
			read(b, lines, func(*classify.Exchange) {})
		}
	})
}

// BenchmarkClassify is the classifier alone, on exchanges that are decoded.
func BenchmarkClassify(b *testing.B) {
	s, _, err := prepare(1, corpus.CleanShare)
	if err != nil {
		b.Fatal(err)
	}
	both(b, func(b *testing.B, lines []byte) {
		b.Helper()
		var list []*classify.Exchange
		read(b, lines, func(x *classify.Exchange) { list = append(list, keep(x)) })
		for b.Loop() {
			for _, x := range list {
				s.classifier.Classify(x, corpus.Now(), func(*classify.Finding) {})
			}
		}
	})
}

// keep copies an exchange, whose bytes belong to the decoder.
func keep(x *classify.Exchange) *classify.Exchange {
	message := func(m classify.Message) classify.Message {
		headers := make([]classify.Header, len(m.Headers))
		for i, h := range m.Headers {
			headers[i] = classify.Header{Name: bytes.Clone(h.Name), Value: bytes.Clone(h.Value)}
		}
		m.Headers, m.Body = headers, bytes.Clone(m.Body)
		return m
	}
	y := *x
	y.Method, y.Host, y.Target, y.Record = bytes.Clone(x.Method), bytes.Clone(x.Host), bytes.Clone(x.Target), bytes.Clone(x.Record)
	y.Mapped = append([]classify.Span(nil), x.Mapped...)
	y.Request, y.Response = message(x.Request), message(x.Response)
	return &y
}
