package classify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestFindingRoundTrip checks that a finding that was written and read is written the same.
func TestFindingRoundTrip(t *testing.T) {
	live, end := true, time.Unix(1790000000, 0).UTC()
	e := testEngine(t, Limits{}, mark("m", false, Trigger{Anchors: []string{"MARK"}}))
	for _, src := range []Source{
		{Kind: SourceKafka, Name: "logs", Partition: 3, Offset: 1 << 40, Index: 2},
		{Kind: SourceFile, Name: "a.log", Line: 7, Lines: 2},
		{Kind: SourcePcap, Name: "x.pcap", Frame: 9},
	} {
		list, _ := classifyAll(e, &Exchange{
			Time: time.Unix(1780000000, 123456789), Source: src, Method: []byte("GET"), Target: []byte("/u/1"), Status: 200,
			Response: Message{Body: []byte(`{"a":"MARK"}`)},
		})
		f := list[0]
		f.Principal, f.Policy = "p-1", &Verdict{Verdict: "denied", By: "policy"}
		f.Token = &Token{Kind: "jwt", Alg: "none", Scope: []string{"a"}, Live: &live, Expires: &end}
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var read Finding
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(&read)
		if err != nil || string(again) != string(text) {
			t.Errorf("wrote %s\nread  %s (%v)", text, again, err)
		}
	}
}

func TestFindingReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                              `its schema is "", want "leaktap/finding/v1"`,
		`{"schema":"leaktap/finding/v1"}`: "rule, severity, confidence, where and fingerprint are needed",
		`{"schema":"leaktap/finding/v1","rule":"a","severity":"low","confidence":"low","where":"record","fingerprint":"b","time":"yesterday"}`: "cannot parse",
		`{"schema":"leaktap/finding/v1","rule":"a","severity":"grave"}`:                                                                        `unknown severity "grave"`,
		`[]`: "cannot unmarshal",
	} {
		var f Finding
		if err := json.Unmarshal([]byte(text), &f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %s", text, err, want)
		}
	}
}

func FuzzFindingRead(f *testing.F) {
	f.Add([]byte(`{"schema":"leaktap/finding/v1","rule":"a","severity":"high","confidence":"low","where":"record","fingerprint":"b","source":{"kind":"file"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var read, again Finding
		if json.Unmarshal(text, &read) != nil {
			return
		}
		written, err := json.Marshal(&read)
		if err != nil {
			return // a time past the year 9999
		}
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("%s cannot be read again: %v", written, err)
		}
	})
}
