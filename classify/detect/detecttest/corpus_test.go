package detecttest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leaktap/leaktap/classify"
)

func TestRead(t *testing.T) {
	blocks, err := Read("# comment\n\nmatch response.body /a b/c high\nmatch record low other-rule\n@ POST /x 201\n@ anonymous\n< A: b\n>> q\n{\"k\":\"v¦w\"}\n|\n|end\n\n\nclean\n@ log\nline\n", "my-rule")
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) != 2 {
		t.Fatalf("got %d blocks, want 2", len(blocks))
	}
	want := []Want{
		{classify.InResponseBody, "/a b/c", classify.High, "my-rule"},
		{classify.InRecord, "", classify.Low, "other-rule"},
	}
	if diff := cmp.Diff(want, blocks[0].Want); diff != "" {
		t.Error(diff)
	}
	x := &blocks[0].Exchange
	if string(x.Method) != "POST" || x.Status != 201 || len(x.Request.Headers) != 0 || len(x.Response.Headers) != 1 ||
		string(x.Request.Body) != "q" || string(x.Response.Body) != "{\"k\":\"vw\"}\n\nend" {
		t.Errorf("got exchange %+v", x)
	}
	if b := blocks[1]; b.Line != 14 || len(b.Want) != 0 || !b.Exchange.Persisted || string(b.Exchange.Record) != "line" {
		t.Errorf("got block %+v", b)
	}
	if got := want[0].String(); got != "response.body /a b/c high my-rule" {
		t.Errorf("got %q", got)
	}
}

func TestCheck(t *testing.T) {
	finding := func(rule string, severity classify.Severity) *classify.Finding {
		return &classify.Finding{
			Rule: &classify.Rule{ID: rule}, Severity: severity, Where: classify.InResponseBody, Pointer: "/k",
			Evidence: classify.Evidence{Redacted: "•••"},
		}
	}
	for _, tc := range []struct {
		block string
		found []*classify.Finding
		want  string
	}{
		{"clean\nx", nil, ""},
		{"clean\nx", []*classify.Finding{finding("r", classify.Info)}, ""},
		{"clean\nx", []*classify.Finding{finding("r", classify.Low)}, "found response.body /k low r (•••)"},
		{"match response.body /k low\nx", []*classify.Finding{finding("any", classify.Low)}, ""},
		{"match response.body /k low\nx", []*classify.Finding{finding("any", classify.Low), finding("more", classify.High)}, "found response.body /k high more (•••)"},
		{"match response.body /k low r\nx", []*classify.Finding{finding("r", classify.Low), finding("more", classify.High)}, ""},
		{"match response.body /k low r\nx", []*classify.Finding{finding("r", classify.High)}, "want response.body /k low r; found response.body /k high r (•••)"},
		{"match response.body /k low r\nmatch response.body /k low r\nx", []*classify.Finding{finding("r", classify.Low)}, "want response.body /k low r; found nothing else"},
	} {
		blocks, err := Read(tc.block, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := blocks[0].Check(tc.found); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.block, got, tc.want)
		}
	}
}

// FuzzRead: any text is a corpus or an error.
func FuzzRead(f *testing.F) {
	f.Add("match response.body /a high r\n@ log\nx\n\nclean\n@ GET / 200\n> A: b\n", "r")
	f.Add("match\n\nclean\n@ a b c", "")
	f.Fuzz(func(_ *testing.T, text, rule string) {
		blocks, err := Read(text, rule)
		if err != nil {
			return
		}
		for _, b := range blocks {
			b.Check(nil)
		}
	})
}
