package ingest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leaktap/leaktap/classify"
)

var update = flag.Bool("update", false, "write the golden files anew")

// wire is an exchange as the golden files show it: text instead of bytes, and
// only what is set.
type wire struct {
	Line      int64  `json:",omitempty"`
	Lines     int64  `json:",omitempty"`
	Index     int    `json:",omitempty"`
	Kind      string `json:",omitempty"`
	Time      string `json:",omitempty"`
	Client    string `json:",omitempty"`
	Service   string `json:",omitempty"`
	Scheme    string `json:",omitempty"`
	Method    string `json:",omitempty"`
	Host      string `json:",omitempty"`
	Target    string `json:",omitempty"`
	Status    int    `json:",omitempty"`
	Persisted bool
	Request   *wireMessage `json:",omitempty"`
	Response  *wireMessage `json:",omitempty"`
	// Rest is the record without the mapped parts, each shown as ‹›.
	Rest string
}

type wireMessage struct {
	Headers   []string `json:",omitempty"`
	Body      *string  `json:",omitempty"`
	Truncated bool     `json:",omitempty"`
}

func newWire(x *classify.Exchange) wire {
	w := wire{
		Line: x.Source.Line, Lines: x.Source.Lines, Index: x.Source.Index, Kind: string(x.Source.Kind),
		Service: x.Service, Scheme: x.Scheme, Method: string(x.Method), Host: string(x.Host),
		Target: string(x.Target), Status: x.Status, Persisted: x.Persisted,
		Request: newWireMessage(x.Request), Response: newWireMessage(x.Response),
	}
	if !x.Time.IsZero() {
		w.Time = x.Time.Format("2006-01-02T15:04:05.999999999Z07:00")
	}
	if x.Client.IsValid() {
		w.Client = x.Client.Addr().String()
	}
	pos := 0
	for _, span := range x.Mapped {
		w.Rest += string(x.Record[pos:span.Start]) + "‹›"
		pos = span.End
	}
	w.Rest += string(x.Record[pos:])
	return w
}

func newWireMessage(m classify.Message) *wireMessage {
	w := &wireMessage{Truncated: m.Truncated}
	for _, h := range m.Headers {
		w.Headers = append(w.Headers, string(h.Name)+": "+string(h.Value))
	}
	if m.Body != nil {
		body := string(m.Text())
		w.Body = &body
	}
	if w.Headers == nil && w.Body == nil {
		return nil
	}
	return w
}

// TestFormats reads testdata/FORMAT.log of every format and compares the
// exchanges with FORMAT.golden.
func TestFormats(t *testing.T) {
	for _, format := range Formats() {
		t.Run(format, func(t *testing.T) {
			in, err := os.Open(filepath.Join("testdata", format+".log"))
			if err != nil {
				t.Fatalf("every format needs a sample: %v", err)
			}
			t.Cleanup(func() { _ = in.Close() })
			var got bytes.Buffer
			enc := json.NewEncoder(&got)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", " ")
			stats := readAll(t, Config{}, "sample", in, func(x *classify.Exchange) {
				if err := enc.Encode(newWire(x)); err != nil {
					t.Error(err)
				}
			})
			if !slices.ContainsFunc(keysOf(stats.Records), func(k RecordKey) bool { return k.Format == format }) {
				t.Errorf("no record of the sample was decoded as %s: %v", format, stats.Records)
			}
			golden := filepath.Join("testdata", format+".golden")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("every format needs a golden (go test -update): %v", err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("exchanges differ (-want +got):\n%s", diff)
			}
		})
	}
}
