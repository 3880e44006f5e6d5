package ingest

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// token is what is planted: no name, number, time, address or method is like it.
const token = "zqXplantedQz7"

// planted returns the records that come of planting the token into one string,
// key or word of record, one at a time.
func planted(record []byte) (list [][]byte) {
	insert := func(at int) {
		list = append(list, bytes.Join([][]byte{record[:at], []byte(token), record[at:]}, nil))
	}
	if opensJSON(record) || record[0] == '"' {
		scan := jsonscan.New(record)
		for t := scan.Next(); t.Kind != jsonscan.End; t = scan.Next() {
			switch {
			case t.Kind == jsonscan.Key:
				insert(t.End)
			case t.Kind == jsonscan.String && !t.Escaped:
				insert(t.Start)
				insert(t.End)
			case t.Kind == jsonscan.String: // a word of what is inside, too
				for i := t.Start; i < t.End; i++ {
					if record[i] != '\\' && record[i-1] != '\\' && foldName(record[i]) != 0 && foldName(record[i-1]) == 0 {
						insert(i)
					}
				}
				insert(t.End)
			}
		}
		return list
	}
	for i := range record {
		if i == 0 || foldName(record[i]) != 0 && foldName(record[i-1]) == 0 {
			insert(i)
		}
	}
	return append(list, append(bytes.Clone(record), token...))
}

// holds says whether the token stands in a part of the exchange that is scanned.
func holds(x *classify.Exchange) bool {
	parts := [][]byte{x.Host, x.Target, x.Request.Text(), x.Response.Text()}
	for _, h := range append(x.Request.Headers, x.Response.Headers...) {
		parts = append(parts, h.Name, h.Value)
	}
	pos := 0
	for _, span := range x.Mapped {
		parts = append(parts, x.Record[pos:span.Start])
		pos = span.End
	}
	return slices.ContainsFunc(append(parts, x.Record[pos:]), holdsToken)
}

// holdsToken looks into base64 as well, as the classifier does.
func holdsToken(part []byte) bool {
	if bytes.Contains(part, []byte(token)) {
		return true
	}
	for _, word := range strings.FieldsFunc(string(part), func(r rune) bool { return r == '"' || r == ' ' || r == ',' }) {
		if text, err := base64.StdEncoding.DecodeString(word); err == nil && bytes.Contains(text, []byte(token)) {
			return true
		}
	}
	return false
}

// TestNothingIsDropped plants a token in every value and name of every sample, one
// at a time, and wants it in what is handed over.
func TestNothingIsDropped(t *testing.T) {
	for _, format := range Formats() {
		if format == "har" { // spread over lines: see TestNothingIsDroppedOfArchives
			continue
		}
		t.Run(format, func(t *testing.T) {
			sample, err := os.ReadFile(filepath.Join("testdata", format+".log"))
			if err != nil {
				t.Fatal(err)
			}
			for line := range bytes.Lines(sample) {
				if line = bytes.TrimRight(line, "\n"); len(line) == 0 {
					continue
				}
				raw, again := unpackedSample(t, line)
				for _, record := range planted(raw) {
					if !delivered(t, sample, again(record)) {
						i := bytes.Index(record, []byte(token))
						t.Errorf("the token is nowhere to be found: …%q…", record[max(0, i-70):min(len(record), i+40)])
					}
				}
			}
		})
	}
}

// unpackedSample unpacks a line that is base64, maybe of gzip, and returns how it is
// packed again.
func unpackedSample(t *testing.T, line []byte) (raw []byte, again func([]byte) []byte) {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(string(line))
	if err != nil || len(text) < 8 {
		return line, func(b []byte) []byte { return b }
	}
	if text[0] == 0x1f {
		var u unpacker
		if text, err = u.append(nil, text, 1<<20); err != nil {
			t.Fatal(err)
		}
		return text, func(b []byte) []byte {
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			if _, err := w.Write(b); err != nil || w.Close() != nil {
				t.Fatal("gzip failed")
			}
			return packed.Bytes()
		}
	}
	return text, func(b []byte) []byte { return b }
}

// delivered says whether the token of a record is handed over. The sample's lines
// before it may matter (#Fields), so comments are decoded first.
func delivered(t *testing.T, sample, record []byte) (found bool) {
	t.Helper()
	d := newTestDecoding(t, Config{}, func(x *classify.Exchange) { found = found || holds(x) })
	for line := range bytes.Lines(sample) {
		if line[0] == '#' {
			d.record(classify.Source{Kind: classify.SourceFile}, time.Time{}, bytes.TrimRight(line, "\n"))
		}
	}
	found = false
	d.record(classify.Source{Kind: classify.SourceFile}, time.Time{}, record)
	return found
}

// TestNothingIsDroppedOfArchives does the same with the HAR sample.
func TestNothingIsDroppedOfArchives(t *testing.T) {
	sample, err := os.ReadFile("testdata/har.log")
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range planted(sample) {
		found := false
		readAll(t, Config{}, "f", bytes.NewReader(doc), func(x *classify.Exchange) { found = found || holds(x) })
		if !found {
			i := bytes.Index(doc, []byte(token))
			t.Errorf("the token is nowhere to be found: …%s…", doc[max(0, i-60):min(len(doc), i+60)])
		}
	}
}
