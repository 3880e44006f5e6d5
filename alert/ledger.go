package alert

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// LedgerConfig bounds a ledger; a zero field means its default.
type LedgerConfig struct {
	// MaxExposures is how many exposures are held, 10,000 by default. One more
	// drops the one that was seen least recently.
	MaxExposures int
	// MaxTokens is how many distinct tokens are held, 10,000 by default.
	MaxTokens int
	// MaxPrincipals is how many distinct principals are told apart for each
	// exposure, 100 by default.
	MaxPrincipals int
	// MaxAcceptances is how many exposures can be accepted at a time, 1,000 by default.
	MaxAcceptances int
	// ResolveAfter is how long an exposure stays open without a finding, 1 h by
	// default.
	ResolveAfter time.Duration
	// ResolveAnswers is how many answers of its route have to come without an exposure before
	// it counts as mended, 50 by default.
	ResolveAnswers int64
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// withDefaults returns c with its zero fields set.
func (c LedgerConfig) withDefaults() LedgerConfig {
	c.MaxExposures = cmp.Or(c.MaxExposures, 10_000)
	c.MaxTokens = cmp.Or(c.MaxTokens, 10_000)
	c.MaxPrincipals = cmp.Or(c.MaxPrincipals, 100)
	c.MaxAcceptances = cmp.Or(c.MaxAcceptances, 1_000)
	c.ResolveAfter = cmp.Or(c.ResolveAfter, time.Hour)
	c.ResolveAnswers = cmp.Or(c.ResolveAnswers, 50)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Ledger is a sink that keeps the exposures and tokens in memory, and in a file if it has one,
// for the findings page, the metrics and reports. A finding whose id it has seen changes
// nothing. It is safe for concurrent use.
type Ledger struct {
	config LedgerConfig
	// saving is held while the file is written, so that what is newer is written later.
	saving sync.Mutex

	mu          sync.Mutex
	exposures   *lru[string, *entry]
	tokens      *lru[string, *TokenRecord] // by digest
	acceptances map[string]*Acceptance     // by fingerprint; they are replaced, never changed
	// answers counts those of the routes of exposures.
	answers *lru[routeKey, *int64]
	seen    recent
	dirty   dirty
	store   *store
}

// entry is an exposure with its distinct principals.
type entry struct {
	Exposure
	principals map[string]struct{}
	// answered is how many answers of the route had come when it was seen last, that one
	// included.
	answered int64
}

// routeKey names a route of a service.
type routeKey struct{ service, method, route string }

func routeOf(h *classify.HTTP) routeKey {
	return routeKey{cmp.Or(h.Service, h.Host), h.Method, h.Route}
}

// NewLedger returns an empty ledger.
func NewLedger(c LedgerConfig) *Ledger {
	c = c.withDefaults()
	return &Ledger{
		config:      c,
		exposures:   newLRU[string, *entry](c.MaxExposures),
		tokens:      newLRU[string, *TokenRecord](c.MaxTokens),
		acceptances: map[string]*Acceptance{},
		answers:     newLRU[routeKey, *int64](c.MaxExposures),
		seen:        newRecent(),
		dirty:       newDirty(),
	}
}

// Accept adds f to its exposure.
func (l *Ledger) Accept(f *classify.Finding) { l.add(f) }

// Settle writes what is new to the ledger's file, if it has one. What cannot be written is an
// error in the log and stays to be written: the findings themselves are with the other sinks.
func (l *Ledger) Settle(context.Context) error {
	if err := l.save(); err != nil {
		l.store.log.Error("ledger is not written", "cause", err)
	}
	return nil
}

// add adds f to its exposure and says whether f opened it: the exposure is new.
func (l *Ledger) add(f *classify.Finding) (opened bool) {
	now := l.config.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.seen.first(f.ID) {
		return false
	}
	e, known := l.exposures.use(f.Fingerprint)
	if !known {
		e = &entry{
			Exposure:   Exposure{Fingerprint: f.Fingerprint, First: f.Source, FirstSeen: seenAt(f, now)},
			principals: map[string]struct{}{},
		}
		if dropped, ok := l.exposures.put(f.Fingerprint, e); ok {
			l.dirty[exposureBucket][dropped] = true
		}
	}
	if known && l.absent(e) >= l.config.ResolveAnswers {
		e.Regressions++
	}
	e.add(f, now, l.config.MaxPrincipals)
	e.answered = *l.answersOf(routeOf(&f.HTTP)) + 1
	l.dirty[exposureBucket][f.Fingerprint] = true
	l.addToken(f, now)
	return !known
}

// answersOf returns the count of answers of a route.
func (l *Ledger) answersOf(key routeKey) *int64 {
	n, ok := l.answers.use(key)
	if !ok {
		n = new(int64)
		l.answers.put(key, n)
	}
	return n
}

// Answered counts an answer of a route, behind the findings in it: exposures that were not in
// it may have been mended.
func (l *Ledger) Answered(h *classify.HTTP) {
	if h.Status < 200 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.answers.peek(routeOf(h)); ok {
		*n++
	}
}

// absent is how many answers of the route came without the exposure.
func (l *Ledger) absent(e *entry) int64 {
	n, ok := l.answers.peek(routeOf(&e.Sample.HTTP))
	if !ok {
		return 0
	}
	return max(0, *n-e.answered)
}

func (e *entry) add(f *classify.Finding, now time.Time, maxPrincipals int) {
	at := seenAt(f, now)
	if at.Before(e.FirstSeen) {
		e.FirstSeen = at
	}
	if at.After(e.LastSeen) {
		e.LastSeen = at
	}
	e.Sample = f
	e.Severity = max(e.Severity, f.Severity)
	e.Taken = now
	e.Findings++
	e.Timeline = e.Timeline.with(at)
	e.Count += int64(f.Count)
	if f.Principal != "" && len(e.principals) < maxPrincipals {
		e.principals[f.Principal] = struct{}{}
	}
}

// seenAt is the time of the finding's exchange; an exchange without a time, or
// with one in the future, happened now.
func seenAt(f *classify.Finding, now time.Time) time.Time {
	if f.Time.IsZero() || f.Time.After(now) {
		return now
	}
	return f.Time
}

// Snapshot returns a copy of every exposure, the latest taken first.
func (l *Ledger) Snapshot() []Exposure {
	now := l.config.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Exposure, 0, l.exposures.len())
	for _, e := range l.exposures.all {
		list = append(list, l.view(e, now))
	}
	return list
}

// Exposure returns the exposure with that fingerprint.
func (l *Ledger) Exposure(fingerprint string) (Exposure, bool) {
	now := l.config.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.exposures.peek(fingerprint)
	if !ok {
		return Exposure{}, false
	}
	return l.view(e, now), true
}

// Evicted returns how many exposures were dropped to hold LedgerConfig.MaxExposures.
func (l *Ledger) Evicted() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.exposures.evicted
}

// view copies e as of now.
func (l *Ledger) view(e *entry, now time.Time) Exposure {
	x := e.Exposure
	x.Principals = len(e.principals)
	x.MorePrincipals = x.Principals >= l.config.MaxPrincipals
	x.Absent = l.absent(e)
	x.Acceptance = l.acceptances[e.Fingerprint]
	x.Occurs = x.Absent < l.config.ResolveAnswers && now.Sub(e.Taken) < l.config.ResolveAfter
	switch {
	case x.Acceptance.holds(now):
		x.State = StateAccepted
	case !x.Occurs:
		x.State = StateResolved
	case x.Regressions > 0:
		x.State = StateRegressed
	default:
		x.State = StateOpen
	}
	return x
}

// tally is the number of exposures by severity and state, and of tokens by state.
type tally struct {
	exposures map[exposureClass]int
	tokens    map[string]int
	// suspects counts, by service, the callers who gather data.
	suspects map[string]int
}

// isHarvest says whether each exposure of a rule is a caller who gathers data.
func isHarvest(rule string) bool { return rule == "harvest" || rule == "enumeration" }

// maxSuspected bounds the services that are told apart; suspects of others count as those of
// "other".
const maxSuspected = 100

func (t *tally) suspect(service string) {
	if _, known := t.suspects[service]; !known && len(t.suspects) >= maxSuspected {
		service = overflow
	}
	t.suspects[service]++
}

type exposureClass struct {
	severity classify.Severity
	state    State
}

// tally counts what the ledger holds.
func (l *Ledger) tally() tally {
	t := tally{exposures: map[exposureClass]int{}, tokens: map[string]int{}, suspects: map[string]int{}}
	now := l.config.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.exposures.all {
		x := l.view(e, now)
		t.exposures[exposureClass{x.Severity, x.State}]++
		if x.State.Open() && isHarvest(e.Sample.Rule.ID) {
			t.suspect(labelsOf(e.Sample).service)
		}
	}
	for _, token := range l.tokens.all {
		t.tokens[tokenState(token.Token, now)]++
	}
	return t
}
