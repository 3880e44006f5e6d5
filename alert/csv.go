package alert

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// csvForm writes a table (RFC 4180) with a line of names.
type csvForm struct{}

// csvColumns are the columns, in their order.
var csvColumns = []string{
	"id", "time", "rule", "category", "severity", "confidence", "source", "place", "service", "host", "method", "route", "status", "where", "pointer",
	"evidence", "length", "count", "principal", "token_kind", "token_live", "token_expires", "policy", "cwe", "owasp", "why", "fix", "fingerprint",
}

func (csvForm) finding(w io.Writer, n int, f *classify.Finding) error {
	var rows [][]string
	if n == 0 {
		rows = append(rows, csvColumns)
	}
	row := csvRow(f)
	for i, cell := range row {
		row[i] = SafeCell(cell)
	}
	return csv.NewWriter(w).WriteAll(append(rows, row))
}

func (csvForm) end(w io.Writer, n int) error {
	if n > 0 {
		return nil
	}
	return csv.NewWriter(w).WriteAll([][]string{csvColumns})
}

func csvRow(f *classify.Finding) []string {
	h := &f.HTTP
	at := ""
	if !f.Time.IsZero() {
		at = f.Time.UTC().Format(time.RFC3339Nano)
	}
	row := []string{
		f.ID, at, f.Rule.ID, string(f.Rule.Category), f.Severity.String(), f.Confidence.String(), string(f.Source.Kind), Place(f.Source),
		h.Service, h.Host, h.Method, h.Route, count(h.Status), f.Where.String(), f.Pointer,
		f.Evidence.Redacted, count(f.Evidence.Length), count(f.Count), f.Principal,
	}
	row = append(row, csvToken(f.Token)...)
	return append(row, verdict(f.Policy), strings.Join(f.Rule.CWE, " "), strings.Join(f.Rule.OWASP, " "), f.Rule.Why, f.Rule.Fix, f.Fingerprint)
}

// csvToken is kind, whether it is live, and its end.
func csvToken(t *classify.Token) []string {
	cells := []string{"", "", ""}
	if t == nil {
		return cells
	}
	cells[0] = t.Kind
	if t.Live != nil {
		cells[1] = strconv.FormatBool(*t.Live)
	}
	if t.Expires != nil {
		cells[2] = t.Expires.UTC().Format(time.RFC3339)
	}
	return cells
}

// count writes a number, none as nothing.
func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// SafeCell cleans a cell, and keeps spreadsheets from taking it for a formula (OWASP, "CSV
// Injection").
func SafeCell(cell string) string {
	cell = Clean(cell)
	if cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0 {
		return "'" + cell
	}
	return cell
}
