package ingest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leaktap/leaktap/classify"
)

func TestTornJSONIsReported(t *testing.T) {
	for _, test := range []struct{ name, in, want, err string }{
		{"at a comma", "{\"a\":1,\n{\"b\":2}\n", "1+0 {\"a\":1,|2+0 {\"b\":2}", "f:1: the JSON is cut off; what is there was scanned"},
		{"in a string", "x\n{\"a\":\"x\n{\"b\":2}\n", "1+0 x|2+0 {\"a\":\"x|3+0 {\"b\":2}", "f:2: the JSON is cut off; what is there was scanned"},
		{"spread over lines", "{\n \"a\": {\n", "1+2 {\n \"a\": {", "f:1: the JSON is cut off; what is there was scanned"},
		{"after a bracket", "{\"a\":{\"b\":1}", "1+0 {\"a\":{\"b\":1}", "f:1: the JSON is cut off; what is there was scanned"},
		{"more than once", "{\"a\":\n{\"b\":\nx\n", "1+0 {\"a\":|2+0 {\"b\":|3+0 x", "f:1: the JSON is cut off, there and in 1 more records; what is there was scanned"},
		{"whole without a line end", "{\"a\":{}}", "1+0 {\"a\":{}}", "<nil>"},
		{"whole and more", "{\"a\":{}} and more", "1+0 {\"a\":{}} and more", "<nil>"},
		{"no JSON", "{\"a\", {\n", "1+0 {\"a\", {", "<nil>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			_, err := newTestReader(t).Run(t.Context(), "f", strings.NewReader(test.in), func(x *classify.Exchange) {
				got = append(got, fmt.Sprintf("%d+%d %s", x.Source.Line, x.Source.Lines, x.Record))
			})
			if diff := cmp.Diff(strings.Split(test.want, "|"), got); diff != "" {
				t.Errorf("records differ (-want +got):\n%s", diff)
			}
			if text := fmt.Sprint(err); text != test.err {
				t.Errorf("error %s, want %s", text, test.err)
			}
		})
	}
}

func TestTornArchiveIsReported(t *testing.T) {
	const whole = `{"log":{"version":"1.2","entries":[{"request":{"method":"GET"}},{"request":{"method":"PUT"}}]}}`
	r := newTestReader(t)
	for n := len(`{"log":{"version"`) + 1; n <= len(whole); n++ {
		_, err := r.Run(t.Context(), "f", strings.NewReader(whole[:n]), func(*classify.Exchange) {})
		if (err == nil) != (n == len(whole)) {
			t.Errorf("%d of %d bytes: error %v", n, len(whole), err)
		}
	}
}
