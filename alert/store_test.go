package alert

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leaktap/leaktap/classify"
)

// describeTest knows the rule of test findings.
func describeTest(id string) *classify.Rule {
	if id == testRule().ID {
		return testRule()
	}
	return nil
}

func openLedger(t *testing.T, path string, c LedgerConfig) *Ledger {
	t.Helper()
	l, err := OpenLedger(path, c, describeTest, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func withToken(digest string, expires time.Time) func(*classify.Finding) {
	return func(f *classify.Finding) {
		f.Token, f.Evidence.Digest, f.ID = &classify.Token{Kind: "jwt", Expires: &expires}, digest, "id-"+digest
	}
}

// TestLedgerIsKept checks that what a ledger knows is the same after a restart: exposures with
// all they have, tokens with their places and calls, answers without an exposure.
func TestLedgerIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	c := &clock{epoch()}
	config := LedgerConfig{Now: c.Now}
	l := openLedger(t, path, config)
	l.Accept(finding(0, func(f *classify.Finding) { f.Principal = "p-1" }))
	c.now = epoch().Add(time.Minute)
	l.Accept(finding(1, func(f *classify.Finding) { f.Principal = "p-2" }))
	l.Accept(finding(2, at("/other"), withToken("t1", epoch().Add(time.Hour))))
	for range 20 {
		l.Answered(&finding(0).HTTP)
	}
	settle(t, l)
	l.Called("t1", epoch().Add(time.Minute))
	l.Called("t1", epoch().Add(-time.Minute)) // before it was found
	l.Called("unknown", epoch())
	settle(t, l)
	again := openLedger(t, path, config)
	// Answers are written with the exposure: those since then are not.
	ignore := cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Absent" }, cmp.Ignore())
	if diff := cmp.Diff(l.Snapshot(), again.Snapshot(), ignore, cmp.AllowUnexported(Timeline{})); diff != "" {
		t.Errorf("exposures differ after a restart (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(l.Tokens(), again.Tokens()); diff != "" {
		t.Errorf("tokens differ after a restart (-before +after):\n%s", diff)
	}
	if tokens := again.Tokens(); len(tokens) != 1 || tokens[0].Calls != 1 || len(tokens[0].Places) != 1 || tokens[0].State != tokenLive {
		t.Errorf("tokens are %+v", tokens)
	}
	again.Accept(finding(1)) // a replay
	if x, _ := again.Exposure("fp"); x.Findings != 2 || x.Principals != 2 || x.Sample.Rule.Title != testRule().Title {
		t.Errorf("exposure is %+v", x)
	}
	read, err := ReadLedger(path, config, describeTest)
	if err != nil || len(read.Snapshot()) != 2 {
		t.Errorf("read %d exposures (%v)", len(read.Snapshot()), err)
	}
}

// TestLedgerFileIsBounded checks that what a ledger drops is dropped from its file.
func TestLedgerFileIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	config := LedgerConfig{MaxExposures: 3, MaxTokens: 2}
	l := openLedger(t, path, config)
	for i := range 10 {
		name := string(rune('a' + i))
		l.Accept(finding(i, at("/"+name), withToken(name, epoch())))
		settle(t, l)
	}
	read, err := ReadLedger(path, LedgerConfig{}, describeTest)
	if err != nil || len(read.Snapshot()) != 3 || len(read.Tokens()) != 2 {
		t.Errorf("the file holds %d exposures and %d tokens (%v), want 3 and 2", len(read.Snapshot()), len(read.Tokens()), err)
	}
}

// TestDamagedLedger cuts a ledger's file at many places, and turns bytes of it: each time it
// is read whole, or put aside with an error in the log and begun anew. Reports say what is
// wrong.
func TestDamagedLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openLedger(t, path, LedgerConfig{})
	for i := range 40 {
		route := "/" + strings.Repeat("x", i)
		l.Accept(finding(i, at(route), withToken(strings.Repeat("t", i+1), epoch())))
		accept(t, l, Acceptance{Fingerprint: "fp-" + route, Reason: route, By: "ada", Until: time.Now().AddDate(0, 0, 30)})
	}
	settle(t, l)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		text := bytes.Clone(whole)
		if i%2 == 0 {
			text = text[:random.IntN(len(text))]
		} else {
			for range 1 + random.IntN(4) {
				text[random.IntN(len(text))] ^= byte(1 + random.IntN(255))
			}
		}
		dir := t.TempDir()
		damaged := filepath.Join(dir, "ledger.db")
		if err := os.WriteFile(damaged, text, 0o600); err != nil {
			t.Fatal(err)
		}
		read, err := ReadLedger(damaged, LedgerConfig{}, describeTest)
		if _, ok := errors.AsType[*damagedError](err); err != nil && !ok {
			t.Fatalf("change %d: read gave %v", i, err)
		}
		if err == nil && len(text) > 0 && (len(read.Snapshot()) != 40 || len(read.acceptances) != 40) {
			t.Fatalf("change %d: %d exposures and %d acceptances were read without an error", i, len(read.Snapshot()), len(read.acceptances))
		}
		var log bytes.Buffer
		again, err := OpenLedger(damaged, LedgerConfig{}, describeTest, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatalf("change %d: open gave %v", i, err)
		}
		aside, err := filepath.Glob(damaged + ".damaged-*")
		if err != nil {
			t.Fatal(err)
		}
		if lost := len(text) > 0 && len(again.Snapshot()) != 40; lost != (len(aside) == 1) || lost != strings.Contains(log.String(), "damaged") {
			t.Fatalf("change %d: %d exposures, %d files aside, log %q", i, len(again.Snapshot()), len(aside), log.String())
		}
		again.Accept(finding(0))
		accept(t, again, Acceptance{Fingerprint: "fp", Reason: "begun anew", By: "ada", Until: time.Now().AddDate(0, 0, 30)})
		if read, err := ReadLedger(damaged, LedgerConfig{}, describeTest); err != nil || len(read.Snapshot()) != len(again.Snapshot()) {
			t.Fatalf("change %d: after a write the file holds %d exposures (%v), want %d", i, len(read.Snapshot()), err, len(again.Snapshot()))
		}
	}
}

// TestNoLedger checks the errors of files that cannot be read or written.
func TestNoLedger(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadLedger(filepath.Join(dir, "none.db"), LedgerConfig{}, describeTest); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there gave %v", err)
	}
	var log bytes.Buffer
	folder := filepath.Join(dir, "late")
	l, err := OpenLedger(filepath.Join(folder, "ledger.db"), LedgerConfig{}, describeTest, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	l.Accept(finding(0))
	settle(t, l)
	if !strings.Contains(log.String(), "ledger is not written") || !strings.Contains(log.String(), "no such file") {
		t.Errorf("log is %q", log.String())
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	settle(t, l)
	if read, err := ReadLedger(filepath.Join(folder, "ledger.db"), LedgerConfig{}, describeTest); err != nil || len(read.Snapshot()) != 1 {
		t.Errorf("the file does not hold what was to be written: %v", err)
	}
}

// TestMended walks an exposure through its states: open, resolved by answers without it, back
// as regressed, resolved again.
func TestMended(t *testing.T) {
	c := &clock{epoch()}
	l := NewLedger(LedgerConfig{ResolveAnswers: 5, Now: c.Now})
	state := func(want State) {
		t.Helper()
		if x, _ := l.Exposure("fp"); x.State != want {
			t.Errorf("state is %s with %d answers without it and %d regressions, want %s", x.State, x.Absent, x.Regressions, want)
		}
	}
	answers := func(n, status int) {
		for range n {
			h := finding(0).HTTP
			h.Status = status
			l.Answered(&h)
		}
	}
	answers(3, 200)
	l.Accept(finding(0))
	answers(1, 200) // the one that held it
	state(StateOpen)
	answers(4, 200)
	answers(9, 0) // no answer at all
	state(StateOpen)
	answers(1, 200)
	state(StateResolved)
	l.Accept(finding(1))
	answers(1, 200)
	state(StateRegressed)
	answers(5, 200)
	state(StateResolved)
	c.now = epoch().Add(2 * time.Hour) // nobody looked since: that proves no second fix
	l.Accept(finding(2))
	state(StateRegressed)
}

// TestTokensAreSorted checks the order in which tokens are to be revoked.
func TestTokensAreSorted(t *testing.T) {
	c := &clock{epoch()}
	l := NewLedger(LedgerConfig{Now: c.Now})
	live := true
	for i, add := range []func(*classify.Finding){
		withToken("expired", epoch().Add(-time.Hour)), withToken("short", epoch().Add(time.Hour)), withToken("long", epoch().Add(48*time.Hour)),
		func(f *classify.Finding) { f.Token, f.Evidence.Digest = &classify.Token{Kind: "opaque"}, "unknown" },
		func(f *classify.Finding) {
			f.Token, f.Evidence.Digest = &classify.Token{Kind: "github-pat", Live: &live}, "endless"
		},
	} {
		l.Accept(finding(i, add, at("/"+string(rune('a'+i)))))
	}
	var got []string
	for _, r := range l.Tokens() {
		got = append(got, r.Digest)
	}
	if want := "endless long short unknown expired"; strings.Join(got, " ") != want {
		t.Errorf("order is %v, want %s", got, want)
	}
}
