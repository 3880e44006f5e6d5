package alert

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// alertName is the alertname of every alert that leaktap sends itself; the rule
// is a label of its own.
const alertName = "LeaktapExposure"

// Limits of one alert's annotations.
const (
	maxPointers        = 10
	maxAnnotationBytes = 1 << 10
)

// resolvedFor is how long a resolved alert is sent again, so that an Alertmanager
// which was restarted learns of it too; Prometheus does the same for 15 min.
const resolvedFor = 15 * time.Minute

// alerts is the table of alerts that are to be known to every Alertmanager: one
// for each label set, however many findings and exposures share it. It is safe
// for concurrent use.
type alerts struct {
	peers        int
	resolveAfter time.Duration
	external     string
	runbook      string

	mu     sync.Mutex
	sets   *capped[*firing]
	seen   recent
	closed bool
}

// firing is one alert.
type firing struct {
	labels           labels
	sample           *classify.Finding
	count            int64
	pointers         []string
	startsAt, endsAt time.Time
	// exposures are the fingerprints of what it stands for, with when each was found last; more
	// says that there are others.
	exposures map[string]time.Time
	more      bool
	// state counts the changes between firing and resolved; sent holds, for each
	// Alertmanager, the newest state that it took.
	state int
	sent  []int
	// refused is set when an Alertmanager called the alert malformed: it is not
	// sent again.
	refused  bool
	resolved bool
	// done is closed when an Alertmanager took the alert or it was given up.
	done    chan struct{}
	settled bool
}

// outgoing is an alert as it goes to one Alertmanager.
type outgoing struct {
	firing *firing
	state  int
	wire   wireAlert
}

// wireAlert is an alert of the Alertmanager API v2 (postableAlert in its OpenAPI
// document).
type wireAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// accept adds f to its alert. It says whether the alert has to be sent now: it is
// new, or was resolved. ok is false once the table is closed.
func (t *alerts) accept(f *classify.Finding, now time.Time) (due, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false, false
	}
	if !t.seen.first(f.ID) {
		return false, true
	}
	a, _ := t.sets.get(labelsOf(f), func(l labels) *firing {
		return &firing{labels: l, resolved: true, sent: make([]int, t.peers)}
	})
	if a.resolved {
		due = true
		a.resolved, a.settled = false, false
		a.startsAt, a.count, a.pointers = now, 0, nil
		a.exposures, a.more = map[string]time.Time{}, false
		a.done = make(chan struct{})
		a.state++
	}
	a.add(f)
	a.stand(f.Fingerprint, now)
	a.endsAt = now.Add(t.resolveAfter)
	return due, true
}

// maxStood is how many exposures an alert knows that it stands for.
const maxStood = 20

// stand notes that the alert stands for an exposure.
func (a *firing) stand(fingerprint string, now time.Time) {
	if _, known := a.exposures[fingerprint]; !known && len(a.exposures) >= maxStood {
		a.more = true
		return
	}
	a.exposures[fingerprint] = now
}

// without ends the alerts that stand for one exposure only, and lets those that stand for others
// end when they would have without it. It says whether there is anything to send. An alert for
// more exposures than it knows goes on.
func (t *alerts) without(fingerprint string, now time.Time) (due bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range t.sets.sets {
		if _, stands := a.exposures[fingerprint]; !stands || a.resolved {
			continue
		}
		delete(a.exposures, fingerprint)
		if a.more {
			continue
		}
		end := now
		for _, last := range a.exposures {
			if others := last.Add(t.resolveAfter); others.After(end) {
				end = others
			}
		}
		due = due || end.Equal(now)
		a.endsAt = end
	}
	return due
}

func (a *firing) add(f *classify.Finding) {
	a.sample = f
	a.count += int64(f.Count)
	place := strings.TrimSpace(f.Where.String() + " " + Clean(f.Pointer))
	if len(a.pointers) <= maxPointers && !slices.Contains(a.pointers, place) {
		a.pointers = append(a.pointers, place)
	}
}

// settle closes done, once.
func (a *firing) settle() (first bool) {
	if a.settled {
		return false
	}
	a.settled = true
	close(a.done)
	return true
}

// pending returns what an Alertmanager has to be sent: the alerts whose state it
// does not know, or all of them.
func (t *alerts) pending(peer int, all bool, now time.Time) []outgoing {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []outgoing
	for key, a := range t.sets.sets {
		switch {
		case !a.resolved && !now.Before(a.endsAt):
			a.resolved = true
			a.state++
		case a.resolved && now.Sub(a.endsAt) >= resolvedFor:
			a.settle()
			delete(t.sets.sets, key)
			continue
		}
		if !a.refused && (all || a.sent[peer] != a.state) {
			list = append(list, outgoing{a, a.state, t.wire(a)})
		}
	}
	return list
}

// took notes that an Alertmanager took these alerts.
func (t *alerts) took(peer int, list []outgoing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, out := range list {
		out.firing.sent[peer] = out.state
		if out.state == out.firing.state {
			out.firing.settle()
		}
	}
}

// refuse notes that an Alertmanager called the alert malformed.
func (t *alerts) refuse(a *firing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a.refused = true
	a.settle()
}

// waiting is an alert that no Alertmanager has taken yet.
type waiting struct {
	firing *firing
	since  time.Time
	done   <-chan struct{}
}

// waiting returns the alerts that no Alertmanager has taken yet.
func (t *alerts) waiting() (list []waiting) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range t.sets.sets {
		if !a.settled {
			list = append(list, waiting{a, a.startsAt, a.done})
		}
	}
	return list
}

// giveUp settles an alert that no Alertmanager took in time; it is still sent. It
// says whether that was news.
func (t *alerts) giveUp(a *firing) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return a.settle()
}

// close refuses further findings.
func (t *alerts) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
}

// wire returns a as Alertmanager reads it. Labels say what and where and never
// which agent; a label without a value is left out.
func (t *alerts) wire(a *firing) wireAlert {
	f := a.sample
	wire := wireAlert{
		Labels: map[string]string{
			"alertname": alertName, "rule": a.labels.rule, "category": a.labels.category,
			"severity": a.labels.severity, "service": a.labels.service, "route": a.labels.route,
		},
		Annotations: map[string]string{
			"summary":     summary(a.labels),
			"description": f.Rule.Title + ". " + f.Rule.Why,
			"fix":         f.Rule.Fix,
			"pointers":    pointerList(a.pointers),
			"evidence":    f.Evidence.Redacted,
			"count":       strconv.FormatInt(a.count, 10),
			"finding":     f.ID,
			"runbook_url": t.runbook,
		},
		StartsAt: a.startsAt.UTC(),
		EndsAt:   a.endsAt.UTC(),
	}
	if t.external != "" {
		wire.GeneratorURL = t.external + "/findings/" + url.PathEscape(f.Fingerprint)
	}
	dropEmpty(wire.Labels)
	for name, value := range wire.Annotations {
		wire.Annotations[name] = cut(Clean(value), maxAnnotationBytes)
	}
	dropEmpty(wire.Annotations)
	return wire
}

func dropEmpty(m map[string]string) {
	for name, value := range m {
		if value == "" {
			delete(m, name)
		}
	}
}

func summary(l labels) string {
	text := l.rule
	if l.route != "" {
		text += " at " + l.route
	}
	if l.service != "" {
		text += " of " + l.service
	}
	return text
}

func pointerList(pointers []string) string {
	if len(pointers) <= maxPointers {
		return strings.Join(pointers, ", ")
	}
	return strings.Join(pointers[:maxPointers], ", ") + " and more"
}
