package classify_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leaktap/leaktap/classify"
)

// floods make the costliest inputs that are known, of about that many bytes.
var floods = []struct {
	name string
	make func(size int) *classify.Exchange
}{
	{"colons", body(":")},
	{"equals signs", body("=")},
	{"names and signs", body("password=")},
	{"names and signs in JSON", document(`"`, "password=", `"`)},
	{"names of phones", body("phone:")},
	{"long names", body(strings.Repeat("a_", 47) + "id=")},
	{"quoted values", body(`password:"`)},
	{"backslashes", body(`\`)},
	{"backslashes in JSON", document(`"`, `\\`, `"`)},
	{"quotes", body(`"`)},
	{"quotes in JSON", document("", `"`, "")},
	{"digits", body("4")},
	{"digits and separators", body("4 2-")},
	{"numbers in JSON", document("[", "4263982640269290,", "1]")},
	{"tokens", body("eyJ")},
	{"tokens apart", body(" eyJ")},
	{"tokens in JSON", document(`"`, " eyJ", `"`)},
	{"PEM", body("-----BEGIN ")},
	{"PEM heads", body("-----BEGIN PRIVATE KEY-----")},
	{"schemes", body("://")},
	{"user information", body("a://b:c@")},
	{"at signs", body("@")},
	{"addresses", body("a@b.co ")},
	{"addresses in JSON", document("[", `"a@b.co",`, "1]")},
	{"at sign behind much space", func(size int) *classify.Exchange {
		return exchange(`{"a":` + strings.Repeat(" ", size/2) + `"` + strings.Repeat("@", size/2) + `"}`)
	}},
	{"nested arrays and strings", func(size int) *classify.Exchange {
		return exchange(strings.Repeat("[", size/2) + strings.Repeat(`"a@b.co",`, size/18))
	}},
	{"nested objects and strings", func(size int) *classify.Exchange {
		return exchange(strings.Repeat("{", size/2) + strings.Repeat(`"a@b.co",`, size/18))
	}},
	{"nested members and names", func(size int) *classify.Exchange {
		return exchange(strings.Repeat(`{"x":`, size/10) + strings.Repeat(`"pythonpath":"a",`, size/34))
	}},
	{"nested members", body(`{"password":`)},
	{"many pointers", func(size int) *classify.Exchange {
		var b strings.Builder
		b.WriteString(`{`)
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, `"k%c%c%c":{"email":"ada%d@shop.test"},`, 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26, i)
		}
		return exchange(b.String())
	}},
	{"many headers", func(size int) *classify.Exchange {
		x := exchange("x")
		for range size / 20 {
			x.Response.Headers = append(x.Response.Headers, header("X-Token", "a@b.co token=1")...)
		}
		return x
	}},
	{"many cookies", func(size int) *classify.Exchange {
		x := exchange("x")
		for range size / 30 {
			x.Response.Headers = append(x.Response.Headers, header("Set-Cookie", "session=abcdefghij")...)
		}
		return x
	}},
	{"query", func(size int) *classify.Exchange {
		return &classify.Exchange{Target: []byte("/?" + strings.Repeat("a&token=x%20y&", size/14))}
	}},
	{"path", func(size int) *classify.Exchange {
		return &classify.Exchange{Target: []byte(strings.Repeat("/token", size/6))}
	}},
	{"JSON in JSON", func(size int) *classify.Exchange {
		return exchange(`{"a":"{\"b\":\"` + strings.Repeat(`{\\\"email\\\":\\\"a@b.co\\\"}`, size/30) + `\"}"}`)
	}},
	{"base64 in base64", func(size int) *classify.Exchange {
		text := `{"a":"` + strings.Repeat("a@b.co ", size/12) + `"}`
		for range 2 {
			text = `{"a":"` + base64.StdEncoding.EncodeToString([]byte(text)) + `"}`
		}
		return exchange(text)
	}},
	{"broken base64", document("[", `"eyJhIjoiYiIsImEiOiJiIiwiYSI6ImI!",`, "1]")},
	{"schema examples", body(`{"schema":{"example":"a@b.co"},`)},
	{"cut escapes", document(`"`, `\u00`, `"`)},
	{"form", func(size int) *classify.Exchange {
		x := exchange(strings.Repeat("email=a%40b.co&", size/15))
		x.Response.Headers = header("Content-Type", "application/x-www-form-urlencoded")
		return x
	}},
	{"parts", declared("multipart/form-data; boundary=a", "--a\r\n", "Content-Disposition: form-data; name=\"email\"\r\n\r\na@b.co\r\n--a\r\n")},
	{"boundaries", declared("multipart/form-data; boundary=a", "--a\nContent-:\n", "--a")},
	{"half boundaries", declared("multipart/form-data; boundary=a", "--"+strings.Repeat("a", 60)+"\nContent-A:\n\n", strings.Repeat("a", 59)+"-")},
	{"part headers", declared("multipart/form-data; boundary=a", "--a\n", "Content-Disposition: form-data; a; a; name=\n")},
	{"cells", declared("text/csv", "email,role\n", "a@b.co,x\n")},
	{"empty cells", declared("text/csv", "email,role\n", ",")},
	{"quotes in cells", declared("text/csv", "email,role\n", `"""`)},
	{"open cells", declared("text/csv", "email,role\n", `"`+"\n")},
	{"columns", declared("text/csv", "email", ",email")},
	{"cells without a type", declared("", "email,role,a\n", "a@b.co,x,y\n")},
	{"tags", declared("text/html", "<p>", "<")},
	{"scripts", declared("text/html", "<p>", "<script")},
	{"rows", declared("text/html", "<table><tr><th>email<th>role", "<tr><td>a@b.co<td>x")},
	{"cells of HTML", declared("text/html", "", "<td><i>")},
	{"heads", declared("text/html", "", "<th>email")},
	{"terms", declared("text/html", "", "<dt>email<dd>a@b.co")},
	{"inputs", declared("text/html", "", "<input name=")},
	{"inputs and quotes", declared("text/html", "", `<input name=" <input name='`)},
	{"references", declared("text/html", "", "<email>&amp;&lt</email>")},
	{"elements", declared("application/xml", "", "<email>")},
	{"sections", declared("application/xml", "", "<email><![CDATA[")},
	{"members of YAML", declared("application/yaml", "", "email: a@b.co\n")},
	{"blocks of YAML", declared("application/yaml", "", "email: |\n a@b.co\n")},
	{"empty blocks of YAML", declared("application/yaml", "", "email: >\n")},
	{"tags of YAML", declared("application/yaml", "email: ", "!a &b ")},
	{"names of YAML", declared("application/yaml", "", "name: email\nvalue: 'a''b'\n")},
	{"strings of protobuf", declared("application/protobuf", "", "\x0a\x06a@b.co")},
	{"short fields", declared("application/protobuf", "", "\x0a\x00")},
	{"long varints", declared("application/protobuf", "", "\x08\xff\xff\xff\xff\x01")},
	{"frames", declared("application/grpc", "", "\x00\x00\x00\x00\x08\x0a\x06a@b.co")},
	{"messages in messages", func(size int) *classify.Exchange {
		b := []byte("a@b.co")
		for len(b) < size/2 {
			b = wire(1, b)
		}
		return answer("application/protobuf", string(bytes.Repeat(b, 2)))
	}},
}

// declared repeats a text behind a start, under a content type.
func declared(contentType, start, text string) func(int) *classify.Exchange {
	return func(size int) *classify.Exchange {
		return answer(contentType, start+strings.Repeat(text, size/len(text)))
	}
}

func exchange(text string) *classify.Exchange {
	return &classify.Exchange{Method: []byte("GET"), Target: []byte("/a"), Status: 500, Response: classify.Message{Body: []byte(text)}}
}

// body repeats a text.
func body(text string) func(int) *classify.Exchange {
	return func(size int) *classify.Exchange { return exchange(strings.Repeat(text, size/len(text))) }
}

// document repeats a text in a member of an object.
func document(before, text, behind string) func(int) *classify.Exchange {
	return func(size int) *classify.Exchange {
		return exchange(`{"a":` + before + strings.Repeat(text, size/len(text)) + behind + `}`)
	}
}

const (
	// floodSize is the smaller of the sizes compared: large enough to stand out
	// from what one classification costs anyway.
	floodSize = 64 << 10
	// maxCostRatio is what four times the bytes may cost, 2.3 for each doubling;
	// for a quadratic cost it is 16.
	maxCostRatio = 2.3 * 2.3
	// costRuns is how often a ratio is measured before it is believed.
	costRuns = 30
)

// TestCostIsLinear makes each flood four times as large. The least time of several runs counts,
// since others use the machine too.
func TestCostIsLinear(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	for _, flood := range floods {
		one, four := flood.make(floodSize), flood.make(4*floodSize)
		a, b := time.Hour, time.Hour
		for run := 0; run < 2 || run < costRuns && ratio(b, a) > maxCostRatio; run++ {
			a, b = min(a, cost(t, c, one)), min(b, cost(t, c, four))
		}
		t.Logf("%s: %v for %d KiB", flood.name, b, 4*floodSize>>10)
		if ratio(b, a) > maxCostRatio {
			t.Errorf("%s: four times the bytes cost %.2f times as much (%v and %v)", flood.name, ratio(b, a), a, b)
		}
	}
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// cost is the processor time that a classification takes: others use the machine too. The
// collector rests meanwhile, since what it makes a thread pay depends on the whole heap.
func cost(t *testing.T, c *classify.Classifier, x *classify.Exchange) time.Duration {
	t.Helper()
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := threadTime(t)
	c.Classify(x, time.Unix(1780272000, 0), func(*classify.Finding) {})
	return threadTime(t) - start
}

func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
		t.Fatal(err)
	}
	return time.Duration(now.Nano())
}

// TestGzipInGzip checks that bombs inside a bomb do not multiply: what all layers
// unpack to together is bounded, and what was not looked at is counted.
func TestGzipInGzip(t *testing.T) {
	bomb := base64.StdEncoding.EncodeToString(classify.Packed(t, []byte(`{"a":"`+strings.Repeat("a", 4<<20)+`"}`)))
	body := classify.Packed(t, []byte("["+strings.Repeat(`"`+bomb+`",`, 500)+"1]"))
	x := &classify.Exchange{Status: 200, Response: classify.Message{Body: body}}
	c := builtinEngine(t).NewClassifier()
	if took := cost(t, c, x); took > 5*time.Second {
		t.Errorf("%d bytes took %v", len(body), took)
	}
	if in := c.Classify(x, time.Unix(1780272000, 0), func(*classify.Finding) {}); in.LayerLimit == 0 {
		t.Error("nothing was counted as not looked at")
	}
}
