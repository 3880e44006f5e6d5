package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"path"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/detect"
	"github.com/leaktap/leaktap/ingest"
	"github.com/leaktap/leaktap/score/corpus"
)

// digestKey is the key under which planted values are recognised.
var digestKey = []byte("leaktap score key, no secret")

// found is a finding with what is needed to judge it.
type found struct {
	rule, where, pointer, digest string
	severity                     classify.Severity
	// text is the part of the record at the finding's span; nil without a span.
	text []byte
}

// miss is a planted leak that was not found, alarm a finding where nothing was
// planted.
type miss struct {
	record int
	kind   string
	leak   corpus.Leak
}

type alarm struct {
	record int
	kind   string
	found  found
	clean  bool // the record holds no leak
}

// tally counts one family.
type tally struct{ planted, found, matched, stray, alarms, infos int }

// result is what a run of the scorer saw.
type result struct {
	families              map[string]*tally
	records, clean, bytes int
	// cleanAlarms and cleanInfos are findings on records without a leak; alikes
	// and alikeAlarms count the look-alikes among these records.
	cleanAlarms, cleanInfos, alikes, alikeAlarms int
	misses                                       []miss
	alarms                                       []alarm
}

// scorer judges the findings of records against their labels.
type scorer struct {
	result
	generator  *corpus.Generator
	classifier *classify.Classifier
	pending    map[int64][]found
}

// score runs generator, decoder and classifier over that many records.
func score(seed uint64, share float64, records int) (*result, error) {
	s, reader, err := prepare(seed, share)
	if err != nil {
		return nil, err
	}
	const batch = 2000 // bounds what is held at once
	for s.records < records {
		if err := s.batch(reader, min(batch, records-s.records)); err != nil {
			return nil, err
		}
	}
	return &s.result, nil
}

// prepare makes what a run needs: generator, classifier and reader.
func prepare(seed uint64, share float64) (*scorer, *ingest.Reader, error) {
	vocabulary, err := detect.Builtin()
	if err != nil {
		return nil, nil, err
	}
	engine, err := classify.NewEngine(classify.Config{Detectors: detect.All(vocabulary), Fields: vocabulary.Fields, Key: digestKey})
	if err != nil {
		return nil, nil, err
	}
	reader, err := ingest.NewReader(ingest.Config{}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	s := &scorer{generator: corpus.New(seed, share), classifier: engine.NewClassifier(), pending: map[int64][]found{}}
	s.families = map[string]*tally{}
	return s, reader, nil
}

// batch makes, reads and judges n records.
func (s *scorer) batch(reader *ingest.Reader, n int) error {
	var in bytes.Buffer
	list := make([]corpus.Record, n)
	for i := range list {
		list[i] = s.generator.Next()
		in.Write(list[i].Line)
		in.WriteByte('\n')
	}
	s.bytes += in.Len()
	clear(s.pending)
	if _, err := reader.Run(context.Background(), "corpus", io.Reader(&in), s.handle); err != nil && !strings.Contains(err.Error(), "cut off") {
		return err
	}
	for i, r := range list {
		s.judge(s.records+i+1, r, s.pending[int64(i+1)])
	}
	s.records += n
	return nil
}

// handle classifies an exchange and keeps its findings.
func (s *scorer) handle(x *classify.Exchange) {
	s.classifier.Classify(x, corpus.Now(), func(f *classify.Finding) {
		out := found{rule: f.Rule.ID, where: f.Where.String(), pointer: f.Pointer, digest: f.Evidence.Digest, severity: f.Severity}
		if span := f.Evidence.Span; span != nil {
			if part := partOf(x, f.Where); span.End <= len(part) {
				out.text = bytes.Clone(part[span.Start:span.End])
			}
		}
		s.pending[x.Source.Line] = append(s.pending[x.Source.Line], out)
	})
}

func partOf(x *classify.Exchange, where classify.Where) []byte {
	switch where {
	case classify.InRequestBody:
		return x.Request.Body
	case classify.InResponseBody:
		return x.Response.Body
	case classify.InRecord:
		return x.Record
	default:
		return nil
	}
}

// judge compares the findings of a record with its labels.
func (s *scorer) judge(n int, r corpus.Record, findings []found) {
	used := make([]bool, len(findings))
	for _, leak := range distinct(r.Leaks) {
		t := s.tally(leak.Family)
		t.planted++
		hit := false
		for i := range findings {
			if !accepts(leak.Family, findings[i].rule) || !agree(&leak, &findings[i]) {
				continue
			}
			if !used[i] {
				used[i] = true
				t.matched++
			}
			hit = true
		}
		if hit {
			t.found++
		} else {
			s.misses = append(s.misses, miss{n, r.Kind, leak})
		}
	}
	if len(r.Leaks) == 0 {
		s.clean++
		if isAlike(r) {
			s.alikes++
		}
	}
	for i := range findings {
		if !used[i] {
			s.stray(n, r, findings[i])
		}
	}
}

// isAlike says whether a record imitates a family.
func isAlike(r corpus.Record) bool { return strings.HasPrefix(r.Kind, "like-") }

// stray counts a finding that no label stands for.
func (s *scorer) stray(n int, r corpus.Record, f found) {
	t := s.tally(familyOf(f.rule))
	clean := len(r.Leaks) == 0
	switch {
	case f.severity < classify.Low:
		t.infos++
		if clean {
			s.cleanInfos++
		}
		return
	case !clean && follows(r.Leaks, f.rule):
		return
	case clean:
		s.cleanAlarms++
		t.alarms++
		if isAlike(r) {
			s.alikeAlarms++
		}
	}
	t.stray++
	s.alarms = append(s.alarms, alarm{n, r.Kind, f, clean})
}

func (s *scorer) tally(family string) *tally {
	t := s.families[family]
	if t == nil {
		t = &tally{}
		s.families[family] = t
	}
	return t
}

// distinct merges the leaks that findings cannot tell apart: one family at one
// place.
func distinct(leaks []corpus.Leak) (list []corpus.Leak) {
	for _, l := range leaks {
		if !slices.ContainsFunc(list, func(o corpus.Leak) bool {
			return o.Family == l.Family && o.Where == l.Where && o.Pointer == l.Pointer
		}) {
			list = append(list, l)
		}
	}
	return list
}

// agree says whether a finding stands where a leak was planted: in the same
// part, and with the same value, overlapping text or the same pointer. One
// pointer may lead deeper than the other.
func agree(l *corpus.Leak, f *found) bool {
	switch {
	case l.Where != f.where:
		return false
	case f.digest != "" && f.digest == digestOf(l.Value):
		return true
	case f.text != nil && l.Value != "":
		text := string(f.text)
		return overlap(text, l.Value)
	}
	return samePlace(l.Pointer, f.pointer)
}

// overlap says whether one text holds the other, or a good part of it.
func overlap(text, value string) bool {
	if strings.Contains(text, value) || strings.Contains(value, text) {
		return true
	}
	const part = 12 // escapes may stand between
	for i := 0; i+part <= len(value); i += part / 2 {
		if strings.Contains(text, value[i:i+part]) {
			return true
		}
	}
	return false
}

// samePlace compares pointers step by step, as far as both go; "*" is any step.
func samePlace(a, b string) bool {
	split := func(p string) []string { return strings.Split(strings.ReplaceAll(p, "#", "/#"), "/") }
	as, bs := split(a), split(b)
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] && as[i] != "*" && bs[i] != "*" {
			return false
		}
	}
	return true
}

func digestOf(value string) string {
	mac := hmac.New(sha256.New, digestKey)
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// matches says whether a rule's id matches one of the patterns.
func matches(patterns []string, rule string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, rule)
		return err == nil && ok
	})
}
