package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/detect"
	"github.com/leaktap/leaktap/classify/window"
)

// detecting holds the options of detection that verbs share.
type detecting struct {
	// random is the digest key that was made where no file holds one.
	random  []byte
	keyFile string
	rules   []string
	disable []string
	asOf    string
	policies
}

func (d *detecting) flags(flags *pflag.FlagSet) {
	d.policies.flags(flags)
	d.baseFlags(flags)
}

// baseFlags are the flags of verbs that judge by no policy.
func (d *detecting) baseFlags(flags *pflag.FlagSet) {
	flags.StringVar(&d.keyFile, "key-file", "", "file with the digest key (see 'leaktap key new'); without it a random key serves until exit")
	d.ruleFlags(flags)
	flags.StringSliceVar(&d.disable, "disable", nil, "what not to look for: ids of rules and kinds of tokens, category:NAME")
	flags.StringVar(&d.asOf, "as-of", "", "time by which tokens are live or expired, RFC 3339 (now)")
}

// clock returns the present time that tokens are judged by.
func (d *detecting) clock() (func() time.Time, error) {
	if d.asOf == "" {
		return time.Now, nil
	}
	at, err := time.Parse(time.RFC3339, d.asOf)
	if err != nil {
		return nil, fmt.Errorf("--as-of %q: want a time such as 2026-11-23T12:00:00Z", d.asOf)
	}
	return func() time.Time { return at }, nil
}

// ruleFlags are the flags of verbs that only speak of rules.
func (d *detecting) ruleFlags(flags *pflag.FlagSet) {
	flags.StringSliceVar(&d.rules, "rules", nil, "rule files, YAML: kinds of tokens and names of fields to look for beside those built in")
}

// ruleSet reads the rules.
func (d *detecting) ruleSet(log *slog.Logger) (*ruleSet, error) {
	set, err := loadRules(d.rules)
	if err != nil {
		return nil, err
	}
	set.warn(log)
	return set, set.disableAll(d.disable)
}

// detection is what looks at exchanges: at each, and at many together.
type detection struct {
	engine *classify.Engine
	// windows is nil where nothing is looked for in many.
	windows *windows
	rules   []*classify.Rule
	// random is the digest key, if it is in no file.
	random []byte
}

// rule returns the rule of an id, nil if there is none.
func (d *detection) rule(id string) *classify.Rule {
	if i := slices.IndexFunc(d.rules, func(r *classify.Rule) bool { return r.ID == id }); i >= 0 {
		return d.rules[i]
	}
	return nil
}

// detection compiles what is looked for.
func (d *detecting) detection(limits classify.Limits, log *slog.Logger) (*detection, error) {
	set, err := d.ruleSet(log)
	if err != nil {
		return nil, err
	}
	now, err := d.clock()
	if err != nil {
		return nil, err
	}
	judging, err := d.load(now(), log)
	if err != nil {
		return nil, err
	}
	engine, err := d.engineOf(set, limits, judging)
	if err != nil {
		return nil, err
	}
	return &detection{engine, newWindows(window.Limits{}, set.windows), set.rules(), d.random}, nil
}

// engineOf makes an engine of rules, and of a policy if there is one.
func (d *detecting) engineOf(set *ruleSet, limits classify.Limits, judging classify.Policy) (*classify.Engine, error) {
	key, err := d.key()
	if err != nil {
		return nil, err
	}
	return classify.NewEngine(classify.Config{
		Detectors: set.detectors, Fields: set.vocabulary.Fields, Key: key, Limits: limits, Clock: threadTime,
		Observe: len(set.windows) > 0, ReadToken: detect.ReadCaller, Policy: judging,
	})
}

// key reads the digest key, or makes one, once.
func (d *detecting) key() ([]byte, error) {
	if d.keyFile == "" && d.random != nil {
		return d.random, nil
	}
	key, err := digestKey(d.keyFile)
	if d.keyFile == "" {
		d.random = key
	}
	return key, err
}

// keyBytes is the size of a new digest key.
const keyBytes = 32

// digestKey reads a key in hex, or makes one that lasts as long as the process.
func digestKey(file string) ([]byte, error) {
	if file == "" {
		key := make([]byte, keyBytes)
		_, err := rand.Read(key)
		return key, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read digest key: %w", err)
	}
	key, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) < keyBytes/2 {
		return nil, fmt.Errorf("read digest key %s: want at least %d hexadecimal digits, as 'leaktap key new' writes them", file, keyBytes)
	}
	return key, nil
}

// didYouMean suggests the name that is nearest to what was written.
func didYouMean(name string, known []string) string {
	best, distance := "", len(name)/2+1
	for _, k := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			corner, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, corner+cost)
		}
	}
	return row[len(b)]
}
