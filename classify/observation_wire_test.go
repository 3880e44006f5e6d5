package classify

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestObservationRoundTrip checks that an observation is the same after it was written and
// read, and that no plaintext of its exchange is in it.
func TestObservationRoundTrip(t *testing.T) {
	e, err := NewEngine(Config{
		Detectors: []Detector{&markDetector{Rule{
			ID: "p", Category: CategoryPersonal, Severity: Low, Title: "t", Why: "w", Fix: "f", On: Trigger{Anchors: []string{"MARK"}},
		}}}, Key: testKey, Observe: true, Fields: []FieldNames{{Class: "secret", Names: []string{"secret"}}},
		ReadToken: func([]byte) TokenFacts {
			return TokenFacts{Names: [][]byte{[]byte("ada")}, Signed: []byte("s"), Signature: []byte("t"), TokenTraits: TokenTraits{Broad: true}}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	x := &Exchange{
		Time: time.Unix(1780000000, 123).UTC(), Source: Source{Kind: SourceKafka, Name: "logs", Partition: 3, Offset: 9},
		Client: netip.MustParseAddrPort("192.0.2.77:1234"), Method: []byte("GET"), Host: []byte("api.test"), Target: []byte("/users/8151623?x=1"), Status: 200,
		Request:  Message{Headers: []Header{{[]byte("Authorization"), []byte("Bearer sesame-open")}}},
		Response: Message{Body: []byte(`{"secret":"MARK","owner":"bob-the-owner"}`)},
	}
	in := e.NewClassifier().Classify(x, time.Unix(1e9, 0), func(*Finding) {})
	for _, part := range []Part{PartAll, PartCaller, PartClient} {
		o := *in.Observation
		o.Part = part
		text, err := o.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		var read Observation
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(o, read) {
			t.Errorf("wrote %+v\nread  %+v", o, read)
		}
		if !read.Answer.Private || read.Answer.Ownership != ForeignNamed || len(read.Answer.Values) != 1 || !read.Object.Numeric || read.Caller.Signed == 0 {
			t.Errorf("observation is %+v", read)
		}
		for _, secret := range []string{"sesame", "8151623", "MARK", "bob-the", "ada", "192.0.2.77"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s stands in %s", secret, text)
			}
		}
		f, g := o.Finding(mark("w", false, Trigger{}).Rule(), High, LowConfidence, "x", 1, 7), read.Finding(mark("w", false, Trigger{}).Rule(), High, LowConfidence, "x", 1, 7)
		if f.ID != g.ID || f.Fingerprint != g.Fingerprint {
			t.Error("its findings have other names")
		}
	}
}

func FuzzObservation(f *testing.F) {
	f.Add([]byte(`{"schema":"leaktap/observation/v1","time":"2026-01-01T00:00:00Z","caller":{"id":"7"},"object":{"family":"3","number":"-4"},"answer":{"values":"AAAAAAAAAAA="}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var o, again Observation
		if json.Unmarshal(text, &o) != nil {
			return
		}
		written, err := o.AppendJSON(nil)
		if err != nil {
			return // a time past the year 9999
		}
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("%s cannot be read again: %v", written, err)
		}
	})
}
