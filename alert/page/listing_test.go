package page

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// listPage is a page of three exposures that differ in all that can be filtered and sorted by.
func listPage() http.Handler {
	now := epoch().Add(time.Hour)
	ledger := alert.NewLedger(alert.LedgerConfig{Now: func() time.Time { return now }})
	rule := func(id string, c classify.Category) *classify.Rule {
		r := testRule()
		r.ID, r.Category = id, c
		return r
	}
	for i, change := range []func(f *classify.Finding){
		func(f *classify.Finding) { f.Count = 5 },
		func(f *classify.Finding) {
			f.Rule, f.Severity, f.HTTP.Service = rule("pii-email", classify.CategoryPersonal), classify.Low, "orders-api"
			f.Time, f.HTTP.Route, f.Count = epoch().Add(10*time.Minute), "/a", 9
		},
		func(f *classify.Finding) {
			f.Rule, f.Severity, f.HTTP.Service, f.HTTP.Host = rule("token-in-log", classify.CategoryToken), classify.High, "", ""
			f.Time, f.Pointer = epoch().Add(-10*time.Minute), "/authorization"
		},
	} {
		f := finding(i)
		change(f)
		ledger.Accept(f)
	}
	return New(Config{Exposures: ledger, Now: epoch})
}

// TestListing checks filters and orders: which exposures are listed, and in which order.
func TestListing(t *testing.T) {
	h := listPage()
	for query, want := range map[string]string{
		"":                                   "0 2 1",
		"severity=high":                      "0 2",
		"severity=nonsense":                  "0 2 1",
		"category=personal":                  "1",
		"service=users-api":                  "0",
		"service=logs":                       "2", // a log has no service: its topic stands for it
		"rule=token-in-log":                  "2",
		"state=resolved":                     "",
		"q=AUTHORIZATION":                    "2",
		"q=orders":                           "1",
		"q=fp1":                              "1",
		"q=nothing+of+that":                  "",
		"severity=low&q=users&sort=count":    "0 2",
		"sort=last":                          "1 0 2",
		"sort=first":                         "2 0 1",
		"sort=count":                         "1 0 2",
		"sort=rule":                          "0 1 2",
		"sort=route":                         "2 1 0",
		"sort=principals":                    "0 2 1",
		"sort=nonsense":                      "0 2 1",
		"q=" + strings.Repeat("x", 10_000):   "",
		"severity=high&page=7&sort=severity": "0 2",
	} {
		var got []string
		for n := range parse(t, get(t, h, "/?"+query).Body.String()).Descendants() {
			if number, ok := strings.CutPrefix(attr(n, "href"), "/findings/fp"); ok {
				got = append(got, number)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%.40s: lists %v, want %s", query, got, want)
		}
	}
}

// TestListingKeepsItsAddress checks that pages and orders keep the filters.
func TestListingKeepsItsAddress(t *testing.T) {
	l := listing{Severity: "high", Text: "a&b", Sort: "last", Number: 3}
	if got := l.Page(2); got != "/?page=2&q=a%26b&severity=high&sort=last" {
		t.Errorf("page 2 is at %s", got)
	}
	if got := l.By("severity"); got != "/?q=a%26b&severity=high" {
		t.Errorf("sorted by severity it is at %s", got)
	}
	if got := (listing{Sort: "severity"}).Page(1); got != "/" {
		t.Errorf("all is at %s", got)
	}
}

// TestTokensPage checks the order and the counts of tokens.
func TestTokensPage(t *testing.T) {
	ledger := alert.NewLedger(alert.LedgerConfig{Now: epoch})
	for i, end := range []time.Duration{-time.Hour, time.Hour, 48 * time.Hour} {
		f := finding(i)
		at := epoch().Add(end)
		f.Token, f.Evidence.Digest = &classify.Token{Kind: "jwt", Expires: &at}, fmt.Sprintf("digest%d", i)
		ledger.Accept(f)
		ledger.Called(f.Evidence.Digest, epoch())
	}
	body := get(t, New(Config{Exposures: ledger, Now: epoch}), "/tokens").Body.String()
	last := -1
	for _, text := range []string{"3, of which 2 still work", "digest2", "digest1", "digest0"} {
		at := strings.Index(body, text)
		if at <= last {
			t.Errorf("%q is missing, or not behind what is before it", text)
		}
		last = at
	}
	if n := strings.Count(body, `<td class="number">1</td>`); n != 3 {
		t.Errorf("%d tokens with one call, want 3", n)
	}
}
