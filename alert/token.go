package alert

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// The states of a token.
const (
	tokenLive    = "live"
	tokenExpired = "expired"
	tokenUnknown = "unknown"
)

// tokenState judges a token at the time now: one that was live when it was found
// may have expired since.
func tokenState(t *classify.Token, now time.Time) string {
	switch {
	case t.Expires != nil && now.Before(*t.Expires):
		return tokenLive
	case t.Expires != nil || (t.Live != nil && !*t.Live):
		return tokenExpired
	case t.Live != nil:
		return tokenLive
	}
	return tokenUnknown
}

// TokenRecord is what a ledger knows of a credential that was exposed.
type TokenRecord struct {
	// Digest is the keyed digest of the credential.
	Digest string          `json:"digest"`
	Token  *classify.Token `json:"token"`
	// FirstSeen and LastSeen are when it was found, by the clock of the source where it has one.
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	// Places are where it was found, one for each exposure, maxPlaces at most; MorePlaces says
	// that there are more.
	Places     []TokenPlace `json:"places"`
	MorePlaces bool         `json:"more_places,omitempty"`
	// Calls counts requests that were seen with it after it was found.
	Calls    int64     `json:"calls"`
	LastCall time.Time `json:"last_call,omitzero"`
	// State is live, expired or unknown.
	State string `json:"state,omitempty"`
}

// TokenPlace is where a credential was found.
type TokenPlace struct {
	Rule  string `json:"rule"`
	First string `json:"first"` // where it was read first: FILE:LINE, TOPIC/PARTITION/OFFSET
	At    string `json:"at"`    // endpoint and part of the exchange
	Count int64  `json:"count"`
	// Fingerprint is that of the exposure.
	Fingerprint string `json:"fingerprint"`
}

// maxPlaces bounds the places of one token.
const maxPlaces = 32

// addToken notes the token of a finding.
func (l *Ledger) addToken(f *classify.Finding, now time.Time) {
	digest := f.Evidence.Digest
	if f.Token == nil || digest == "" {
		return
	}
	at := seenAt(f, now)
	r, known := l.tokens.use(digest)
	if !known {
		r = &TokenRecord{Digest: digest, FirstSeen: at}
		if dropped, ok := l.tokens.put(digest, r); ok {
			l.dirty[tokenBucket][dropped] = true
		}
	}
	r.Token = f.Token
	if at.Before(r.FirstSeen) {
		r.FirstSeen = at
	}
	if at.After(r.LastSeen) {
		r.LastSeen = at
	}
	r.addPlace(f)
	l.dirty[tokenBucket][digest] = true
}

func (r *TokenRecord) addPlace(f *classify.Finding) {
	for i := range r.Places {
		if r.Places[i].Fingerprint == f.Fingerprint {
			r.Places[i].Count += int64(f.Count)
			return
		}
	}
	if len(r.Places) >= maxPlaces {
		r.MorePlaces = true
		return
	}
	r.Places = append(r.Places, TokenPlace{
		Rule: f.Rule.ID, First: Place(f.Source), At: strings.Join(nonEmpty(endpoint(f), part(f)), ", "), Count: int64(f.Count), Fingerprint: f.Fingerprint,
	})
}

// Called counts a request with the credential of that digest, if it is known to be exposed;
// at is when the request was sent.
func (l *Ledger) Called(digest string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.tokens.peek(digest)
	if !ok || at.Before(r.FirstSeen) {
		return
	}
	r.Calls++
	if at.After(r.LastCall) {
		r.LastCall = at
	}
	l.dirty[tokenBucket][digest] = true
}

// Tokens returns a copy of what is known of each token: those that are live first, the one
// that will be longest at the top, then those of which nobody knows, then the expired.
func (l *Ledger) Tokens() []TokenRecord {
	now := l.config.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]TokenRecord, 0, l.tokens.len())
	for _, r := range l.tokens.all {
		record := *r
		record.Places = slices.Clone(r.Places)
		record.State = tokenState(r.Token, now)
		list = append(list, record)
	}
	slices.SortFunc(list, compareTokens)
	return list
}

// compareTokens puts first what has to be revoked first.
func compareTokens(a, b TokenRecord) int {
	rank := func(r *TokenRecord) int {
		return slices.Index([]string{tokenLive, tokenUnknown, tokenExpired}, r.State)
	}
	end := func(r *TokenRecord) time.Time {
		if r.Token.Expires == nil {
			return time.Time{}.AddDate(9998, 0, 0) // it does not end
		}
		return *r.Token.Expires
	}
	return cmp.Or(cmp.Compare(rank(&a), rank(&b)), end(&b).Compare(end(&a)), b.LastSeen.Compare(a.LastSeen), strings.Compare(a.Digest, b.Digest))
}
