package capture

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// deflated compresses at a level.
func deflated(tb testing.TB, data []byte, level int) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	must(tb, err)
	_, err = w.Write(data)
	must(tb, errors.Join(err, w.Close()))
	return b.Bytes()
}

// texts are inputs of many kinds: empty, random, long runs, short periods, text.
func texts() map[string][]byte {
	rng := newRand(5)
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	skewed := make([]byte, 300_000) // makes codes of 15 bits
	for i := range skewed {
		skewed[i] = byte(min(rng.ExpFloat64()*8, 255))
	}
	return map[string][]byte{
		"empty": nil, "byte": {'x'}, "noise": noise, "zeros": make([]byte, 300_000), "skewed": skewed,
		"period 3": bytes.Repeat([]byte("abc"), 50_000), "period 7": bytes.Repeat([]byte("abcdefg"), 50_000),
		"json": []byte(site{rng: rng}.json("/x", 500_000)), "far": slices.Concat(noise[:32_768], noise[:32_768]),
	}
}

func TestInflate(t *testing.T) {
	f := &inflater{}
	for name, text := range texts() {
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 6, 9} {
			in := deflated(t, text, level)
			out, used, err := f.inflate(append(slices.Clone(in), "behind"...), []byte("before"), 1<<20)
			if err != nil || used != len(in) || !bytes.Equal(out, append([]byte("before"), text...)) {
				t.Errorf("%s, level %d: %d of %d bytes from %d of %d: %v", name, level, len(out), len(text), used, len(in), err)
			}
		}
	}
}

// TestInflateLimit cuts the output at every kind of place.
func TestInflateLimit(t *testing.T) {
	f := &inflater{}
	for name, text := range texts() {
		for _, level := range []int{0, 6} {
			in := deflated(t, text, level)
			for _, limit := range []int{0, 1, 100, len(text) / 2, len(text) - 1, len(text)} {
				if limit < 0 {
					continue
				}
				out, _, err := f.inflate(in, nil, limit)
				if over := len(text) > limit; errors.Is(err, errLimit) != over || !bytes.Equal(out, text[:min(limit, len(text))]) {
					t.Errorf("%s, level %d, limit %d: %d bytes, %v", name, level, limit, len(out), err)
				}
			}
		}
	}
}

// TestInflateCut ends the input early: what came is decoded.
func TestInflateCut(t *testing.T) {
	f := &inflater{}
	text := texts()["json"][:3000]
	for _, level := range []int{flate.HuffmanOnly, 0, 6} {
		in := deflated(t, text, level)
		most := 0
		for n := range in {
			out, used, err := f.inflate(in[:n], nil, 1<<20)
			if !errors.Is(err, io.ErrUnexpectedEOF) || used > n || !bytes.HasPrefix(text, out) {
				t.Fatalf("level %d, %d bytes: %d bytes from %d: %v", level, n, len(out), used, err)
			}
			if len(out) < most {
				t.Fatalf("level %d, %d bytes: %d bytes, but less gave %d", level, n, len(out), most)
			}
			most = len(out)
		}
		if most < len(text)*9/10 {
			t.Errorf("level %d: only %d of %d bytes without the end", level, most, len(text))
		}
	}
}

func TestGunzip(t *testing.T) {
	member := func(name, text string) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Name, w.Comment, w.Extra = name, name, []byte(name)
		_, err := io.WriteString(w, text)
		must(t, errors.Join(err, w.Close()))
		return b.Bytes()
	}
	one, other := member("", "one"), member("name", "other")
	wrong := slices.Clone(one)
	wrong[len(wrong)-5]++
	for name, tt := range map[string]struct {
		in   []byte
		want string
		err  error
	}{
		"one member":     {one, "one", nil},
		"two members":    {slices.Concat(one, other), "oneother", nil},
		"wrong checksum": {wrong, "one", errGzip},
		"wrong magic":    {[]byte("1234567890"), "", errGzip},
		"no trailer":     {one[:len(one)-3], "one", io.ErrUnexpectedEOF},
		"rubbish behind": {slices.Concat(one, []byte("rubbish behind")), "one", errGzip},
		"in the header":  {other[:14], "", io.ErrUnexpectedEOF},
		"empty":          {nil, "", io.ErrUnexpectedEOF},
	} {
		out, used, err := (&inflater{}).gunzip(tt.in, nil, 100)
		if string(out) != tt.want || !errors.Is(err, tt.err) || err == nil && used != len(tt.in) {
			t.Errorf("%s: %q from %d of %d bytes: %v", name, out, used, len(tt.in), err)
		}
	}
}

// compareInflate has another implementation decode the same bytes.
func compareInflate(t *testing.T, in []byte) {
	t.Helper()
	const limit = 1 << 16
	out, used, err := (&inflater{}).inflate(in, nil, limit)
	source := bytes.NewReader(in)
	want, wantErr := readUpTo(flate.NewReader(source), nil, limit)
	if (err == nil) != (wantErr == nil) || errors.Is(err, errLimit) != errors.Is(wantErr, errLimit) {
		t.Fatalf("%x: %v, want %v", in, err, wantErr)
	}
	if err == nil && used != len(in)-source.Len() {
		t.Fatalf("%x: used %d, want %d", in, used, len(in)-source.Len())
	}
	if err == nil && !bytes.Equal(out, want) || !bytes.HasPrefix(out, want[:min(len(want), len(out))]) {
		t.Fatalf("%x: %q, want %q", in, out, want)
	}
}

// TestInflateMutated decodes broken streams.
func TestInflateMutated(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, text := range []string{"hello, hello, hello", strings.Repeat("abcabd", 40), string(texts()["json"][:2000])} {
		for _, level := range []int{0, 1, 9} {
			in := deflated(t, []byte(text), level)
			for range 3000 {
				broken := slices.Clone(in)
				for range 1 + rng.IntN(3) {
					broken[rng.IntN(len(broken))] ^= 1 << rng.IntN(8)
				}
				compareInflate(t, broken)
			}
		}
	}
}

// FuzzInflate compares with another implementation.
func FuzzInflate(f *testing.F) {
	for _, text := range []string{"", "hello, hello, hello", strings.Repeat("abcabd", 40)} {
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 9} {
			f.Add(deflated(f, []byte(text), level))
		}
	}
	f.Fuzz(compareInflate)
}

func BenchmarkInflate(b *testing.B) {
	text := texts()["json"]
	in := deflated(b, text, 5)
	b.Run("leaktap", func(b *testing.B) {
		f, out := &inflater{}, []byte(nil)
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			var err error
			out, _, err = f.inflate(in, out[:0], 8<<20)
			must(b, err)
		}
	})
	b.Run("reader", func(b *testing.B) {
		r, out := flate.NewReader(nil), []byte(nil)
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			must(b, r.(flate.Resetter).Reset(bytes.NewReader(in), nil))
			var err error
			out, err = readUpTo(r, out[:0], 8<<20)
			must(b, err)
		}
	})
}
