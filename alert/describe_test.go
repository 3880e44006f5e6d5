package alert

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leaktap/leaktap/classify"
)

func TestDescribe(t *testing.T) {
	live := true
	f := finding(0, func(f *classify.Finding) {
		f.Source.Line = 9
		f.Token = &classify.Token{Kind: "jwt", Alg: "none", Live: &live}
		f.Policy = &classify.Verdict{Verdict: "denied", By: "policy"}
	})
	got := Describe(&Exposure{
		Sample: f, First: classify.Source{Kind: classify.SourceStdin, Name: "stdin", Line: 2},
		FirstSeen: epoch(), LastSeen: epoch().Add(time.Minute), Findings: 1, Count: 1,
	})
	want := Description{
		Endpoint: "users-api GET /api/users/{id} (200)", Part: "response.body /items/*/password_hash",
		First: "stdin:2", Newest: "access.log:9", Shape: "$2b$12$••• (60 bytes)",
		Token: "jwt none, STILL VALID", Verdict: "denied by policy", Seen: "1 time",
		Since: "2026-08-01 10:00:00Z until 2026-08-01 10:01:00Z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("description (-want +got):\n%s", diff)
	}
}

func TestEndpoint(t *testing.T) {
	for want, h := range map[string]classify.HTTP{
		"":                          {},
		"users-api":                 {Service: "users-api"},
		"GET /a":                    {Method: "GET", Route: "/a"},
		"GET api.test/a (404)":      {Method: "GET", Host: "api.test", Route: "/a", Status: 404},
		"users-api POST /a (201)":   {Service: "users-api", Host: "10.0.0.1", Method: "POST", Route: "/a", Status: 201},
		"(500)":                     {Status: 500},
		"users-api GET /a[2J (200)": {Service: "users-api", Method: "GET", Route: "/a\x1b[2J", Status: 200},
	} {
		if got := endpoint(finding(0, func(f *classify.Finding) { f.HTTP = h })); got != want {
			t.Errorf("endpoint(%+v) = %q, want %q", h, got, want)
		}
	}
}

func TestHowMany(t *testing.T) {
	for want, x := range map[string]Exposure{
		"1 time":                                 {Findings: 1, Count: 1},
		"3 times in 1 finding":                   {Findings: 1, Count: 3},
		"3 times":                                {Findings: 3, Count: 3},
		"1 time, by 1 principal":                 {Findings: 1, Count: 1, Principals: 1},
		"9 times in 3 findings, by 2 principals": {Findings: 3, Count: 9, Principals: 2},
		"200 times, by 100 or more principals":   {Findings: 200, Count: 200, Principals: 100, MorePrincipals: true},
	} {
		if got := howMany(&x); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSinceWhen(t *testing.T) {
	same := Exposure{Sample: finding(0), FirstSeen: epoch(), LastSeen: epoch().Add(time.Millisecond)}
	if got := sinceWhen(&same); got != "2026-08-01 10:00:00Z" {
		t.Errorf("within a second: %q", got)
	}
	same.Sample = finding(0, func(f *classify.Finding) { f.Time = time.Time{} })
	if got := sinceWhen(&same); got != "" {
		t.Errorf("a source without a clock: %q, want nothing", got)
	}
}
