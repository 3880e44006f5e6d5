package capture

import (
	"strings"
	"testing"
)

func TestFindInterfaces(t *testing.T) {
	for _, test := range []struct {
		names []string
		want  string // an interface that is among them
		err   string
	}{
		{[]string{"lo"}, "lo", ""},
		{[]string{"l*"}, "lo", ""},
		{[]string{"zz*"}, "", ""},
		{[]string{"lo", "nope0"}, "", `find interface "nope0"`},
	} {
		up, err := FindInterfaces(test.names)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%v: error %v, want %q", test.names, err, test.err)
			}
			continue
		}
		if got := strings.Join(up, " "); err != nil || (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
			t.Errorf("%v: %q, %v; want %q", test.names, got, err, test.want)
		}
	}
}
