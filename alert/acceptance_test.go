package alert

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// acceptance accepts the exposure of test findings for 30 days.
func acceptance(change ...func(*Acceptance)) Acceptance {
	a := Acceptance{Fingerprint: "fp", Reason: "the demo's own", By: "ada", Until: epoch().AddDate(0, 0, 30)}
	for _, c := range change {
		c(&a)
	}
	return a
}

func accept(t *testing.T, l *Ledger, a Acceptance) {
	t.Helper()
	if err := l.AcceptExposure(a); err != nil {
		t.Fatal(err)
	}
}

// TestAcceptanceEndsAtItsTime checks the state of an exposure from its acceptance to its end,
// to the moment, and that findings are counted all the while.
func TestAcceptanceEndsAtItsTime(t *testing.T) {
	c := &clock{epoch()}
	l := openLedger(t, filepath.Join(t.TempDir(), "ledger.db"), LedgerConfig{Now: c.Now})
	l.Accept(finding(0))
	accept(t, l, acceptance())
	end := epoch().AddDate(0, 0, 30).UTC().Truncate(24 * time.Hour)
	for i, step := range []struct {
		at     time.Time
		again  bool
		state  State
		occurs bool
	}{
		{epoch(), false, StateAccepted, true},
		{epoch().Add(2 * time.Hour), false, StateAccepted, false},
		{epoch().Add(3 * time.Hour), true, StateAccepted, true},
		{end.Add(-time.Nanosecond), false, StateAccepted, false},
		{end, false, StateResolved, false},
		{end, true, StateOpen, true},
	} {
		c.now = step.at
		if step.again {
			l.Accept(finding(i))
		}
		x, _ := l.Exposure("fp")
		if x.State != step.state || x.Occurs != step.occurs || l.Accepts("fp") != (step.state == StateAccepted) {
			t.Errorf("step %d: state %s, occurs %v, accepts %v; want %s, %v", i, x.State, x.Occurs, l.Accepts("fp"), step.state, step.occurs)
		}
	}
	if x, _ := l.Exposure("fp"); x.Findings != 3 || x.Acceptance == nil || x.Acceptance.By != "ada" {
		t.Errorf("exposure is %+v", x)
	}
	if l.Accepts("another") {
		t.Error("another exposure is accepted")
	}
}

// TestAcceptanceIsKept checks that an acceptance is on disk when it was made, and gone from
// there when it was withdrawn.
func TestAcceptanceIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	c := &clock{epoch()}
	config := LedgerConfig{Now: c.Now}
	l := openLedger(t, path, config)
	l.Accept(finding(0))
	accept(t, l, acceptance(func(a *Acceptance) { a.Reason = " twice\u202e\n said \x1b" }))
	want := &Acceptance{
		Fingerprint: "fp", Reason: "twice said", By: "ada", At: epoch().UTC(), Until: epoch().UTC().Truncate(24*time.Hour).AddDate(0, 0, 30),
	}
	again := openLedger(t, path, config) // without a Settle: as after kill -9
	x, _ := again.Exposure("fp")
	if diff := cmp.Diff(want, x.Acceptance); diff != "" || x.State != StateAccepted {
		t.Errorf("state %s; acceptance (-want +got):\n%s", x.State, diff)
	}
	withdrawn, err := again.WithdrawAcceptance("fp")
	if err != nil || withdrawn == nil || withdrawn.By != "ada" {
		t.Errorf("withdrew %+v (%v)", withdrawn, err)
	}
	if none, err := again.WithdrawAcceptance("fp"); err != nil || none != nil {
		t.Errorf("withdrew %+v once more (%v)", none, err)
	}
	read, err := ReadLedger(path, config, describeTest)
	if err != nil {
		t.Fatal(err)
	}
	if x, _ := read.Exposure("fp"); x.State != StateOpen || x.Acceptance != nil {
		t.Errorf("after the withdrawal it is %+v", x.Standing)
	}
}

// TestRefusedAcceptances checks what is wrong with an acceptance, and that it changes nothing.
func TestRefusedAcceptances(t *testing.T) {
	c := &clock{epoch()}
	l := openLedger(t, filepath.Join(t.TempDir(), "ledger.db"), LedgerConfig{Now: c.Now})
	l.Accept(finding(0))
	today := epoch().UTC().Truncate(24 * time.Hour)
	until := func(day time.Time) func(*Acceptance) { return func(a *Acceptance) { a.Until = day } }
	reason := func(text string) func(*Acceptance) { return func(a *Acceptance) { a.Reason = text } }
	for name, of := range map[string]struct {
		change func(*Acceptance)
		field  string // "-" for none: it is right
	}{
		"tomorrow":         {until(today.AddDate(0, 0, 1)), "-"},
		"a year":           {until(today.AddDate(0, 0, 365)), "-"},
		"longest reason":   {reason(strings.Repeat("é", MaxReason/2)), "-"},
		"today":            {until(today.Add(23 * time.Hour)), "until"},
		"no day":           {until(time.Time{}), "until"},
		"past":             {until(today.AddDate(-1, 0, 0)), "until"},
		"a year and a day": {until(today.AddDate(0, 0, 366)), "until"},
		"no reason":        {reason(""), "reason"},
		"blank reason":     {reason(" \t\u200b\n"), "reason"},
		"long reason":      {reason(strings.Repeat("x", MaxReason+1)), "reason"},
		"broken text":      {reason("a\xffb"), "-"}, // it is mended
		"nobody":           {func(a *Acceptance) { a.By = "" }, ""},
		"no exposure":      {func(a *Acceptance) { a.Fingerprint = "another" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := l.WithdrawAcceptance("fp"); err != nil {
				t.Fatal(err)
			}
			err := l.AcceptExposure(acceptance(of.change))
			wrong, refused := errors.AsType[*AcceptanceError](err)
			if refused == (of.field == "-") || refused && wrong.Field != of.field {
				t.Errorf("got %v, want a mistake of %q", err, of.field)
			}
			if l.Accepts("fp") == refused {
				t.Error("what was refused holds, or what was taken does not")
			}
		})
	}
	if err := NewLedger(LedgerConfig{}).AcceptExposure(acceptance()); !errors.Is(err, ErrNotKept) {
		t.Errorf("a ledger in memory gave %v", err)
	}
}

// TestAcceptancesAreBounded checks that one too many is refused, and that those that have
// ended make room.
func TestAcceptancesAreBounded(t *testing.T) {
	c := &clock{epoch()}
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openLedger(t, path, LedgerConfig{Now: c.Now, MaxAcceptances: 2})
	of := func(n int) Acceptance {
		return acceptance(func(a *Acceptance) {
			a.Fingerprint, a.Until = fmt.Sprintf("fp-/%d", n), epoch().AddDate(0, 0, 10*(n+1))
		})
	}
	for i := range 4 {
		l.Accept(finding(i, at(fmt.Sprintf("/%d", i))))
	}
	accept(t, l, of(0))
	accept(t, l, of(1))
	err := l.AcceptExposure(of(2))
	if wrong, ok := errors.AsType[*AcceptanceError](err); !ok || !strings.HasPrefix(wrong.Text, "2 exposures are accepted") {
		t.Errorf("the third gave %v", err)
	}
	accept(t, l, of(1)) // in the place of one
	c.now = epoch().AddDate(0, 0, 15)
	accept(t, l, of(2))
	read, err := ReadLedger(path, LedgerConfig{Now: c.Now}, describeTest)
	if err != nil || len(read.acceptances) != 2 || read.Accepts("fp-/0") || !read.Accepts("fp-/2") {
		t.Errorf("the file holds %d (%v)", len(read.acceptances), err)
	}
}

// TestAcceptanceThatIsNotWritten checks that what did not reach the disk does not hold.
func TestAcceptanceThatIsNotWritten(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "late")
	c := &clock{epoch()}
	l := openLedger(t, filepath.Join(folder, "ledger.db"), LedgerConfig{Now: c.Now})
	l.Accept(finding(0))
	if err := l.AcceptExposure(acceptance()); err == nil || l.Accepts("fp") {
		t.Errorf("accepted without a file: %v", err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	accept(t, l, acceptance())
	if err := os.Rename(folder, folder+"-gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.WithdrawAcceptance("fp"); err == nil || !l.Accepts("fp") {
		t.Errorf("withdrawn without a file: %v", err)
	}
	if err := l.AcceptExposure(acceptance(func(a *Acceptance) { a.By = "eve" })); err == nil {
		t.Error("replaced without a file")
	}
	if x, _ := l.Exposure("fp"); x.Acceptance.By != "ada" {
		t.Errorf("accepted by %s", x.Acceptance.By)
	}
}

// TestAcceptancesConcurrently checks that the file holds what memory does when many accept and
// withdraw while findings come in.
func TestAcceptancesConcurrently(t *testing.T) {
	const exposures = 4
	path := filepath.Join(t.TempDir(), "ledger.db")
	c := &clock{epoch()}
	l := openLedger(t, path, LedgerConfig{Now: c.Now})
	var running sync.WaitGroup
	for n := range exposures {
		fingerprint := fmt.Sprintf("fp-/%d", n)
		l.Accept(finding(n, at(fmt.Sprintf("/%d", n))))
		for range 2 {
			running.Go(func() {
				for range 10 {
					if err := l.AcceptExposure(acceptance(func(a *Acceptance) { a.Fingerprint = fingerprint })); err != nil {
						t.Error(err)
					}
					if _, err := l.WithdrawAcceptance(fingerprint); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	running.Go(func() {
		for range 20 {
			settle(t, l)
		}
	})
	running.Wait()
	accept(t, l, acceptance(func(a *Acceptance) { a.Fingerprint = "fp-/3" }))
	read, err := ReadLedger(path, LedgerConfig{Now: c.Now}, describeTest)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(l.acceptances, read.acceptances); diff != "" {
		t.Errorf("the file differs from memory (-memory +file):\n%s", diff)
	}
}
