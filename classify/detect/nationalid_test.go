package detect

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leaktap/leaktap/classify"
)

// idExamples are valid numbers: documented examples of the authorities or of
// public descriptions of the format, and random numbers to which another
// implementation (python-stdnum 2.2) gave the check digit. The order is that of
// the tables.
var idExamples = []string{
	// nationalIDs
	"536-90-4399", "912-90-3456", "12-3456798", "046 454 286", "AB 12 34 58 C", "1955839661", "6433435F", "2 95 10 99 126 111 93", "3023217600053",
	"36 574 261 809", "65 170839 J 003", "1237 010180", "756.9217.0769.85", "RCCMNL83S18D969H", "54362315-K", "X-2482300-W", "501 964 843", "111222333",
	"85.07.30-033.28", "1893120105732", "44051401359", "856-734-62-15", "710319/2745", "1-850312-1232", "123 456 788", "8071592153", "1630615123457",
	"7523169263", "33392005961", "0101006500006", "36805280109", "161175-19997", "131052-308T", "880320-0016", "151086 95088", "211062-5629", "120174-3399",
	"01013099997", "094259216", "17291716060", "1759013776", "500100732259", "112-233-445 95", "850312300121", "2341 2341 2346", "ACUPA7085R",
	"390.533.447-05", "16.727.230/0001-97", "120.56874.10-7", "BOXW310820HNERXN09", "GODE561231GR8", "20-41830572-0", "12.531.909-2", "213.123.432-1",
	"40.318.275", "171430710-3", "4.031.827-9", "360426199101010071", "G123486(1)", "F131040932", "971013-1019901", "6214 9832 0257", "S8204713A",
	"3-1005-04827-31-0", "770305-02-1234", "3171011708450001", "565 051 603", "49-098-576", "039337423", "7503305044089", "1023485780", "784-1979-1234567-1",
	"29003121200157", "L01X00T47", "MORGA657054SM9IJ",
	// healthIDs
	"943 476 5870", "1EG4-TE5-MK73", "2953 98642 1", "1EG4-TE5-MK73", "ZAC5361", "9876-543-217", "M314682951", "E11.9",
	// bankIDs
	"032180000118359719", "2850590940090418135201", "111000025", "20-41-67",
}

func allKinds() []idKind {
	return append(append(append([]idKind{}, nationalIDs...), healthIDs...), bankIDs...)
}

// nameOfClass returns the first name that the vocabulary has for a class.
func nameOfClass(t *testing.T, class string) string {
	t.Helper()
	for _, f := range builtin(t).Fields {
		if f.Class == class {
			return append(append([]string{}, f.Names...), f.Exact...)[0]
		}
	}
	t.Fatalf("class %q has no names", class)
	return ""
}

// compact removes the separators of a number.
func compact(id string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -./()", r) {
			return -1
		}
		return r
	}, id))
}

func logged(text string) *classify.Exchange {
	return &classify.Exchange{Persisted: true, Source: classify.Source{Kind: classify.SourceFile, Name: "f"}, Record: []byte(text)}
}

// TestEveryKindOfNumber finds the example of each kind under its name and, where
// it has words, in running text, and not there with any other check digit.
func TestEveryKindOfNumber(t *testing.T) {
	kinds := allKinds()
	if len(kinds) != len(idExamples) {
		t.Fatalf("%d kinds and %d examples", len(kinds), len(idExamples))
	}
	e := newEngine(t)
	for i, k := range kinds {
		example := idExamples[i]
		class := strings.Fields(k.classes)[0]
		t.Run(fmt.Sprintf("%s %s", class, example), func(t *testing.T) {
			id := []byte(compact(example))
			if k.check != nil && !k.check(id) {
				t.Fatalf("check fails")
			}
			name := nameOfClass(t, class)
			for _, value := range []string{example, compact(example)} {
				if f := findings(e, logged(`{"`+name+`":"`+value+`"}`)); len(f) != 1 || k.check != nil && f[0].Confidence == classify.LowConfidence {
					t.Errorf("under %q: %d findings of %s", name, len(f), value)
				}
				if f := findings(e, logged("level=info "+strings.ReplaceAll(name, " ", "_")+"="+value+" done")); len(f) != 1 {
					t.Errorf("in text under %q: %d findings of %s", name, len(f), value)
				}
			}
			for _, w := range k.words {
				if f := findings(e, logged("the "+w+" was "+example+" in May")); k.check != nil && len(f) != 1 {
					t.Errorf("behind %q: %d findings", w, len(f))
				}
			}
		})
	}
}

// TestCheckDigitsTell counts how many of the other last characters pass: one at
// most where a check digit stands there.
func TestCheckDigitsTell(t *testing.T) {
	for i, k := range allKinds() {
		id := []byte(compact(idExamples[i]))
		passed := 0
		for c := byte('0'); c <= '9'; c++ {
			id[len(id)-1] = c
			if k.check != nil && k.check(id) {
				passed++
			}
		}
		// Without a check digit at the end: shapes, dates, digits that stand elsewhere.
		switch strings.Fields(k.classes)[0] {
		case "id-us-ssn", "id-us-itin", "id-us-ein", "id-gb-utr", "id-is", "id-in-pan", "id-dk-cpr", "id-my", "id-id-nik", "id-eg", "id-mx-rfc", "passport", "health-mbi", "health-medicare", "health-ohip":
			continue
		case "id-hu-szemelyi": // two rows of weights
			passed--
		}
		if passed > 1 {
			t.Errorf("%s: %d last digits pass", k.classes, passed)
		}
	}
}

// TestChecksTakeEveryForm asks every check about values of each form of its kind.
func TestChecksTakeEveryForm(*testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, k := range allKinds() {
		for form := range strings.FieldsSeq(k.forms) {
			for range 2000 {
				id := []byte(form)
				for i, c := range id {
					if c == 'A' || c == '*' && rng.IntN(2) == 0 {
						id[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[rng.IntN(26)]
					} else {
						id[i] = "0123456789"[rng.IntN(10)]
					}
				}
				if k.check != nil {
					k.check(id) // it must not panic
				}
			}
		}
	}
}
