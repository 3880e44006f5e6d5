package classify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Config is what an engine is made of.
type Config struct {
	// Detectors in order of precedence among exclusive rules.
	Detectors []Detector
	// Fields is the vocabulary of telling names.
	Fields []FieldNames
	// Key is the installation's digest key, at least 16 bytes.
	Key    []byte
	Limits Limits
	// Clock tells the processor time of the calling thread, or any other time that only
	// grows; it is called from where Classify is. Without one Limits.Time does not hold.
	Clock func() time.Duration
	// Observe asks for observations, for those who look at many exchanges. ReadToken reads
	// the credential that a request shows; it may be nil.
	Observe   bool
	ReadToken func(credential []byte) TokenFacts
	// Policy judges what was found by what routes may return; nil for none.
	Policy Policy
}

// Limits bound what one exchange may cost. Zero values take the defaults.
type Limits struct {
	// Findings per exchange; more are counted, not reported. Default 100.
	Findings int
	// Layers of encodings inside each other that are opened. Default 4.
	Layers int
	// Misses is how often a rule with Once is asked in vain in one exchange: such
	// rules match expressions that cost much, and one match of theirs says all.
	// Default 1000.
	Misses int
	// Time is how long the rules may take over each MiB begun of an exchange, by
	// Config.Clock; what is left is counted, not looked at. Default 50 ms.
	Time time.Duration
}

// minKey is the least number of bytes of a digest key that is worth the name.
const minKey = 16

// Engine holds the detectors, compiled. It is immutable: any number of
// classifiers may use one at a time.
type Engine struct {
	rules    []ruleEntry
	byID     map[string]int
	policy   Policy
	fields   *vocabulary
	finder   finder
	anchors  map[anchorKey]int
	byAnchor [][]int32 // rules to ask, by anchor id
	byField  [][]int32 // by field id
	digits   []int32   // rules that ask for digit runs
	atEnd    []int32
	key      []byte
	keyID    string
	limits   Limits
	clock    func() time.Duration
	observing
}

// observing is what the engine's owner wants to know of callers.
type observing struct {
	observe     bool
	readToken   func(credential []byte) TokenFacts
	observerKey []byte
}

// openLayer stands in the place of a rule where an anchor tells of an encoding.
const openLayer = -1

// anchorKey is what tells one anchor from another.
type anchorKey struct {
	text string
	fold bool
}

// ruleEntry is a detector with what the engine needs of its rule at hand.
type ruleEntry struct {
	rule     *Rule
	detector Detector
	order    int32
	parts    uint8 // bit set of Where
	digits   int
}

// NewEngine compiles detectors and vocabulary. It reports duplicate rule ids,
// unknown field classes, unusable anchors and a key that is too short.
func NewEngine(cfg Config) (*Engine, error) {
	if len(cfg.Key) < minKey {
		return nil, fmt.Errorf("make engine: digest key has %d bytes, want at least %d", len(cfg.Key), minKey)
	}
	fields, err := newVocabulary(cfg.Fields)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(append([]byte("leaktap key id\x00"), cfg.Key...))
	e := &Engine{
		byID: map[string]int{}, policy: cfg.Policy, anchors: map[anchorKey]int{}, fields: fields, byField: make([][]int32, len(fields.classes)),
		key: slices.Clone(cfg.Key), keyID: "k-" + hex.EncodeToString(id[:4]), limits: cfg.Limits, clock: cfg.Clock,
		observing: observing{cfg.Observe, cfg.ReadToken, observerKey(cfg.Key)},
	}
	e.limits.Findings = orDefault(e.limits.Findings, 100)
	e.limits.Layers = orDefault(e.limits.Layers, 4)
	e.limits.Misses = orDefault(e.limits.Misses, 1000)
	e.limits.Time = orDefault(e.limits.Time, 50*time.Millisecond)
	for _, start := range append(slices.Clone(encodedStarts), partHeader) { // the first ids: see anchor.starts
		if err := e.addAnchor(anchor{text: start}, openLayer); err != nil {
			return nil, fmt.Errorf("make engine: %w", err)
		}
	}
	for _, d := range cfg.Detectors {
		if err := e.add(d); err != nil {
			return nil, fmt.Errorf("make engine: %w", err)
		}
	}
	e.finder.asked = make([]bool, len(e.byField))
	for id, rules := range e.byField {
		e.finder.asked[id] = len(rules) > 0
	}
	for _, f := range cfg.Fields {
		for _, name := range slices.Concat(f.Names, f.Exact) {
			e.finder.note(name)
		}
	}
	if err := e.finder.check(); err != nil {
		return nil, fmt.Errorf("make engine: %w", err)
	}
	return e, nil
}

func orDefault[N int | time.Duration](n, def N) N {
	if n <= 0 {
		return def
	}
	return n
}

// observerKey derives the key of the hashes in observations.
func observerKey(key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("leaktap observations"))
	return mac.Sum(nil)
}

// KeyID names the digest key without telling it.
func (e *Engine) KeyID() string { return e.keyID }

// Rules lists the engine's rules in order of precedence.
func (e *Engine) Rules() []*Rule {
	list := make([]*Rule, len(e.rules))
	for i := range e.rules {
		list[i] = e.rules[i].rule
	}
	return list
}

// add checks and enters one detector.
func (e *Engine) add(d Detector) error {
	r := d.Rule()
	if r.ID == "" || r.Category == "" || r.Severity == 0 || r.Why == "" || r.Fix == "" {
		return fmt.Errorf("add rule %q: id, category, severity, why and fix are needed", r.ID)
	}
	if _, ok := e.byID[r.ID]; ok {
		return fmt.Errorf("add rule %q: it is there already", r.ID)
	}
	e.byID[r.ID] = len(e.rules)
	return e.index(d, r)
}

// index files a rule under all that it asks for.
func (e *Engine) index(d Detector, r *Rule) error {
	n := int32(len(e.rules))
	e.rules = append(e.rules, ruleEntry{rule: r, detector: d, order: n, parts: partSet(r.On.Parts), digits: r.On.Digits})
	for _, list := range []struct {
		texts []string
		like  anchor
	}{{r.On.Inside, anchor{inside: true}}, {r.On.Anchors, anchor{}}, {r.On.Words, anchor{fold: true}}} {
		for _, text := range list.texts {
			list.like.text = text
			if err := e.addAnchor(list.like, n); err != nil {
				return fmt.Errorf("add rule %q: %w", r.ID, err)
			}
		}
	}
	for _, class := range r.On.Fields {
		id := e.fields.class(class)
		if id == 0 {
			return fmt.Errorf("add rule %q: no class %q in the field vocabulary", r.ID, class)
		}
		e.byField[id] = append(e.byField[id], n)
	}
	if r.On.Digits > 0 {
		e.digits = append(e.digits, n)
		if f := &e.finder; f.minRun == 0 || r.On.Digits < f.minRun {
			f.minRun = r.On.Digits
		}
	}
	if !r.On.Policy && len(r.On.Anchors)+len(r.On.Inside)+len(r.On.Words)+len(r.On.Fields)+r.On.Digits == 0 {
		e.atEnd = append(e.atEnd, n)
	}
	return nil
}

// addAnchor enters a literal once, whatever the number of rules that want it.
func (e *Engine) addAnchor(a anchor, rule int32) error {
	if a.text == "" {
		return errors.New("an anchor is empty")
	}
	key := anchorKey{a.text, a.fold}
	if id, ok := e.anchors[key]; ok {
		e.byAnchor[id] = append(e.byAnchor[id], rule)
		return nil
	}
	a.id = len(e.byAnchor)
	e.anchors[key] = a.id
	if err := e.finder.add(a); err != nil {
		return err
	}
	e.byAnchor = append(e.byAnchor, []int32{rule})
	return nil
}

func partSet(parts []Where) (set uint8) {
	if len(parts) == 0 {
		return 0xFF
	}
	for _, w := range parts {
		set |= 1 << w
	}
	return set
}
