package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// SARIF 2.1.0 (OASIS standard, 27 March 2020), as far as it is used here.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Version        string      `json:"version,omitempty"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string         `json:"id"`
		ShortDescription sarifText      `json:"shortDescription"`
		FullDescription  sarifText      `json:"fullDescription"`
		Help             sarifText      `json:"help"`
		HelpURI          string         `json:"helpUri,omitempty"`
		Configuration    sarifLevel     `json:"defaultConfiguration"`
		Properties       map[string]any `json:"properties"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID              string            `json:"ruleId"`
		RuleIndex           int               `json:"ruleIndex"`
		Level               string            `json:"level"`
		Message             sarifText         `json:"message"`
		Locations           []sarifLocation   `json:"locations"`
		PartialFingerprints map[string]string `json:"partialFingerprints"`
		OccurrenceCount     int64             `json:"occurrenceCount"`
		Properties          map[string]any    `json:"properties"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int64 `json:"startLine"`
	}
	sarifLogical struct {
		Name          string `json:"name"`
		QualifiedName string `json:"fullyQualifiedName"`
		Kind          string `json:"kind"`
	}
)

const (
	sarifSchema    = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	informationURI = "https://github.com/leaktap/leaktap"
)

// sarifWriter returns what writes exposures as a log with one run.
func sarifWriter(version string) func(w io.Writer, list []Exposure) error {
	return func(w io.Writer, list []Exposure) error {
		run := sarifRun{
			Tool:       sarifTool{sarifDriver{Name: "leaktap", InformationURI: informationURI, Version: version, Rules: []sarifRule{}}},
			ColumnKind: "utf16CodeUnits", Results: []sarifResult{},
		}
		for i := range list {
			run.add(&list[i])
		}
		text, err := json.Marshal(sarifLog{sarifSchema, "2.1.0", []sarifRun{run}})
		if err != nil {
			return err
		}
		var lines bytes.Buffer
		if err := json.Indent(&lines, EscapeInvisible(text), "", " "); err != nil {
			return err
		}
		_, err = fmt.Fprintln(w, lines.String())
		return err
	}
}

// add adds an exposure, and its rule unless that is there.
func (r *sarifRun) add(x *Exposure) {
	rule := x.Sample.Rule
	rules := &r.Tool.Driver.Rules
	index := slices.IndexFunc(*rules, func(known sarifRule) bool { return known.ID == rule.ID })
	if index < 0 {
		index = len(*rules)
		*rules = append(*rules, newSARIFRule(rule))
	}
	r.Results = append(r.Results, sarifResult{
		RuleID: rule.ID, RuleIndex: index, Level: sarifLevelOf(x.Severity), Message: sarifText{message(x)},
		Locations: []sarifLocation{sarifLocationOf(x)}, PartialFingerprints: map[string]string{"leaktap/v1": x.Fingerprint},
		OccurrenceCount: x.Count,
		Properties: map[string]any{
			"security-severity": securitySeverity(x.Severity), "severity": x.Severity.String(), "confidence": x.Sample.Confidence.String(),
			"principals": x.Principals,
		},
	})
}

func newSARIFRule(r *classify.Rule) sarifRule {
	tags := []string{"security", string(r.Category)}
	helpURI := ""
	for _, cwe := range r.CWE {
		tags = append(tags, "external/cwe/"+strings.ToLower(cwe))
		if helpURI == "" {
			helpURI = "https://cwe.mitre.org/data/definitions/" + strings.TrimPrefix(cwe, "CWE-") + ".html"
		}
	}
	for _, owasp := range r.OWASP {
		tags = append(tags, "external/owasp/"+owasp)
	}
	return sarifRule{
		ID: r.ID, ShortDescription: sarifText{r.Title}, FullDescription: sarifText{r.Why}, Help: sarifText{"Fix: " + r.Fix}, HelpURI: helpURI,
		Configuration: sarifLevel{sarifLevelOf(r.Severity)},
		Properties:    map[string]any{"tags": tags, "security-severity": securitySeverity(r.Severity), "precision": "high"},
	}
}

// sarifLevelOf maps severities to the levels of section 3.27.10.
func sarifLevelOf(s classify.Severity) string {
	switch {
	case s >= classify.High:
		return "error"
	case s == classify.Medium:
		return "warning"
	}
	return "note"
}

// securitySeverity is the number, 0.0 to 10.0, by which GitHub ranks: over 9 is critical,
// from 7 on high, from 4 on medium.
func securitySeverity(s classify.Severity) string {
	switch s {
	case classify.Critical:
		return "9.5"
	case classify.High:
		return "8.0"
	case classify.Medium:
		return "5.5"
	case classify.Low:
		return "3.0"
	case classify.Info:
	}
	return "0.0"
}

// sarifLocationOf is the file and line, or what stands for them.
func sarifLocationOf(x *Exposure) (l sarifLocation) {
	if file := sourceFile(x.First); file != "" {
		uri := url.URL{Path: filepath.ToSlash(file)}
		l.Physical = &sarifPhysical{Artifact: sarifArtifact{uri.String()}}
		if x.First.Line > 0 {
			l.Physical.Region = &sarifRegion{x.First.Line}
		}
	}
	d := Describe(x)
	l.Logical = []sarifLogical{{Name: part(x.Sample), QualifiedName: strings.Join(nonEmpty(d.First, d.Endpoint, d.Part), " "), Kind: "member"}}
	return l
}
