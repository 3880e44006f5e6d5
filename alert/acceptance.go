package alert

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Acceptance is a person's decision that an exposure may go on until a day.
type Acceptance struct {
	// Fingerprint is that of the exposure.
	Fingerprint string `json:"fingerprint"`
	// Reason has 1 to MaxReason bytes, in one line.
	Reason string `json:"reason"`
	// By names who accepted it.
	By string `json:"by"`
	// Until is the day on which the acceptance ends, at 00:00 UTC: after At, and at most
	// MaxAcceptedDays behind it.
	Until time.Time `json:"until"`
	// At is when it was accepted.
	At time.Time `json:"at"`
}

// The bounds of an acceptance: bytes of its reason, and days from its beginning to its end.
// DefaultAcceptedDays are long enough to plan a fix, short enough to be looked at again.
const (
	MaxReason           = 500
	MaxAcceptedDays     = 365
	DefaultAcceptedDays = 90
)

// AcceptanceError says what is wrong with an acceptance.
type AcceptanceError struct {
	// Field is reason or until, or empty where the acceptance as a whole is refused.
	Field string
	// Text says what is wanted.
	Text string
}

func (e *AcceptanceError) Error() string { return strings.TrimSpace(e.Field + " " + e.Text) }

// ErrNotKept says that a ledger without a file takes no acceptances: a restart would forget
// them.
var ErrNotKept = errors.New("acceptances need a ledger that is kept in a file (sinks.ledger.path)")

// AcceptedDays returns the first and the last day on which an acceptance that is made now may
// end, at 00:00 UTC.
func AcceptedDays(now time.Time) (first, last time.Time) {
	today := now.UTC().Truncate(24 * time.Hour)
	return today.AddDate(0, 0, 1), today.AddDate(0, 0, MaxAcceptedDays)
}

// check brings the reason into one line and says what is wrong, if anything is.
func (a *Acceptance) check() error {
	a.Reason = strings.Join(strings.Fields(Clean(a.Reason)), " ")
	first, last := AcceptedDays(a.At)
	switch {
	case a.Reason == "":
		return &AcceptanceError{"reason", "is needed: why may this go on?"}
	case len(a.Reason) > MaxReason || !utf8.ValidString(a.Reason):
		return &AcceptanceError{"reason", fmt.Sprintf("has at most %d bytes of text", MaxReason)}
	case a.Until.Before(first) || a.Until.After(last):
		return &AcceptanceError{"until", fmt.Sprintf("is a day from %s to %s", first.Format(time.DateOnly), last.Format(time.DateOnly))}
	case a.By == "":
		return &AcceptanceError{"", "nobody accepted it"}
	}
	return nil
}

// Kept says whether the ledger has a file, so that it takes acceptances.
func (l *Ledger) Kept() bool { return l.store != nil }

// AcceptExposure accepts the exposure of a fingerprint, in the place of an acceptance that it
// may have. When it returns nil the acceptance is on disk. What is wrong with an acceptance is
// an *AcceptanceError; ErrNotKept says that the ledger takes none.
func (l *Ledger) AcceptExposure(a Acceptance) error {
	if !l.Kept() {
		return ErrNotKept
	}
	a.At, a.Until = l.config.Now().UTC(), a.Until.UTC().Truncate(24*time.Hour)
	if err := a.check(); err != nil {
		return err
	}
	l.mu.Lock()
	if _, known := l.exposures.peek(a.Fingerprint); !known {
		l.mu.Unlock()
		return &AcceptanceError{"", "the ledger holds no such exposure"}
	}
	before := l.acceptances[a.Fingerprint]
	if before == nil && !l.roomForAcceptance(a.At) {
		l.mu.Unlock()
		return &AcceptanceError{"", fmt.Sprintf("%d exposures are accepted, and no more can be: withdraw one, or mend one", l.config.MaxAcceptances)}
	}
	l.setAcceptance(a.Fingerprint, &a)
	l.mu.Unlock()
	return l.keepOrRestore(a.Fingerprint, &a, before)
}

// WithdrawAcceptance ends an acceptance before its time and returns it; nil if there was none.
// When it returns no error, that is on disk.
func (l *Ledger) WithdrawAcceptance(fingerprint string) (*Acceptance, error) {
	l.mu.Lock()
	before := l.acceptances[fingerprint]
	if before == nil {
		l.mu.Unlock()
		return nil, nil
	}
	l.setAcceptance(fingerprint, nil)
	l.mu.Unlock()
	return before, l.keepOrRestore(fingerprint, nil, before)
}

// setAcceptance puts an acceptance into memory, or takes it out.
func (l *Ledger) setAcceptance(fingerprint string, a *Acceptance) {
	if l.acceptances[fingerprint] = a; a == nil {
		delete(l.acceptances, fingerprint)
	}
	l.dirty[acceptanceBucket][fingerprint] = true
}

// keepOrRestore writes the ledger. If that fails the acceptance is as it was before, unless
// somebody has changed it meanwhile.
func (l *Ledger) keepOrRestore(fingerprint string, now, before *Acceptance) error {
	err := l.save()
	if err == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.acceptances[fingerprint] == now {
		l.setAcceptance(fingerprint, before)
	}
	return fmt.Errorf("keep acceptance: %w", err)
}

// roomForAcceptance says whether one more may be held, and forgets those that have ended if
// there is none otherwise.
func (l *Ledger) roomForAcceptance(now time.Time) bool {
	if len(l.acceptances) < l.config.MaxAcceptances {
		return true
	}
	for fingerprint, a := range l.acceptances {
		if !a.holds(now) {
			l.setAcceptance(fingerprint, nil)
		}
	}
	return len(l.acceptances) < l.config.MaxAcceptances
}

// holds says whether an acceptance has not ended.
func (a *Acceptance) holds(now time.Time) bool { return a != nil && now.Before(a.Until) }

// Accepts says whether the exposure of a fingerprint is accepted at present.
func (l *Ledger) Accepts(fingerprint string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.acceptances[fingerprint]
	return a != nil && a.holds(l.config.Now())
}
