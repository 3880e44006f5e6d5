package page

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"
	"golang.org/x/net/html"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

func epoch() time.Time { return time.Date(2026, 8, 1, 10, 0, 0, 0, time.UTC) }

func testRule() *classify.Rule {
	return &classify.Rule{
		ID: "password-hash", Category: classify.CategoryCredential, Severity: classify.Critical,
		Title: "A password hash is in a response", Why: "It can be cracked offline.",
		Fix: "Use an explicit serializer.", FalsePositives: "Checksums look alike.",
		CWE: []string{"CWE-213"}, OWASP: []string{"API3:2023"},
		Fixes: map[string]string{"flask": "Build the dict by hand.", "go": "Tag the field json:\"-\"."},
	}
}

// finding is finding number n, on an exposure of its own.
func finding(n int) *classify.Finding {
	return &classify.Finding{
		ID: fmt.Sprintf("lt-%d", n), Time: epoch(), Rule: testRule(), Severity: classify.Critical,
		Confidence: classify.HighConfidence,
		Source:     classify.Source{Kind: classify.SourceKafka, Name: "logs", Partition: 1, Offset: int64(n)},
		HTTP: classify.HTTP{
			Method: "GET", Host: "api.test", Service: "users-api", Status: 200,
			Route: fmt.Sprintf("/api/users/{id}/%d", n),
		},
		Where: classify.InResponseBody, Pointer: "/items/*/password_hash",
		Evidence: classify.Evidence{Redacted: "$2b$12$•••", Length: 60, Digest: "d1"},
		Count:    2, Principal: "p", Fingerprint: fmt.Sprintf("fp%d", n),
	}
}

// newPage returns the handler over a ledger with these findings.
func newPage(findings ...*classify.Finding) http.Handler {
	ledger := alert.NewLedger(alert.LedgerConfig{Now: epoch})
	for _, f := range findings {
		ledger.Accept(f)
	}
	return New(Config{
		Exposures: ledger, Rules: []*classify.Rule{testRule()}, Now: epoch,
		Status: func() []Row {
			return []Row{{Name: "Records", Value: "12", Note: "of topic logs"}, {Name: "Lag", Value: "0"}}
		},
		Configuration: testConfiguration,
	})
}

// testConfiguration is one of a file that has changed for the worse.
func testConfiguration() Configuration {
	return Configuration{
		File: "leaktap.yaml", Loaded: epoch(),
		Settings: []Setting{{"sinks:", ""}, {"  spool:", ""}, {"    max_mib: 256", "default"}, {`    dir: "/var/spool"`, "leaktap.yaml:7"}},
		Refused:  &Refusal{At: epoch().Add(time.Hour), By: "SIGHUP", Mistakes: []string{"leaktap.yaml:3:1: first", "leaktap.yaml:9:4: second"}},
	}
}

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func TestPagesShowWhatTheyShould(t *testing.T) {
	h := newPage(finding(0))
	for path, want := range map[string][]string{
		"/": {
			"Exposures: 1, the worst first", `href="/findings/fp0"`, "password-hash", "users-api",
			"GET /api/users/{id}/0", "/items/*/password_hash", `<time datetime="2026-08-01T10:00:00Z">2026-08-01 10:00</time>`, "open",
		},
		"/findings/fp0": {
			"A password hash is in a response", "users-api GET /api/users/{id}/0 (200)", "logs/1/0",
			"<mark><code>/items/*/password_hash</code></mark>", "$2b$12$••• (60 bytes)",
			"2 times in 1 finding, by 1 principal", "It can be cracked offline.", "Use an explicit serializer.",
			"<dt>flask</dt><dd>Build the dict by hand.</dd>", "definitions/213.html", "API3:2023", "until: 2026-10-30",
		},
		"/routes":   {"1 routes", "GET /api/users/{id}/0", "users-api", "1 open", `href="/findings/fp0"`},
		"/tokens":   {"No token was exposed"},
		"/pipeline": {"Records", "12", "of topic logs"},
		"/configuration": {
			`In force since <time datetime="2026-08-01T10:00:00Z">2026-08-01 10:00:00</time> UTC, from <code>leaktap.yaml</code>`,
			"sinks:\n  spool:\n    max_mib: 256                            <span class=\"where\"> # default</span>\n    dir: &#34;/var/spool&#34;                       <span class=\"where\"> # leaktap.yaml:7</span>\n",
			"Read at <time datetime=\"2026-08-01T11:00:00Z\">2026-08-01 11:00:00</time> UTC (SIGHUP)",
			"<li><code>leaktap.yaml:3:1: first</code></li>\n<li><code>leaktap.yaml:9:4: second</code></li>",
		},
		"/rules":               {`href="/rules/password-hash"`, "credential", "critical"},
		"/rules/password-hash": {"Checksums look alike.", "Build the dict by hand."},
	} {
		t.Run(path, func(t *testing.T) {
			w := get(t, h, path)
			if w.Code != http.StatusOK {
				t.Fatalf("status is %d", w.Code)
			}
			for _, text := range want {
				if !strings.Contains(w.Body.String(), text) {
					t.Errorf("%q is missing in\n%s", text, w.Body)
				}
			}
		})
	}
}

func TestEmptyPages(t *testing.T) {
	h := New(Config{Exposures: alert.NewLedger(alert.LedgerConfig{})})
	for path, want := range map[string]string{
		"/":              "Nothing was found so far",
		"/pipeline":      "reports no state",
		"/configuration": "does not say what it goes by",
		"/rules":         "Rules: 0",
	} {
		if w := get(t, h, path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: status %d, want the text %q", path, w.Code, want)
		}
	}
}

func TestMissingPages(t *testing.T) {
	h := newPage()
	for _, path := range []string{"/nothing", "/findings/none", "/rules/none", "/templates/layout.html"} {
		if w := get(t, h, path); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "Not found") {
			t.Errorf("%s: status is %d", path, w.Code)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: status is %d, want 405", w.Code)
	}
}

func TestEveryAnswerIsSecured(t *testing.T) {
	h := newPage(finding(0))
	for _, path := range []string{"/", "/findings/fp0", "/findings/none", "/routes", "/tokens", "/?severity=high&sort=last&q=none", "/pipeline", "/configuration", "/rules", "/style.css"} {
		header := get(t, h, path).Header()
		policy := header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'self'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy is %q", path, policy)
		}
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "same-origin" ||
			header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers are %v", path, header)
		}
	}
	if w := get(t, h, "/style.css"); w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("style sheet: %d %s", w.Code, w.Header().Get("Content-Type"))
	}
}

// TestInjection puts markup and steering characters into every name that comes
// from outside, and looks at what a browser would make of the page.
func TestInjection(t *testing.T) {
	const evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e\x1b[2J{{.}}"
	f := finding(0)
	f.HTTP = classify.HTTP{Method: evil, Host: evil, Route: evil, Service: evil, Status: 200}
	f.Pointer, f.Source.Name, f.Evidence.Redacted, f.Evidence.Digest, f.ID = evil, evil, evil, evil, evil
	f.Token = &classify.Token{Kind: evil, Issuer: evil, Alg: evil, Scope: []string{evil}}
	f.Policy = &classify.Verdict{Verdict: evil, By: evil}
	ledger := alert.NewLedger(alert.LedgerConfig{Now: epoch})
	ledger.Accept(f)
	h := New(Config{
		Exposures: ledger, Now: epoch, Status: func() []Row { return []Row{{Name: evil, Value: evil, Note: evil}} },
		Configuration: func() Configuration {
			return Configuration{File: evil, Settings: []Setting{{evil, evil}}, Refused: &Refusal{By: evil, Mistakes: []string{evil}}}
		},
	})
	for _, path := range []string{"/", "/findings/fp0", "/routes", "/tokens", "/pipeline", "/configuration", "/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE&service=%3Cscript%3E&sort=%3Cscript%3E"} {
		body := get(t, h, path).Body.String()
		if !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s does not show the text at all", path)
		}
		if strings.ContainsFunc(body, func(r rune) bool {
			return r != '\n' && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r))
		}) {
			t.Errorf("%s holds a character that steers", path)
		}
		for n := range parse(t, body).Descendants() {
			if n.Type == html.ElementNode && slices.Contains([]string{"script", "img", "style"}, n.Data) && (attr(n, "src") != "/live.js" || n.FirstChild != nil) {
				t.Errorf("%s holds a %s element", path, n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s holds the attribute %s", path, a.Key)
				}
			}
		}
	}
}

func parse(t testing.TB, body string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestPagesAreAccessible checks what can be checked without a browser: language,
// title, one heading of the first level, header cells with a scope, tables with a
// caption, regions that scroll reachable by keyboard and named.
func TestPagesAreAccessible(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Rules, c.Configuration = []*classify.Rule{testRule()}, testConfiguration })
	id := s.logIn(t, "ada")
	for _, path := range []string{"/", "/findings/fp0", "/findings/none", "/pipeline", "/configuration", "/rules", "/rules/password-hash", "/login"} {
		count := map[string]int{}
		v := visit{method: http.MethodGet, path: path, cookie: id}
		if path == "/login" {
			v.cookie = ""
		}
		for n := range parse(t, s.do(t, v).body).Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if attr(n, "type") == "hidden" {
				continue
			}
			if n.Data == "svg" && (attr(n, "role") != "img" || n.FirstChild.Data != "title" || n.FirstChild.FirstChild == nil) {
				t.Errorf("%s: a picture has no name", path)
			}
			if n.Data == "title" && n.Parent.Data != "head" {
				continue
			}
			count[n.Data]++
			switch {
			case n.Data == "html" && attr(n, "lang") == "", n.Data == "th" && attr(n, "scope") == "",
				n.Data == "nav" && attr(n, "aria-label") == "",
				attr(n, "tabindex") == "0" && attr(n, "aria-label") == "":
				t.Errorf("%s: <%s %v> lacks an attribute", path, n.Data, n.Attr)
			}
		}
		if fields := count["select"] + count["input"] + count["textarea"]; fields != count["label"] {
			t.Errorf("%s: %d fields have %d labels", path, fields, count["label"])
		}
		if count["h1"] != 1 || count["title"] != 1 || count["main"] != 1 || count["table"] != count["caption"] {
			t.Errorf("%s: elements are %v", path, count)
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func TestAcceptSnippetIsYAML(t *testing.T) {
	for name, c := range map[string]struct {
		http classify.HTTP
		want string
	}{
		"route":    {classify.HTTP{Method: "GET", Route: "/api/users/{id}"}, "GET /api/users/{id}"},
		"quotes":   {classify.HTTP{Method: "GET", Route: `/a"b\c: {}, größe`}, `GET /a"b\c: {}, größe`},
		"no route": {classify.HTTP{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := finding(0)
			f.HTTP = c.http
			var got struct {
				Accept []struct{ Rule, Route, Reason, Until string }
			}
			if err := yaml.Unmarshal([]byte(acceptSnippet(f, epoch())), &got); err != nil {
				t.Fatal(err)
			}
			if len(got.Accept) != 1 || got.Accept[0].Route != c.want || got.Accept[0].Rule != "password-hash" ||
				got.Accept[0].Until != "2026-10-30" {
				t.Errorf("got %+v, want the route %q", got.Accept, c.want)
			}
		})
	}
}

func TestPaging(t *testing.T) {
	var findings []*classify.Finding
	for i := range 250 {
		findings = append(findings, finding(i))
	}
	h := newPage(findings...)
	seen := map[string]bool{}
	for query, want := range map[string]struct {
		rows       int
		prev, next string
	}{
		"":         {100, "", "/?page=2"},
		"?page=2":  {100, "/", "/?page=3"},
		"?page=3":  {50, "/?page=2", ""},
		"?page=99": {50, "/?page=2", ""},
		"?page=-1": {100, "", "/?page=2"},
		"?page=x":  {100, "", "/?page=2"},
	} {
		rows, prev, next := 0, "", ""
		for n := range parse(t, get(t, h, "/"+query).Body.String()).Descendants() {
			switch href := attr(n, "href"); {
			case attr(n, "rel") == "prev":
				prev = href
			case attr(n, "rel") == "next":
				next = href
			case strings.HasPrefix(href, "/findings/"):
				rows++
				seen[href] = true
			}
		}
		if rows != want.rows || prev != want.prev || next != want.next {
			t.Errorf("%q: %d rows, previous %q, next %q; want %+v", query, rows, prev, next, want)
		}
	}
	if len(seen) != 250 {
		t.Errorf("all pages together show %d exposures, want 250", len(seen))
	}
}

// many are findings of so many exposures, each in so many bars of its timeline.
func many(exposures, bars int) (findings []*classify.Finding) {
	for i := range exposures {
		for bar := range bars {
			f := finding(i)
			f.ID, f.Time = fmt.Sprintf("lt-%d-%d", i, bar), epoch().Add(-time.Duration(bar)*time.Minute)
			findings = append(findings, f)
		}
	}
	return findings
}

// TestFullPage holds the bound of a page's size, 1 MB, where each trend has all its bars.
func TestFullPage(t *testing.T) {
	w := get(t, newPage(many(perPage, alert.TimelineBars)...), "/")
	if n := strings.Count(w.Body.String(), `<svg class="spark"`); n != perPage || w.Body.Len() > 1<<20 {
		t.Errorf("the page has %d pictures and %d bytes", n, w.Body.Len())
	}
}

// TestTenThousandExposures holds the bounds of a page: 300 ms and 1 MB.
func TestTenThousandExposures(t *testing.T) {
	const limit = slowdown * 300 * time.Millisecond
	h := newPage(many(10_000, 1)...)
	fastest := time.Hour
	for tries := 0; tries < 10 && fastest > limit; tries++ { // other work may slow one down
		began := time.Now()
		w := get(t, h, "/?page=50")
		fastest = min(fastest, time.Since(began))
		if n := strings.Count(w.Body.String(), `<svg class="spark"`); n != perPage {
			t.Fatalf("the page has %d pictures", n)
		}
		if w.Body.Len() > 1<<20 {
			t.Fatalf("page has %d bytes", w.Body.Len())
		}
	}
	if fastest > limit {
		t.Errorf("took %v", fastest)
	}
}

func BenchmarkFindingsPage(b *testing.B) {
	h := newPage(many(10_000, 1)...)
	req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	b.SetBytes(int64(w.Body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), req)
	}
}
