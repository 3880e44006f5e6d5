package classify_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// planted are values that are found under their names, with the rule and the severity
// that each has in a response's body.
var planted = []struct{ name, value, rule, severity string }{
	{"password", "hunter2Xk9", "password-plain", "critical"},
	{"password_hash", bcryptHash, "password-hash", "critical"},
	{"api_key", "Zk3fQ9vLm2Xw8RtYb7NcA1dE", "secret-field", "high"},
	{"email", "ada@shop.example", "pii-email", "low"},
	{"card_number", "4242 4242 4242 4242", "card-number", "medium"}, // a documented number
	{"session_token", jwt, "token-in-body", "high"},
}

// structures write one value under a name; %[1]s is the name and %[2]s the value. at is
// the pointer with the name as %s.
var structures = []struct{ name, contentType, text, at string }{
	{"JSON", "application/json", `{"a":1,"%[1]s":"%[2]s"}`, "/%s"},
	{"form", "application/x-www-form-urlencoded", "a=1&%[1]s=%[2]s", "/%s"},
	{"multipart", "multipart/form-data; boundary=x1", "--x1\r\nContent-Disposition: form-data; name=\"%[1]s\"\r\n\r\n%[2]s\r\n--x1--\r\n", "/%s"},
	{"multipart without a type", "", "--x1\nContent-Disposition: form-data; filename=\"a\"; name=%[1]s\n\n%[2]s\n--x1--\n", "/%s"},
	{"multipart, cut behind the value", "multipart/form-data; boundary=x1", "--x1\r\ncontent-disposition: form-data; name=\"%[1]s\"\r\n\r\n%[2]s", "/%s"},
	{"multipart, cut in the boundary", "multipart/form-data; boundary=x1", "--x1\r\nContent-Disposition: form-data; name=\"%[1]s\"\r\n\r\n%[2]s\r\n--x", "/%s"},
	{
		"a file of JSON", "multipart/form-data; boundary=x1",
		"--x1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.json\"\r\nContent-Type: application/json\r\n\r\n{\"%[1]s\":\"%[2]s\"}\r\n--x1--\r\n", "/f#json/%s",
	},
	{
		"a file that is a table", "multipart/form-data; boundary=x1",
		"--x1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\nid,%[1]s\r\n1,%[2]s\r\n--x1--\r\n", "/f/*/%s",
	},
	{"CSV", "text/csv", "id,%[1]s,note\n1,%[2]s,x\n", "/*/%s"},
	{"CSV with quotes", "text/csv; charset=utf-8", "\"id\",\"%[1]s\",\"note\"\r\n\"1\",\"%[2]s\",\"x\"\r\n", "/*/%s"},
	{"CSV with a line in a cell", "text/csv", "id,note,%[1]s\n1,\"a \"\"b\"\"\nc,d\",\"%[2]s\"\n", "/*/%s"},
	{"CSV, cut", "text/csv", "id,%[1]s\n1,\"%[2]s", "/*/%s"},
	{"CSV without a type", "", "id,note,%[1]s\n1,x,%[2]s\n", "/*/%s"},
	{"TSV", "text/tab-separated-values", "id\t%[1]s\n1\t%[2]s\n", "/*/%s"},
	{"semicolons", "text/plain", "id;%[1]s;note\n1;%[2]s;\"x;y\"\n", "/*/%s"},
	{"HTML, head beside the cell", "text/html", "<table><tr><th>Id</th><td>1</td></tr><tr><th>%[1]s:</th><td>%[2]s</td></tr></table>", "/%s"},
	{"HTML, name in a cell", "text/html", "<table><TR><TD><b>%[1]s</b></TD><TD class=v><pre><code>%[2]s</code></pre></TD></TR></table>", "/%s"},
	{"HTML, column", "text/html", "<table><thead><tr><th>Id<th>%[1]s</tr></thead><tbody><tr><td>1</td><td>%[2]s</td></tr></table>", "/*/%s"},
	{"HTML, description", "text/html", "<dl><dt>Id</dt><dd>1</dd><dt>%[1]s</dt><dd>%[2]s</dd></dl>", "/%s"},
	{"HTML, input", "text/html", `<form><input id=a type="text" value="%[2]s" name="%[1]s"></form>`, "/%s"},
	{"HTML, meta", "text/html", `<html><head><meta name='%[1]s' content='%[2]s'>`, "/%s"},
	{"HTML without a type", "", "<!doctype html><table><tr><th>%[1]s</th><td>%[2]s</td></tr></table>", "/%s"},
	{"XML", "application/xml", "<a><b>1</b><n:%[1]s>%[2]s</n:%[1]s></a>", "/%s"},
	{"XML, CDATA", "application/soap+xml", "<a><b>1</b><%[1]s><![CDATA[%[2]s]]></%[1]s></a>", "/%s"},
	{"XML, property", "", `<?xml version="1.0"?><c><property name="%[1]s" value="%[2]s"/></c>`, "/%s"},
	{"XML, cut", "text/xml", "<a><b>1</b><%[1]s>%[2]s", "/%s"},
	{"YAML", "application/yaml", "a:\n  - b: 1\n    %[1]s: %[2]s\n", "/%s"},
	{"YAML with quotes", "application/yaml", "a:\n  \"%[1]s\": \"%[2]s\" # c\n", "/%s"},
	{"YAML, tag and anchor", "application/yaml", "a: 1\n%[1]s: !!str &v '%[2]s'\n", "/%s"},
	{"YAML, block", "application/yaml", "%[1]s: |-\n  %[2]s\nb: 1\n", "/%s"},
	{"YAML, name and value", "application/yaml", "env:\n  - name: %[1]s\n    value: %[2]s\n", "/%s"},
	{"YAML without a type", "", "---\na: 1\nb:\n  %[1]s: %[2]s\n", "/%s"},
	{"base64 of CSV", "text/csv", "", "#base64/*/%s"},
	{"gzip of multipart", "multipart/form-data; boundary=x1", "", "#gzip/%s"},
	{"UTF-16 of CSV", "text/csv", "", "/*/%s"},
}

// write gives a structure with a value in it.
func write(t *testing.T, structure, text, name, value string) string {
	t.Helper()
	switch structure {
	case "form":
		value = strings.NewReplacer(" ", "+", "@", "%40", "$", "%24").Replace(value)
	case "base64 of CSV":
		return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "id,%s\n1,%s\n", name, value))
	case "gzip of multipart":
		return string(classify.Packed(t, fmt.Appendf(nil, "--x1\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n--x1--\r\n", name, value)))
	case "UTF-16 of CSV":
		return inUTF16(fmt.Sprintf("id,%s\n1,%s\n", name, value), binary.LittleEndian, true)
	}
	return fmt.Sprintf(text, name, value)
}

// answer is a response with a content type, if one is given.
func answer(contentType, text string) *classify.Exchange {
	x := exchange(text)
	x.Status = 200
	if contentType != "" {
		x.Response.Headers = header("Content-Type", contentType)
	}
	return x
}

// rulesAt lists the findings in the body as "rule pointer severity"; those that speak of
// the answer as a whole are left out.
func rulesAt(c *classify.Classifier, x *classify.Exchange) (list []string) {
	c.Classify(x, time.Unix(1780272000, 0), func(f *classify.Finding) {
		if f.Where == classify.InResponseBody && f.Rule.ID != "jwt-weak" {
			list = append(list, fmt.Sprintf("%s %s %v", f.Rule.ID, f.Pointer, f.Severity))
		}
		if f.Evidence.Span != nil {
			list = append(list, "a span beside a pointer")
		}
	})
	slices.Sort(list)
	return list
}

// TestStructures plants each value in each structure: it is found once, under its name.
func TestStructures(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	for _, s := range structures {
		for _, p := range planted {
			text := write(t, s.name, s.text, p.name, p.value)
			rule := p.rule
			if rule == "token-in-body" && strings.HasPrefix(s.contentType, "text/html") {
				rule = "token-in-script"
			}
			want := []string{rule + " " + fmt.Sprintf(s.at, p.name) + " " + p.severity}
			if got := rulesAt(c, answer(s.contentType, text)); !slices.Equal(got, want) {
				t.Errorf("%s in %s: got %q, want %q", p.name, s.name, got, want)
			}
		}
	}
}

// TestStructuresCut cuts each structure right behind the value: half documents are the
// rule in logs.
func TestStructuresCut(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	for _, s := range structures {
		if strings.Index(s.text, "%[1]s") > strings.Index(s.text, "%[2]s") { // the name is cut off
			continue
		}
		for _, p := range planted {
			text, _, _ := strings.Cut(s.text, "%[2]s")
			text = write(t, s.name, text+"%[2]s", p.name, p.value)
			got := rulesAt(c, answer(s.contentType, text))
			if len(got) != 1 || !strings.Contains(got[0], fmt.Sprintf(s.at, p.name)) {
				t.Errorf("%s in %s, cut: got %q", p.name, s.name, got)
			}
		}
	}
}

// TestListsOfRows counts the rows of a table as one list.
func TestListsOfRows(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	want := []string{"overexposed-list  high", "password-plain /*/password critical", "pii-email /*/email low"}
	for contentType, text := range map[string]string{
		"text/csv":  "email,password\nada@shop.example,hunter2Xk9\nbo@shop.example,\"hun\"\"ter3Xk9\"\n",
		"text/html": "<table><tr><th>email</th><th>password</th></tr><tr><td>ada@shop.example</td><td>hunter2Xk9</td></tr><tr><td>bo@shop.example</td><td>hun&quot;ter3Xk9</td></tr></table>",
	} {
		if got := rulesAt(c, answer(contentType, text)); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", contentType, got, want)
		}
	}
}

// TestReferences takes the escapes of a structure off a value.
func TestReferences(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	plain := digests(c, answer("", `{"password":"hun\"t'er2&Xk9"}`))
	for contentType, text := range map[string]string{
		"text/csv":         "id,password\n1,\"hun\"\"t'er2&Xk9\"\n",
		"text/html":        "<dl><dt>password</dt><dd>hun&quot;t&#x27;er2&amp;Xk9</dd></dl>",
		"application/xml":  "<password>hun&quot;t&#39;er2&amp;Xk9</password>",
		"application/yaml": "password: \"hun\\\"t'er2&Xk9\"\n",
		"text/yaml":        "password: 'hun\"t''er2&Xk9'\n",
	} {
		if got := digests(c, answer(contentType, text)); !slices.Equal(got, plain) || len(got) != 1 {
			t.Errorf("%s: got the digests %v, want %v", contentType, got, plain)
		}
	}
}

func digests(c *classify.Classifier, x *classify.Exchange) (list []string) {
	c.Classify(x, time.Unix(1780272000, 0), func(f *classify.Finding) { list = append(list, f.Evidence.Digest) })
	return list
}

// TestNoStructure leaves texts alone that look like a table or YAML for a line.
func TestNoStructure(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	for _, text := range []string{
		"Name, password, email are needed\nto sign in, then, choose hunter2Xk9\n",
		"2026-01-01 12:00:00,123 role,password admin\n2026-01-01 12:00:00,124 x,hunter2Xk9 admin\n",
		"role,name,id\nonly one cell admin\n",
		"role;admin\nname;Ada\n",
		"a,b,c\n1,2,3\n",
		"INFO: started\nrole admin: the rest\n",
		"<p>role: admin</p>",
		"role: admin, and that was all",
		"<table><tr><th>Role</th></tr><tr><td></td><td>x</td></tr></table>",
		"<table><tr><td>Password</td><td>Username</td></tr></table>",
		"<form><label>Password</label><input name=password type=password placeholder=Password></form>",
		"<script>if (a<b) role='<td>role</td><td>admin</td>'</script>",
	} {
		for _, contentType := range []string{"", "text/plain", "text/html"} {
			if contentType == "text/html" && text[0] != '<' {
				continue
			}
			if got := rulesAt(c, answer(contentType, text)); len(got) > 0 {
				t.Errorf("%s as %q: got %q", text, contentType, got)
			}
		}
	}
}

// TestKeysInYAML finds a private key in a block scalar, under any name.
func TestKeysInYAML(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	pem := "-----BEGIN " + "RSA PRIVATE KEY-----\n" + strings.Repeat(strings.Repeat("Zk3fQ9vL", 8)+"\n", 6) + "-----END " + "RSA PRIVATE KEY-----\n"
	for name, at := range map[string]string{"private_key": "/private_key", "tls.key": ""} {
		for _, head := range []string{"|", "|-", ">2"} {
			text := "a: 1\n" + name + ": " + head + "\n" + indented(pem) + "b: 2\n"
			got := ""
			c.Classify(answer("application/yaml", text), time.Unix(1780272000, 0), func(f *classify.Finding) { got += f.Rule.ID + " " + f.Pointer })
			if got != "private-key "+at {
				t.Errorf("%s: %s: got %q", name, head, got)
			}
		}
	}
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	return b.String()
}

// TestStructuresCostNothing checks that clean documents of each form need no memory.
func TestStructuresCostNothing(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	for _, s := range structures {
		if s.text == "" { // a coding needs memory
			continue
		}
		x := answer(s.contentType, fmt.Sprintf(s.text, "role_note", strings.Repeat("quiet ", 30)))
		run := func() { c.Classify(x, time.Unix(1780272000, 0), func(f *classify.Finding) { t.Error(f.Rule.ID) }) }
		run()
		if n := testing.AllocsPerRun(20, run); n > 0 && s.name != "form" { // its + signs
			t.Errorf("%s: %v allocations", s.name, n)
		}
	}
	message := bytes.Repeat(wire(1, wire(2, []byte("quiet"))), 5)
	x := answer("application/grpc", string(framed(0, message)))
	if n := testing.AllocsPerRun(20, func() { c.Classify(x, time.Unix(1780272000, 0), func(*classify.Finding) {}) }); n > 0 {
		t.Errorf("protobuf: %v allocations", n)
	}
}

// FuzzMultipart plants a token as a part among others.
func FuzzMultipart(f *testing.F) {
	f.Add("x1", "password", []byte("a"), []byte("--x1"))
	f.Add("-", "f\"; filename=\"a.csv", []byte("id,email\n1,2"), []byte("\r\n--x1--\r\n"))
	f.Add("----WebKitFormBoundary7MA4YWxk", "*", []byte("--\r\n\r\n"), []byte("\x00"))
	c := builtinEngine(f).NewClassifier()
	f.Fuzz(func(t *testing.T, boundary, name string, before, behind []byte) {
		if boundary = strings.Map(boundarySign, boundary); boundary == "" || strings.Contains(jwt, boundary) {
			return
		}
		name = strings.Map(boundarySign, name)
		line := "--" + boundary + "\r\n"
		head := "Content-Disposition: form-data; name=\""
		text := line + head + name + "\"\r\n\r\n" + string(before) + "\r\n" + line + head + "x\"\r\n\r\n" + jwt + "\r\n" + line + string(behind)
		mustFind(t, c, "multipart/form-data; boundary="+boundary, []byte(text))
		mustFind(t, c, "multipart/form-data", []byte(text[:strings.LastIndex(text, jwt)+len(jwt)]))
	})
}

// boundarySign keeps what boundaries and plain names consist of.
func boundarySign(r rune) rune {
	if r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
		return r
	}
	return -1
}

// FuzzTable plants a token as the cell of a row between others.
func FuzzTable(f *testing.F) {
	f.Add("id,email", "1,ada@shop.example", "2,\"a\"\"b\"", false)
	f.Add("password;role", ";", "\"", true)
	f.Add("a\tb\tsession_token", "\"1\t2\"\t3", "\n\n", false)
	c := builtinEngine(f).NewClassifier()
	f.Fuzz(func(t *testing.T, head, before, behind string, quoted bool) {
		cell := jwt
		if quoted {
			cell = `"` + jwt + `"`
		}
		for _, separator := range []string{",", ";", "\t"} {
			row := cell + separator + cell
			mustFind(t, c, "text/csv", []byte("session_token"+separator+head+"\n"+before+"\n"+row+"\n"+behind))
			mustFind(t, c, "text/csv", []byte("session_token"+separator+head+"\n"+before+"\n"+row))
		}
	})
}

// FuzzMarkup plants a token as a cell and as the text of an element.
func FuzzMarkup(f *testing.F) {
	f.Add("<table><tr><th>a<th>email</tr>", "<tr><td>1")
	f.Add("<p class='a", "</script><td>")
	f.Add("<dl><dt>role</dt>", "<input name=a value=\"")
	c := builtinEngine(f).NewClassifier()
	f.Fuzz(func(t *testing.T, before, behind string) {
		for _, text := range []string{
			"<th>session_token</th><td>" + jwt + "</td>", "<session_token>" + jwt + "</session_token>", `<input name="session_token" value="` + jwt + `">`,
		} {
			for _, contentType := range []string{"text/html", "application/xml"} {
				mustFind(t, c, contentType, []byte("<p> "+before+" "+text+behind))
			}
		}
	})
}

// FuzzYAML plants a token as a scalar of each kind.
func FuzzYAML(f *testing.F) {
	f.Add("a:\n  - b: 1\n", "c: |\n  d\n")
	f.Add("name: password\nvalue: x", "\"")
	f.Add("email: >\n", "  - &a !!str '")
	c := builtinEngine(f).NewClassifier()
	f.Fuzz(func(t *testing.T, before, behind string) {
		for _, scalar := range []string{jwt, `"` + jwt + `"`, "'" + jwt + "'", "|\n    " + jwt, "&a !b " + jwt + " # c"} {
			mustFind(t, c, "application/yaml", []byte("# "+before+"\n  session_token: "+scalar+"\n"+behind))
		}
	})
}
