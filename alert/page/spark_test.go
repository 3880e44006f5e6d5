package page

import (
	"encoding/xml"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// seenAt is an exposure with findings at these minutes before the epoch of the tests.
func seenAt(minutes ...int) *alert.Exposure {
	ledger := alert.NewLedger(alert.LedgerConfig{Now: epoch})
	for i, m := range minutes {
		f := finding(0)
		f.ID, f.Time = strings.Repeat("i", i+1), epoch().Add(-time.Duration(m)*time.Minute)
		ledger.Accept(f)
	}
	x, _ := ledger.Exposure("fp0")
	return &x
}

func TestTimelineSpark(t *testing.T) {
	if got := timelineSpark(seenAt(), epoch(), 64, 18); got != nil {
		t.Errorf("nothing is drawn as %+v", got)
	}
	for name, c := range map[string]struct {
		x           *alert.Exposure
		path, words string
	}{
		"one": {seenAt(0), "M0 18h3.2v-18h-3.2z", "1 finding from 2026-08-01 10:00 UTC to now, in bars of 1 min: 1 at most, 1 in the last"},
		"falling": {
			seenAt(2, 2, 2, 2, 1), "M0 18h3.2v-18h-3.2zM4 18h3.2v-4.5h-3.2z",
			"5 findings from 2026-08-01 09:58 UTC to now, in bars of 1 min: 4 at most, 0 in the last",
		},
		"days": {seenAt(40*24*60, 0), "M0 18h1.7v-18h-1.7zM61.9 18h1.7v-18h-1.7z", "2 findings from 2026-06-21 01:36 UTC to now, in bars of 34.1 h: 1 at most, 1 in the last"},
	} {
		got := timelineSpark(c.x, epoch(), 64, 18)
		if got == nil || got.Path != c.path || got.Words != c.words {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for minutes, want := range map[int]string{0: "4", 7: "32", 15: "64", 31: "64"} { // the axis ends with the bar of now
		if got := timelineSpark(seenAt(minutes), epoch(), 64, 18).Axis; got != want {
			t.Errorf("after %d minutes the axis is %s wide, want %s", minutes, got, want)
		}
	}
	many := make([]int, 0, 1000)
	for i := range 1000 {
		many = append(many, i%2, 0, 0, 0)
	}
	if got := timelineSpark(seenAt(many...), epoch(), 64, 18); !strings.Contains(got.Path, "v-2.6") {
		t.Errorf("a small bar is not seen: %s", got.Path)
	}
}

func TestRowSpark(t *testing.T) {
	course := func(values ...float64) Row {
		return Row{Course: &Course{From: epoch(), To: epoch().Add(10 * time.Minute), Values: values, Unit: "/s"}}
	}
	for name, r := range map[string]Row{"none": {}, "one": course(3), "zeros": course(0, 0, 0), "no numbers": course(math.NaN(), math.Inf(1), 0)} {
		if got := r.Spark(); got != nil {
			t.Errorf("%s is drawn as %+v", name, got)
		}
	}
	for name, c := range map[string]struct {
		row         Row
		path, words string
	}{
		"rising":   {course(0, 5, 10), "M0 17L24 9L48 1", "from 10:00 to 10:10 UTC: 10/s at most, 10/s at last"},
		"level":    {course(7, 7), "M0 1L48 1", "from 10:00 to 10:10 UTC: 7/s at most, 7/s at last"},
		"negative": {course(-1, 0), "M0 17L48 1", "from 10:00 to 10:10 UTC: 0/s at most, 0/s at last"},
		"with NaN": {course(1234.5678, math.NaN(), 0.012345), "M0 1L24 17L48 17", "from 10:00 to 10:10 UTC: 1235/s at most, 0.0123/s at last"},
	} {
		if got := c.row.Spark(); got == nil || got.Path != c.path || got.Words != c.words {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestPicturesArePlain checks that pictures are on their pages, are XML, and need no style of
// their own: the policy of the page allows none.
func TestPicturesArePlain(t *testing.T) {
	ledger := alert.NewLedger(alert.LedgerConfig{Now: epoch})
	ledger.Accept(finding(0))
	h := New(Config{Exposures: ledger, Rules: []*classify.Rule{testRule()}, Now: epoch, Status: func() []Row {
		return []Row{{Name: "records", Course: &Course{From: epoch(), To: epoch(), Values: []float64{1, 2}, Unit: "<script>/s"}}}
	}})
	for path, want := range map[string]string{"/": "1 finding from", "/findings/fp0": "1 finding from", "/pipeline": "from 10:00 to 10:00 UTC: 2<script>/s at most"} {
		_, rest, found := strings.Cut(get(t, h, path).Body.String(), "<svg")
		picture, _, _ := strings.Cut("<svg"+rest, "</svg>")
		var svg struct {
			Role  string `xml:"role,attr"`
			Style string `xml:"style,attr"`
			Title string `xml:"title"`
			Paths []struct {
				D string `xml:"d,attr"`
			} `xml:"path"`
		}
		if err := xml.Unmarshal([]byte(picture+"</svg>"), &svg); err != nil || !found {
			t.Fatalf("%s: %v in %s", path, err, picture)
		}
		if svg.Role != "img" || svg.Style != "" || !strings.HasPrefix(svg.Title, want) || len(svg.Paths) != 2 || len(svg.Paths[1].D) < 9 {
			t.Errorf("%s: %+v", path, svg)
		}
	}
	for _, text := range []string{"<summary>In figures</summary>", `<time datetime="2026-08-01T10:00:00Z">2026-08-01 10:00</time> UTC, 1 min: 1`} {
		if body := get(t, h, "/findings/fp0").Body.String(); !strings.Contains(body, text) {
			t.Errorf("%s is missing in\n%s", text, body)
		}
	}
}
