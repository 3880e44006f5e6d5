package classify

import "testing"

func TestQuoteEntity(t *testing.T) {
	for _, test := range []struct {
		text          string
		start, behind int
	}{
		{"", 0, 0}, {"&", 0, 0}, {"x;", 0, 0}, {"&amp;", 0, 0}, {"&quot;a", 6, 0}, {"a&quot;", 0, 6}, {"&#x27;", 6, 6}, {"&#39;", 5, 5}, {"&#039;x&#34;", 6, 5}, {"&lt;", 0, 0},
	} {
		if got := QuoteEntity([]byte(test.text)); got != test.start {
			t.Errorf("QuoteEntity(%q) = %d, want %d", test.text, got, test.start)
		}
		if got := QuoteEntityBefore([]byte(test.text)); got != test.behind {
			t.Errorf("QuoteEntityBefore(%q) = %d, want %d", test.text, got, test.behind)
		}
	}
}
