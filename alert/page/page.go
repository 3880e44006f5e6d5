// Package page shows exposures, rules and the state of the pipeline to people with
// a browser, and lets those who have logged in accept exposures. It takes exposures,
// rules, status rows and the configuration, and gives an http.Handler for the root of a server; it owns no
// server and no goroutine.
//
// A request that changes something needs a session, the token of that session, and to
// come from this page (Sec-Fetch-Site, Origin).
//
// Pages are made on the server, need no JavaScript, and are escaped by
// html/template; text from outside is stripped of control and format characters
// too. The Content-Security-Policy allows nothing but the embedded style sheet.
package page

import (
	"bytes"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/alert/login"
	"github.com/leaktap/leaktap/classify"
)

// Exposures is what the page reads of a ledger.
type Exposures interface {
	Snapshot() []alert.Exposure
	Exposure(fingerprint string) (alert.Exposure, bool)
	Tokens() []alert.TokenRecord
}

// Row is one line of the pipeline page: a quantity, its present value, a note on what
// it means, which may be empty, and how it went, nil where that is not known.
type Row struct {
	Name, Value, Note string
	Course            *Course
}

// Config says what the page shows.
type Config struct {
	Exposures Exposures
	Rules     []*classify.Rule
	// Status returns the rows of the pipeline page; nil shows none.
	Status func() []Row
	// Configuration returns what the agent goes by; nil shows none.
	Configuration func() Configuration
	// Acceptances keeps what is accepted; nil where nothing can be kept.
	Acceptances Acceptances
	// Login knows who may accept; nil for nobody.
	Login *login.Guard
	// RequireLogin keeps all pages from people who have not logged in.
	RequireLogin bool
	// Log takes a line for each change, and for each that was refused. nil is for none.
	Log *slog.Logger
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// contentPolicy allows the embedded style sheet and script, which may load this page anew,
// the empty icon, and forms (W3C Content Security Policy Level 3).
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

//go:embed style.css live.js templates
var files embed.FS

// handler serves the pages.
type handler struct {
	Config
	templates map[string]*template.Template
}

// New returns the handler of "/", "/findings/FINGERPRINT", "/routes", "/tokens", "/pipeline",
// "/configuration", "/rules", "/rules/ID", "/style.css" and "/live.js", and with Config.Login of "/login",
// "/logout", "/findings/FINGERPRINT/accept" and "/findings/FINGERPRINT/withdraw".
func New(c Config) http.Handler {
	if c.Status == nil {
		c.Status = func() []Row { return nil }
	}
	if c.Configuration == nil {
		c.Configuration = func() Configuration { return Configuration{} }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	h := &handler{c, parseTemplates("findings", "finding", "routes", "tokens", "pipeline", "configuration", "rules", "rule", "missing", "login", "refused")}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.findings)
	mux.HandleFunc("GET /findings/{fingerprint}", h.finding)
	mux.HandleFunc("GET /routes", h.routes)
	mux.HandleFunc("GET /tokens", h.tokens)
	mux.HandleFunc("GET /pipeline", h.pipeline)
	mux.HandleFunc("GET /configuration", h.configuration)
	mux.HandleFunc("GET /rules", h.rules)
	mux.HandleFunc("GET /rules/{id}", h.rule)
	for _, file := range []string{"style.css", "live.js"} {
		mux.HandleFunc("GET /"+file, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, file) })
	}
	mux.HandleFunc("GET /", h.missing)
	if c.Login != nil {
		mux.HandleFunc("GET /login", h.loginForm)
		mux.HandleFunc("POST /login", h.logIn)
		mux.HandleFunc("POST /logout", h.logOut)
		mux.HandleFunc("POST /findings/{fingerprint}/accept", h.accept)
		mux.HandleFunc("POST /findings/{fingerprint}/withdraw", h.withdraw)
	}
	fromHere := http.NewCrossOriginProtection()
	fromHere.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.refuse(w, r, "The request comes from another site.")
	}))
	return secured(fromHere.Handler(h.members(mux)))
}

// secured sets the headers that every answer carries. Other sites are told nothing of where
// a reader came from; this one is, because a form without it has no Origin either.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", contentPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// parseTemplates puts each page into the layout.
func parseTemplates(names ...string) map[string]*template.Template {
	templates := map[string]*template.Template{}
	for _, name := range names {
		layout := template.New("layout.html").Funcs(template.FuncMap{
			"clean":  alert.Clean,
			"time":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
			"stamp":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
			"cwe":    func(id string) string { return strings.TrimPrefix(id, "CWE-") },
			"choice": func(name, label, value string, values []string) choice { return choice{name, label, value, values} },
			"times":  func(n int64) string { return alert.Plural(n, "time") },
			"minute": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
			"day":    func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
			"column": columnOf, "words": wordsOf, "tokenClass": tokenClass, "spark": func(x alert.Exposure, now time.Time) *spark { return timelineSpark(&x, now, sparkWidth, sparkHeight) },
		})
		templates[name] = template.Must(layout.ParseFS(files, "templates/layout.html", "templates/"+name+".html"))
	}
	return templates
}

// view is what a template gets: Section marks the current entry of the navigation.
type view struct {
	Title, Section string
	Body           any
	Visitor        visitor
}

func (h *handler) render(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	v.Visitor = h.visitorOf(r)
	var buf bytes.Buffer
	if err := h.templates[name].Execute(&buf, v); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // a reader that went away is no error of ours
}

// findings lists the exposures that the address asks for.
func (h *handler) findings(w http.ResponseWriter, r *http.Request) {
	all := h.Exposures.Snapshot()
	open, values, total := countOpen(all), choicesOf(all), len(all)
	accepted := countAccepted(all)
	l := readListing(r.URL.Query())
	list := l.apply(all)
	pages := max((len(list)+perPage-1)/perPage, 1)
	l.Number = min(l.Number, pages)
	from := (l.Number - 1) * perPage
	h.render(w, r, http.StatusOK, "findings", view{Title: "Findings", Section: "findings", Body: struct {
		Listing           listing
		Choices           choices
		Sorts             []string
		Now               time.Time
		Exposures         []alert.Exposure
		Total, All, Pages int
		Previous, Next    int // 0 where there is none
		Open              []severityCount
		Accepted          int
	}{
		Listing: l, Choices: values, Sorts: sorts(), Now: h.Now(),
		Exposures: list[from:min(from+perPage, len(list))],
		Total:     len(list), All: total, Pages: pages,
		Previous: l.Number - 1, Next: (l.Number + 1) % (pages + 1),
		Open: open, Accepted: accepted,
	}})
}

// choice is one filter of the form.
type choice struct {
	Name, Label, Value string
	Values             []string
}

// column is the head of a column by which the list can be sorted.
type column struct {
	Label, Address, Order string
	Number, Current       bool
}

func columnOf(l listing, sort, label string) column {
	order := "descending"
	if sort == "rule" || sort == "route" || sort == "first" {
		order = "ascending"
	}
	return column{label, l.By(sort), order, sort == "count" || sort == "principals", l.Sort == sort}
}

// maxTokens bounds the tokens that the page lists.
const maxTokens = 300

// tokens lists the credentials to revoke.
func (h *handler) tokens(w http.ResponseWriter, r *http.Request) {
	list := h.Exposures.Tokens()
	live := 0
	for i := range list {
		if list[i].State == "live" {
			live++
		}
	}
	h.render(w, r, http.StatusOK, "tokens", view{Title: "Tokens", Section: "tokens", Body: struct {
		Tokens      []alert.TokenRecord
		Total, Live int
	}{list[:min(len(list), maxTokens)], len(list), live}})
}

// tokenClass is the colour of a token's state.
func tokenClass(state string) string {
	return map[string]string{"live": "critical", "unknown": "medium"}[state]
}

// routes shows what is exposed at each route.
func (h *handler) routes(w http.ResponseWriter, r *http.Request) {
	list := routesOf(h.Exposures.Snapshot())
	h.render(w, r, http.StatusOK, "routes", view{Title: "Routes", Section: "routes", Body: struct {
		Routes []routeRow
		Total  int
	}{list[:min(len(list), maxRoutes)], len(list)}})
}

// severityCount is how many open exposures there are of a severity.
type severityCount struct {
	Severity classify.Severity
	Count    int
}

// countOpen counts open exposures, the worst severity first.
func countOpen(list []alert.Exposure) []severityCount {
	counts := make([]severityCount, 0, classify.Critical)
	for s := classify.Critical; s >= classify.Info; s-- {
		counts = append(counts, severityCount{Severity: s})
	}
	for i := range list {
		if list[i].State.Open() {
			counts[classify.Critical-list[i].Severity].Count++
		}
	}
	return counts
}

// countAccepted counts exposures that are accepted.
func countAccepted(list []alert.Exposure) (n int) {
	for i := range list {
		if list[i].State == alert.StateAccepted {
			n++
		}
	}
	return n
}

// finding shows one exposure.
func (h *handler) finding(w http.ResponseWriter, r *http.Request) {
	x, ok := h.Exposures.Exposure(r.PathValue("fingerprint"))
	if !ok {
		h.missing(w, r)
		return
	}
	h.showFinding(w, r, http.StatusOK, &x, newAcceptForm(h.Now()))
}

// showFinding shows an exposure with a form that accepts it.
func (h *handler) showFinding(w http.ResponseWriter, r *http.Request, status int, x *alert.Exposure, form acceptForm) {
	h.render(w, r, status, "finding", view{Title: "Finding", Section: "findings", Body: struct {
		Exposure    *alert.Exposure
		Description alert.Description
		Accept      string
		Form        acceptForm
		Kept        bool
		Visitor     visitor
		Graph       *spark
		Bars        []alert.Bar
	}{
		x, alert.Describe(x), acceptSnippet(x.Sample, h.Now()), form, h.Acceptances != nil, h.visitorOf(r),
		timelineSpark(x, h.Now(), graphWidth, graphHeight), barsOf(x, h.Now()),
	}})
}

// barsOf are the bars of an exposure's timeline in which it was found.
func barsOf(x *alert.Exposure, now time.Time) []alert.Bar {
	return slices.DeleteFunc(x.Timeline.Until(now), func(b alert.Bar) bool { return b.Findings == 0 })
}

func (h *handler) pipeline(w http.ResponseWriter, r *http.Request) {
	h.render(w, r, http.StatusOK, "pipeline", view{Title: "Pipeline", Section: "pipeline", Body: h.Status()})
}

func (h *handler) rules(w http.ResponseWriter, r *http.Request) {
	h.render(w, r, http.StatusOK, "rules", view{Title: "Rules", Section: "rules", Body: h.Rules})
}

func (h *handler) rule(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(h.Rules, func(rule *classify.Rule) bool { return rule.ID == r.PathValue("id") })
	if i < 0 {
		h.missing(w, r)
		return
	}
	h.render(w, r, http.StatusOK, "rule", view{Title: "Rule", Section: "rules", Body: h.Rules[i]})
}

func (h *handler) missing(w http.ResponseWriter, r *http.Request) {
	h.render(w, r, http.StatusNotFound, "missing", view{Title: "Not found"})
}
