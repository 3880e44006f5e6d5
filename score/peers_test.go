package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leaktap/leaktap/score/corpus"
)

func TestReports(t *testing.T) {
	leaks, err := leaksReport([]byte(`[{"RuleID":"jwt","StartLine":3,"Secret":"abc"}]`))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := leaktapReport([]byte(`{"rule":"token-in-log","category":"token","severity":"high","where":"record","pointer":"/a","source":{"line":4}}
{"rule":"internal-id","category":"internal","severity":"info","where":"record","pointer":"/b","source":{"line":4}}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := [][]report{{{line: 3, secret: "abc", sensitive: true}}, {{line: 4, rule: "token-in-log", where: "record", pointer: "/a", sensitive: true}}}
	if diff := cmp.Diff(want, [][]report{leaks, ours}, cmp.AllowUnexported(report{})); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

func TestComparison(t *testing.T) {
	leak := corpus.Leak{Family: "bearer", Where: "record", Pointer: "/a", Value: "s3cr3tt0ken"}
	labels := []truth{
		{Record: 1, Leaks: []corpus.Leak{leak, {Family: "email", Where: "record", Value: "a@b.test"}}},
		{Record: 2, InPlace: []string{"in-its-place"}},
		{Record: 3, Leaks: []corpus.Leak{{Family: "password", Where: "record", Value: "x"}}},
	}
	got := comparison([]report{
		{line: 1, secret: "s3cr3tt0ken", sensitive: true},
		{line: 2, secret: "in-its-place", sensitive: true},
		{line: 2, secret: "nothing", sensitive: true},
		{line: 2, rule: "pii-email", where: "record"},
	}, labels)
	want := compared{secrets: tally{planted: 1, found: 1}, fields: tally{planted: 1}, clean: 1, alarms: 2, secretAlarms: 1}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
