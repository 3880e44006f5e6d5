package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/leaktap/leaktap/score/corpus"
)

// shares are the modes of a corpus with the share of records that leak.
var shares = map[string]float64{"clean": corpus.CleanShare, "dirty": corpus.DirtyShare, "family": corpus.FamilyShare}

// truth is the label of one record, as the truth file holds it.
type truth struct {
	Record int           `json:"record"` // counted from 1
	Kind   string        `json:"kind"`
	Leaks  []corpus.Leak `json:"leaks,omitempty"`
	// InPlace are credentials where they belong.
	InPlace []string `json:"in_place,omitempty"`
}

func generate(args []string) error {
	flags := flag.NewFlagSet("generate", flag.ContinueOnError)
	mode := flags.String("mode", "family", "clean, dirty or family")
	size := flags.Int64("bytes", 10_000_000, "size to reach")
	seed := flags.Uint64("seed", 1, "seed of the random numbers")
	out := flags.String("o", "", "file for the records; FILE.truth gets the labels")
	if err := flags.Parse(args); err != nil {
		return err
	}
	share, ok := shares[*mode]
	if !ok || *out == "" {
		return errors.New("generate: want -mode clean, dirty or family, and -o FILE")
	}
	return writeCorpus(*out, corpus.New(*seed, share), *size)
}

// writeCorpus writes records up to a size and their labels beside them.
func writeCorpus(name string, g *corpus.Generator, size int64) (err error) {
	records, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("create corpus: %w", err)
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	labels, err := os.Create(name + ".truth")
	if err != nil {
		return fmt.Errorf("create corpus: %w", err)
	}
	defer func() { err = errors.Join(err, labels.Close()) }()
	return write(records, labels, g, size)
}

func write(records, labels io.Writer, g *corpus.Generator, size int64) error {
	r, l := bufio.NewWriterSize(records, 1<<20), bufio.NewWriterSize(labels, 1<<20)
	enc := json.NewEncoder(l)
	for n, written := 1, int64(0); written < size; n++ {
		record := g.Next()
		if _, err := r.Write(append(record.Line, '\n')); err != nil {
			return fmt.Errorf("write corpus: %w", err)
		}
		written += int64(len(record.Line)) + 1
		if err := enc.Encode(truth{n, record.Kind, record.Leaks, record.InPlace}); err != nil {
			return fmt.Errorf("write labels: %w", err)
		}
	}
	return errors.Join(r.Flush(), l.Flush())
}

// readTruth reads the labels of a corpus, at most as many as there are records.
func readTruth(name string) (list []truth, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	defer f.Close()
	dec := json.NewDecoder(bufio.NewReaderSize(f, 1<<20))
	for {
		var t truth
		switch err := dec.Decode(&t); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, fmt.Errorf("read labels: %w", err)
		}
		list = append(list, t)
	}
}
