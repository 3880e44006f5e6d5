package alert

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leaktap/leaktap/classify"
)

// clock is a clock that a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func TestLedgerGroupsFindings(t *testing.T) {
	c := &clock{epoch().Add(time.Hour)}
	l := NewLedger(LedgerConfig{Now: c.Now, MaxPrincipals: 2})
	principals := []string{"p1", "p2", "p1", "", "p3"}
	for i, p := range principals {
		l.Accept(finding(i, func(f *classify.Finding) {
			f.Time = epoch().Add(time.Duration(i) * time.Minute)
			f.Count = 2
			f.Principal = p
		}))
	}
	l.Accept(finding(9, severity(classify.Low), func(f *classify.Finding) { f.Time = epoch().Add(-time.Minute) }))

	got, ok := l.Exposure("fp")
	if !ok {
		t.Fatal("the exposure is missing")
	}
	want := Exposure{
		Fingerprint: "fp", Severity: classify.Critical,
		First:     classify.Source{Kind: classify.SourceFile, Name: "access.log", Line: 1},
		FirstSeen: epoch().Add(-time.Minute), LastSeen: epoch().Add(4 * time.Minute), Taken: c.now,
		Findings: 6, Count: 11, Principals: 2, MorePrincipals: true, Standing: Standing{State: StateOpen, Occurs: true},
	}
	for i := range 6 {
		want.Timeline = want.Timeline.with(epoch().Add(time.Duration(i-1) * time.Minute))
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Exposure{}, "Sample"), cmp.AllowUnexported(Timeline{})); diff != "" {
		t.Errorf("exposure (-want +got):\n%s", diff)
	}
	if got.Sample.ID != "lt-9" {
		t.Errorf("sample is %s, want the newest", got.Sample.ID)
	}
	if list := l.Snapshot(); len(list) != 1 {
		t.Errorf("snapshot holds %d exposures, want 1", len(list))
	}
}

func TestLedgerTimes(t *testing.T) {
	c := &clock{epoch()}
	for name, of := range map[string]struct{ time, want time.Time }{
		"by its source":     {epoch().Add(-time.Hour), epoch().Add(-time.Hour)},
		"none":              {time.Time{}, epoch()},
		"not in the future": {epoch().Add(time.Hour), epoch()},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLedger(LedgerConfig{Now: c.Now})
			l.Accept(finding(0, func(f *classify.Finding) { f.Time = of.time }))
			got, _ := l.Exposure("fp")
			if !got.FirstSeen.Equal(of.want) || !got.LastSeen.Equal(of.want) {
				t.Errorf("seen %v to %v, want %v", got.FirstSeen, got.LastSeen, of.want)
			}
		})
	}
}

func TestLedgerReplayChangesNothing(t *testing.T) {
	l := NewLedger(LedgerConfig{})
	if !l.add(finding(0)) {
		t.Error("the first finding opened nothing")
	}
	before, _ := l.Exposure("fp")
	if l.add(finding(0)) {
		t.Error("a replay opened an exposure")
	}
	after, _ := l.Exposure("fp")
	if diff := cmp.Diff(before, after, cmp.AllowUnexported(Timeline{})); diff != "" {
		t.Errorf("a replay changed the exposure (-before +after):\n%s", diff)
	}
}

func TestLedgerEvictsTheLeastRecentlySeen(t *testing.T) {
	l := NewLedger(LedgerConfig{MaxExposures: 2})
	for i, route := range []string{"/a", "/b", "/a", "/c"} {
		l.Accept(finding(i, at(route)))
	}
	if _, ok := l.Exposure("fp-/b"); ok {
		t.Error("/b is still there")
	}
	if _, ok := l.Exposure("fp-/a"); !ok {
		t.Error("/a, which was seen again, is gone")
	}
	if n := l.Evicted(); n != 1 {
		t.Errorf("evicted %d, want 1", n)
	}
}

func TestLedgerResolvesAndReopens(t *testing.T) {
	c := &clock{epoch()}
	l := NewLedger(LedgerConfig{Now: c.Now})
	l.Accept(finding(0))
	for _, step := range []struct {
		after time.Duration
		want  State
	}{{59 * time.Minute, StateOpen}, {time.Hour, StateResolved}} {
		c.now = epoch().Add(step.after)
		if got, _ := l.Exposure("fp"); got.State != step.want {
			t.Errorf("after %v it is %s, want %s", step.after, got.State, step.want)
		}
	}
	l.Accept(finding(1))
	if got, _ := l.Exposure("fp"); got.State != StateOpen {
		t.Errorf("seen again it is %s", got.State)
	}
}

func TestTokenState(t *testing.T) {
	yes, no := true, false
	past, future := epoch().Add(-time.Second), epoch().Add(time.Second)
	for name, c := range map[string]struct {
		token classify.Token
		want  string
	}{
		"live":              {classify.Token{Live: &yes, Expires: &future}, tokenLive},
		"expired":           {classify.Token{Live: &no, Expires: &past}, tokenExpired},
		"expired meanwhile": {classify.Token{Live: &yes, Expires: &past}, tokenExpired},
		"only said live":    {classify.Token{Live: &yes}, tokenLive},
		"only said dead":    {classify.Token{Live: &no}, tokenExpired},
		"opaque":            {classify.Token{}, tokenUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tokenState(&c.token, epoch()); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestLedgerIsSafeForConcurrentUse(t *testing.T) {
	const workers, each = 8, 200
	l := NewLedger(LedgerConfig{})
	var running sync.WaitGroup
	for w := range workers {
		running.Go(func() {
			for i := range each {
				l.Accept(finding(w*each+i, at(fmt.Sprintf("/%d", i%10))))
				l.Snapshot()
			}
		})
	}
	running.Wait()
	var total int64
	for _, x := range l.Snapshot() {
		total += x.Findings
	}
	if total != workers*each {
		t.Errorf("counted %d findings, want %d", total, workers*each)
	}
}

func TestSortExposures(t *testing.T) {
	list := []Exposure{
		{Fingerprint: "low", Severity: classify.Low, LastSeen: epoch().Add(time.Hour)},
		{Fingerprint: "b", Severity: classify.High, LastSeen: epoch()},
		{Fingerprint: "a", Severity: classify.High, LastSeen: epoch()},
		{Fingerprint: "late", Severity: classify.High, LastSeen: epoch().Add(time.Minute)},
		{Fingerprint: "critical", Severity: classify.Critical, LastSeen: epoch()},
	}
	SortExposures(list)
	var got []string
	for _, x := range list {
		got = append(got, x.Fingerprint)
	}
	if want := []string{"critical", "late", "a", "b", "low"}; !slices.Equal(got, want) {
		t.Errorf("order is %v, want %v", got, want)
	}
}

func TestPlace(t *testing.T) {
	for want, s := range map[string]classify.Source{
		"a.log:3":       {Kind: classify.SourceFile, Name: "a.log", Line: 3},
		"a.log:3-5":     {Kind: classify.SourceFile, Name: "a.log", Line: 3, Lines: 3},
		"logs/2/41":     {Kind: classify.SourceKafka, Name: "logs", Partition: 2, Offset: 41},
		"eth0 frame 7":  {Kind: classify.SourceInterface, Name: "eth0", Frame: 7},
		"a[2J.pcap":     {Kind: classify.SourcePcap, Name: "a\x1b[2J.pcap"},
		"browser.har":   {Kind: classify.SourceHAR, Name: "browser.har"},
		"(standard):12": {Kind: classify.SourceStdin, Name: "(standard)", Line: 12},
	} {
		if got := Place(s); got != want {
			t.Errorf("Place(%+v) = %q, want %q", s, got, want)
		}
	}
}

func BenchmarkLedgerAccept(b *testing.B) {
	l := NewLedger(LedgerConfig{})
	findings := make([]*classify.Finding, 20_000)
	size := 0
	for i := range findings {
		findings[i] = finding(i, at(fmt.Sprintf("/%d", i)))
		text, err := jsonLine(findings[i])
		if err != nil {
			b.Fatal(err)
		}
		size = len(text)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.Accept(findings[i%len(findings)])
	}
}
