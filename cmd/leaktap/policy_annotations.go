package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// annotations writes findings as GitHub reads them from the output of a step (GitHub Docs,
// "Workflow commands").
type annotations struct {
	mu  sync.Mutex
	w   io.Writer
	err error
}

// Accept writes one annotation.
func (s *annotations) Accept(f *classify.Finding) {
	level := "notice"
	switch {
	case f.Severity >= classify.High:
		level = "error"
	case f.Severity == classify.Medium:
		level = "warning"
	}
	place := "file=" + annotationProperty(f.Source.Name)
	if f.Source.Line > 0 {
		place += fmt.Sprintf(",line=%d", f.Source.Line)
	}
	where := strings.TrimSpace(f.HTTP.Method + " " + f.HTTP.Route + " " + f.Where.String() + " " + f.Pointer)
	text := fmt.Sprintf("%s at %s (%s). %s", f.Rule.Title, where, f.Evidence.Redacted, f.Rule.Fix)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := fmt.Fprintf(s.w, "::%s %s,title=%s::%s\n", level, place, annotationProperty(f.Rule.ID+" "+f.Severity.String()), annotationText(text))
	s.err = errors.Join(s.err, err)
}

// Settle tells what could not be written.
func (s *annotations) Settle(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// annotationText escapes what a message may not hold.
func annotationText(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(alert.Clean(s))
}

// annotationProperty escapes what a property may not hold.
func annotationProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(annotationText(s))
}
