package jsonscan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// describe writes tokens as text: brackets as they are, keys as k:…, strings as
// s:…, numbers as n:…, ! for junk, ? behind what was cut.
func describe(doc string) string {
	var b strings.Builder
	s := New([]byte(doc))
	for t := s.Next(); t.Kind != End; t = s.Next() {
		text := doc[t.Start:t.End]
		if t.Escaped {
			text = string(AppendUnescaped(nil, []byte(text)))
		}
		switch t.Kind {
		case Key:
			b.WriteString("k:" + text)
		case String:
			b.WriteString("s:" + text)
		case Number:
			b.WriteString("n:" + text)
		case Junk:
			b.WriteString("!" + text)
		default:
			b.WriteString(text)
		}
		if t.Cut && t.Kind == String {
			b.WriteByte('?')
		}
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String())
}

func TestNext(t *testing.T) {
	for _, c := range []struct{ doc, want string }{
		{`{"a":1,"b":[true,false,null,"x"]}`, `{ k:a n:1 k:b [ true false null s:x ] }`},
		{"\ufeff{\"a\" : -1.5e3}", `{ k:a n:-1.5e3 }`},
		{`{"a\u0062":"q\"\\"}`, `{ k:ab s:q"\ }`},
		{`{"a":"cut`, `{ k:a s:cut?`},
		{`{"a":"cut\`, `{ k:a s:cut\?`},
		{`{"a":NaN,'b':None}`, `{ k:a !NaN !'b' !None }`},
		{`{"a":1} trailing {"b":2}`, `{ k:a n:1 } !trailing { k:b n:2 }`},
		{`{"a":1e999999,"b":01}`, `{ k:a n:1e999999 k:b n:01 }`},
		{`[["a","b"],]`, `[ [ s:a s:b ] ]`},
		{"{\"a\"\n:\n\"b\"}", `{ k:a s:b }`},
		{"\x00{}", "!\x00 { }"},
		{"", ""},
		{`"\\\"x"`, `s:\"x`},
	} {
		if got := describe(c.doc); got != c.want {
			t.Errorf("%q: got %s, want %s", c.doc, got, c.want)
		}
	}
}

func TestUnescape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`a\/b\b\f\n\r\t`, "a/b\b\f\n\r\t"},
		{`\u00e9\u20ac\ud83d\ude00`, "é€😀"},
		{`\ud83d lone \udc00`, "\ufffd lone \ufffd"},
		{`\x41 \u12 \`, `\x41 \u12 \`},
	} {
		if got := string(AppendUnescaped(nil, []byte(c.in))); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

// TestDepth walks what a recursive parser dies of.
func TestDepth(t *testing.T) {
	const depth = 1_000_000
	s := New([]byte(strings.Repeat("[", depth) + `"x"` + strings.Repeat("]", depth)))
	n := 0
	for tok := s.Next(); tok.Kind != End; tok = s.Next() {
		n++
	}
	if n != 2*depth+1 {
		t.Errorf("got %d tokens, want %d", n, 2*depth+1)
	}
}

// FuzzScan checks on any bytes: tokens advance and stay inside, and a document
// that encoding/json accepts has the same strings.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{"a":"b\n","c":[1,-2.5e9,true,null,{"d":"\ud83d\ude00"}]}`, `"`, `{"a`, "\ufeff[]", `{'a':1}`, `[1,2`, `\`, "\x00", `{"a":"\`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		s, last := New(doc), 0
		var got []string
		for tok := s.Next(); tok.Kind != End; tok = s.Next() {
			if tok.Start < last || tok.End < tok.Start || tok.End > len(doc) {
				t.Fatalf("token %+v does not follow %d of %d", tok, last, len(doc))
			}
			last = tok.End
			if tok.Kind == String || tok.Kind == Key {
				got = append(got, string(AppendUnescaped(nil, doc[tok.Start:tok.End])))
			}
		}
		if want, ok := decodeStrings(doc); ok && fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("strings of %q: got %q, want %q", doc, got, want)
		}
	})
}

// decodeStrings lists the names and strings of a valid document in order.
func decodeStrings(doc []byte) (list []string, ok bool) {
	if !json.Valid(doc) || !utf8.Valid(doc) {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(string(doc)))
	for {
		tok, err := d.Token()
		if err != nil {
			return list, true
		}
		if s, isString := tok.(string); isString {
			list = append(list, s)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	doc := []byte(`{"items":[` + strings.Repeat(`{"id":12345,"name":"a name of usual length","tags":["x","y"],"price":12.5,"active":true},`, 20) + `null]}`)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		s := New(doc)
		for t := s.Next(); t.Kind != End; t = s.Next() {
		}
	}
}

func TestIndexEither(t *testing.T) {
	for n := range 40 {
		for at := range n {
			for _, c := range []byte{'a', 'b'} {
				data := []byte(strings.Repeat("\xe1\x00`", n))[:n] // neighbours of a and b in the word arithmetic
				data[at] = c
				for from := range n + 1 {
					want := at
					if from > at {
						want = n
					}
					if got := IndexEither(data, from, 'a', 'b'); got != want {
						t.Fatalf("%q from %d: got %d, want %d", data, from, got, want)
					}
				}
			}
		}
	}
}
