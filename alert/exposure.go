package alert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// Exposure is what a ledger knows of all findings with one fingerprint.
type Exposure struct {
	Fingerprint string
	// Sample is the newest finding. It is shared: do not change it.
	Sample *classify.Finding
	// Severity is the worst one seen.
	Severity classify.Severity
	// First is where the first finding was read.
	First classify.Source
	// FirstSeen and LastSeen are times of exchanges by the clock of their source
	// where it has one, otherwise by the agent's; never later than the agent's.
	FirstSeen, LastSeen time.Time
	// Taken is when the newest finding was accepted, by the agent's clock.
	Taken time.Time
	// Findings counts findings, Count the places they were found in.
	Findings, Count int64
	// Principals counts distinct principals, up to LedgerConfig.MaxPrincipals;
	// MorePrincipals says that this limit was reached.
	Principals     int
	MorePrincipals bool
	// Absent is how many answers of the route came without it since it was seen last.
	Absent int64
	// Regressions is how often it came back after that had been enough of them.
	Regressions int
	// Timeline counts findings over time. It is shared: do not change it. One that is read from
	// a ledger of an older version begins with the first finding since; nil before that.
	Timeline *Timeline
	Standing
}

// Standing says where an exposure stands.
type Standing struct {
	State State
	// Occurs says that it goes on, accepted or not.
	Occurs bool
	// Acceptance is the newest one, which may have ended; nil for none. It is shared: do not
	// change it.
	Acceptance *Acceptance
}

// State says whether an exposure goes on, and whether it may.
type State string

// The states of an exposure. Accepted means that somebody accepted it, until a day. Resolved
// means that LedgerConfig.ResolveAnswers answers of its route came without it, or that it was
// not seen for LedgerConfig.ResolveAfter; it opens again with the next finding, as regressed if
// answers had shown that it was gone.
const (
	StateOpen      State = "open"
	StateAccepted  State = "accepted"
	StateResolved  State = "resolved"
	StateRegressed State = "regressed"
)

// States lists the states.
func States() []State { return []State{StateOpen, StateRegressed, StateAccepted, StateResolved} }

// Open says whether an exposure of that state goes on and nobody has accepted it.
func (s State) Open() bool { return s == StateOpen || s == StateRegressed }

// Place says where a source was read, as people write it: FILE:LINE,
// TOPIC/PARTITION/OFFSET, INTERFACE frame N.
func Place(s classify.Source) string {
	name := Clean(s.Name)
	switch {
	case s.Kind == classify.SourceKafka:
		return fmt.Sprintf("%s/%d/%d", name, s.Partition, s.Offset)
	case s.Frame > 0:
		return fmt.Sprintf("%s frame %d", name, s.Frame)
	case s.Lines > 1:
		return fmt.Sprintf("%s:%d-%d", name, s.Line, s.Line+s.Lines-1)
	case s.Line > 0:
		return fmt.Sprintf("%s:%d", name, s.Line)
	}
	return name
}

// SortExposures puts the worst first, then the latest seen, then by fingerprint.
func SortExposures(list []Exposure) {
	order, from := make([]*Exposure, len(list)), slices.Clone(list) // an exposure is large: to move it once is enough
	for i := range from {
		order[i] = &from[i]
	}
	slices.SortFunc(order, func(a, b *Exposure) int {
		if a.Severity != b.Severity {
			return cmp.Compare(b.Severity, a.Severity)
		}
		if order := b.LastSeen.Compare(a.LastSeen); order != 0 {
			return order
		}
		return strings.Compare(a.Fingerprint, b.Fingerprint)
	})
	for i, x := range order {
		list[i] = *x
	}
}
