package classify

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// UnmarshalJSON reads a finding as MarshalJSON writes it. Of its rule it knows what the
// finding tells; what else there is belongs to who knows the rules.
func (f *Finding) UnmarshalJSON(text []byte) error {
	var w wireFinding
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("read finding: %w", err)
	}
	if w.Schema != FindingSchema {
		return fmt.Errorf("read finding: its schema is %q, want %q", w.Schema, FindingSchema)
	}
	if w.Rule == "" || w.Fingerprint == "" || w.Severity == 0 || w.Confidence == 0 || w.Where == 0 {
		return errors.New("read finding: rule, severity, confidence, where and fingerprint are needed")
	}
	*f = Finding{
		ID: w.ID, Severity: w.Severity, Confidence: w.Confidence, HTTP: w.HTTP,
		Rule: &Rule{
			ID: w.Rule, Category: w.Category, Severity: w.Severity, Title: w.Rule, Why: w.Why, Fix: w.Fix, CWE: w.CWE, OWASP: w.OWASP,
		},
		Source: w.Source.source(),
		Where:  w.Where, Pointer: w.Pointer, Evidence: w.Evidence, Count: w.Count,
		Principal: w.Principal, Token: w.Token, Policy: w.Policy, Fingerprint: w.Fingerprint,
	}
	if w.Time != "" {
		at, err := time.Parse(time.RFC3339Nano, w.Time)
		if err != nil {
			return fmt.Errorf("read finding: %w", err)
		}
		f.Time = at
	}
	return nil
}

func (w *wireSource) source() Source {
	s := Source{Kind: w.Kind, Name: w.Name, Line: w.Line, Lines: w.Lines, Index: w.Index, Frame: w.Frame}
	if w.Partition != nil {
		s.Partition = *w.Partition
	}
	if w.Offset != nil {
		s.Offset = *w.Offset
	}
	return s
}
