package classify

import (
	"bytes"
	"compress/gzip"
	"testing"
)

// WithoutPlaces makes c look at every value of a document, for comparison.
func (c *Classifier) WithoutPlaces() *Classifier {
	c.everywhere = true
	return c
}

// Packed returns the gzip form of a text.
func Packed(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
