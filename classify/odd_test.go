package classify_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/leaktap/leaktap/classify"
)

// leak is a document with a password hash and a token; their halves and names
// stand in the functions below where an oddity needs them.
func leak() string { return `{"user":{"password_hash":"` + bcryptHash + `"},"note":"` + jwt + `"}` }

// inUTF16 encodes in a byte order, behind a mark or without one.
func inUTF16(text string, order binary.AppendByteOrder, mark bool) string {
	units := utf16.Encode([]rune(text))
	if mark {
		units = slices.Insert(units, 0, 0xFEFF)
	}
	var b []byte
	for _, u := range units {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// unicodeEscaped writes every character of a JSON string's inside as \uXXXX.
func unicodeEscaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return b.String()
}

func quoted(text string) string {
	q, _ := json.Marshal(text)
	return string(q)
}

// oddities are documents that strict parsers refuse, cut, or read in a different
// way. The same two leaks are in each.
func oddities(t *testing.T) map[string]string {
	big, little := binary.BigEndian, binary.LittleEndian
	list := map[string]string{
		"plain":                     leak(),
		"byte order mark":           "\xEF\xBB\xBF" + leak(),
		"two byte order marks":      "\xEF\xBB\xBF\xEF\xBB\xBF" + leak(),
		"NUL before":                "\x00" + leak(),
		"NULs before as in UTF-16":  "\x00\x01\x00\x01" + leak(),
		"NUL between":               strings.ReplaceAll(leak(), ",", "\x00,\x00"),
		"NUL in a name":             strings.ReplaceAll(leak(), "note", "no\x00te"),
		"space before":              strings.Repeat(" \r\n\t", 5000) + leak(),
		"form feed before":          "\f\v" + leak(),
		"duplicate names":           `{"user":1,"note":2,` + leak()[1:],
		"duplicate names behind":    leak()[:len(leak())-1] + `,"user":1,"note":2}`,
		"escaped names":             strings.ReplaceAll(leak(), "password_hash", unicodeEscaped("password_hash")),
		"escaped values":            `{"password_hash":"` + unicodeEscaped(bcryptHash) + `","note":"` + unicodeEscaped(jwt) + `"}`,
		"escaped dollar":            strings.ReplaceAll(leak(), "$", `\u0024`),
		"huge number":               `{"n":1e999999,"m":-1e-999999,` + leak()[1:],
		"no numbers":                `{"n":NaN,"m":-Infinity,"o":0x1F,"p":+1,"q":.5,"r":01,` + leak()[1:],
		"literals of Python":        `{"n":None,"m":True,"o":False,` + leak()[1:],
		"deep arrays before":        `{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "," + leak()[1:],
		"deep arrays around":        strings.Repeat("[", 100_000) + leak() + strings.Repeat("]", 100_000),
		"deep objects around":       strings.Repeat(`{"a":`, 100_000) + leak() + strings.Repeat("}", 100_000),
		"UTF-16 little, mark":       inUTF16(leak(), little, true),
		"UTF-16 big, mark":          inUTF16(leak(), big, true),
		"UTF-16 little, no mark":    inUTF16(leak(), little, false),
		"UTF-16 big, no mark":       inUTF16(leak(), big, false),
		"UTF-16, odd length":        inUTF16(leak(), little, true) + "\n",
		"UTF-16, surrogates":        inUTF16(`{"a":"😀",`+leak()[1:], big, true),
		"UTF-16, text":              inUTF16("hash "+bcryptHash+" token "+jwt, little, true),
		"trailing text":             leak() + " and more",
		"trailing document":         `{"a":1}` + "\n" + leak(),
		"trailing bracket":          "}]" + leak(),
		"invalid UTF-8":             `{"a":"` + "\xff\xfe\xc0\x80" + `",` + leak()[1:],
		"invalid UTF-8 before":      "\xff" + leak(),
		"control in a string":       "{\"a\":\"\x01\x02\n\t\"," + leak()[1:],
		"CRLF":                      strings.ReplaceAll(leak(), ",", ",\r\n"),
		"single quotes":             strings.ReplaceAll(leak(), `"`, `'`),
		"no quotes around names":    strings.NewReplacer(`"user"`, "user", `"password_hash"`, "password_hash", `"note"`, "note").Replace(leak()),
		"comments":                  "// c\n{/* c */" + leak()[1:] + "// c",
		"truncated":                 leak()[:len(leak())-2],
		"truncated in the value":    strings.TrimSuffix(leak(), `"}`),
		"start is missing":          leak()[6:],
		"unbalanced quote":          `{"a":"b,"c":1,` + leak()[1:],
		"unbalanced quote in value": `{"a":"5" tall","c":1,` + leak()[1:],
		"unbalanced escape":         `{"a":"\",` + leak()[1:],
		"lone quote before":         `"` + leak(),
		"missing commas":            strings.ReplaceAll(leak(), ",", " "),
		"missing colons":            strings.ReplaceAll(leak(), ":", " "),
		"JSONP":                     "callback(" + leak() + ");",
		"guard before JSON":         ")]}',\n" + leak(),
		"JSON in a string":          quoted(leak()),
		"JSON in JSON":              `{"a":` + quoted(leak()) + `}`,
		"six layers":                quoted(quoted(quoted(`{"a":` + quoted(`{"a":`+quoted(leak())+`}`) + `}`))),
		"base64":                    base64.StdEncoding.EncodeToString([]byte(leak())),
		"base64 in lines":           inLines(base64.StdEncoding.EncodeToString([]byte(leak()))),
		"base64, digit first":       base64.StdEncoding.EncodeToString([]byte(`{"1":2,` + leak()[1:])),
		"base64 in JSON":            `{"a":"` + base64.URLEncoding.EncodeToString([]byte(leak())) + `"}`,
		"base64 in lines in JSON":   `{"a":` + quoted(inLines(base64.StdEncoding.EncodeToString([]byte(leak())))) + `}`,
		"gzip":                      string(classify.Packed(t, []byte(leak()))),
		"gzip of UTF-16":            string(classify.Packed(t, []byte(inUTF16(leak(), little, true)))),
		"gzip, cut":                 string(classify.Packed(t, []byte(leak()+strings.Repeat(" ", 9000)))[:len(classify.Packed(t, []byte(leak())))]),
		"gzip that is none":         "\x1f\x8b" + leak(),
		"gzip twice":                string(classify.Packed(t, classify.Packed(t, []byte(leak())))),
		"form with JSON":            "a=1&payload=" + strings.NewReplacer(`"`, "%22", "{", "%7B", "}", "%7D", "$", "%24").Replace(leak()),
		"XML":                       "<?xml version='1.0'?><a><password_hash>" + bcryptHash + "</password_hash><t>" + jwt + "</t></a>",
		"YAML":                      "user:\n  password_hash: " + bcryptHash + "\nnote: " + jwt + "\n",
		"multipart":                 "--b\r\nContent-Disposition: form-data; name=\"password_hash\"\r\n\r\n" + bcryptHash + "\r\n--b\r\n\r\n" + jwt + "\r\n--b--",
		"multipart, cut":            "--b\r\nContent-Disposition: form-data; name=\"password_hash\"\r\n\r\n" + bcryptHash + "\r\n--b\r\nContent-Disposition: form-data\r\n\r\n" + jwt,
		"multipart in base64":       base64.StdEncoding.EncodeToString([]byte("--b\r\nContent-Disposition: form-data; name=\"password_hash\"\r\n\r\n" + bcryptHash + "\r\n--b\r\n\r\n" + jwt)),
		"CSV":                       "id,password_hash,note\r\n1," + bcryptHash + ",x\r\n2,y,\"" + jwt + "\"\r\n",
		"CSV in UTF-16":             inUTF16("id\tpassword_hash\tnote\n1\t"+bcryptHash+"\t"+jwt+"\n", little, true),
		"CSV, cut":                  "id;password_hash;note\n1;" + bcryptHash + ";z\n2;y;\"" + jwt,
		"HTML table":                "<html><table><tr><th>password_hash</th><td>" + bcryptHash + "</td></tr><tr><td>t</td><td>" + jwt,
		"HTML table in gzip":        string(classify.Packed(t, []byte("<html><table><tr><th>password_hash</th><td>"+bcryptHash+"</td></tr><tr><td>t</td><td>"+jwt))),
		"protobuf":                  string(wire(1, slices.Concat(wire(2, []byte(bcryptHash)), numbers(), wire(9, []byte(jwt))))) + string(numbers()),
		"gRPC":                      string(framed(0, slices.Concat(wire(2, []byte(bcryptHash)), wire(9, []byte(jwt))))),
	}
	return list
}

func inLines(text string) string {
	var b bytes.Buffer
	for ; len(text) > 76; text = text[76:] {
		b.WriteString(text[:76] + "\r\n")
	}
	return b.String() + text
}

// TestNothingHides plants the same leaks in every oddity, as a body and as a
// record.
func TestNothingHides(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	for name, text := range oddities(t) {
		for part, x := range map[string]*classify.Exchange{
			"body":   {Status: 200, Response: classify.Message{Body: []byte(text)}},
			"record": {Persisted: true, Record: []byte(text)},
		} {
			var hash, token bool
			c.Classify(x, time.Unix(1780272000, 0), func(f *classify.Finding) {
				hash = hash || f.Rule.ID == "password-hash"
				token = token || f.Token != nil && f.Token.Kind == "jwt"
				if f.Evidence.Span != nil && f.Evidence.Span.End > len(text) {
					t.Errorf("%s in a %s: a span ends at %d of %d bytes", name, part, f.Evidence.Span.End, len(text))
				}
			})
			if !hash || !token {
				t.Errorf("%s in a %s: password hash found: %v, token found: %v", name, part, hash, token)
			}
		}
	}
}
