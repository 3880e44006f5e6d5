package classify_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// wire writes a field with a length.
func wire(number uint64, value []byte) []byte {
	b := binary.AppendUvarint(nil, number<<3|2)
	return append(binary.AppendUvarint(b, uint64(len(value))), value...)
}

// framed writes a message as gRPC does.
func framed(flag byte, message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(message))), message...)
}

// number is field 3 as a varint, and one of each fixed size.
func numbers() []byte { return []byte("\x18\x96\x01\x21abcdefgh\x2Dabcd") }

func TestProtobuf(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	long := strings.Repeat("padded. ", 8) + "at " + "ada@shop.example"
	user := slices.Concat(wire(1, []byte("Ada")), numbers(), wire(7, []byte(jwt)))
	list := slices.Concat(wire(2, user), wire(2, user), wire(40, []byte(long)))
	token := "token-in-body /2/7 high"
	both := []string{"pii-email /40 low", token}
	for _, tt := range []struct {
		name, contentType string
		body              []byte
		want              []string
	}{
		{"declared", "application/x-protobuf", list, both},
		{"guessed", "", list, both},
		{"octets", "application/octet-stream", list, both},
		{"framed", "application/grpc", slices.Concat(framed(0, list), framed(0, user)), append(slices.Clone(both), "token-in-body /7 high")},
		{"framed, guessed", "", framed(0, list), both},
		{"packed", "application/grpc+proto", framed(1, classify.Packed(t, list)), []string{"pii-email #gzip/40 low", "token-in-body #gzip/2/7 high"}},
		{"in text", "application/grpc-web-text", []byte(base64.StdEncoding.EncodeToString(framed(0, list))), []string{"pii-email #base64/40 low", "token-in-body #base64/2/7 high"}},
		{"cut", "application/protobuf", list[:len(list)-3], []string{token}},
		{"cut in a message", "application/protobuf", slices.Concat(wire(2, slices.Concat(user, wire(9, []byte("cut here")))))[:len(user)+8], []string{token}},
		{"a document in it", "application/protobuf", wire(5, []byte(`{"password":"hunter2Xk9"}`)), []string{"password-plain /5#json/password critical"}},
		{"trailers", "application/grpc-web", framed(0x80, []byte("grpc-status: 0\r\nx-password: hunter2Xk9\r\n")), []string{"password-plain /*/x-password critical"}},
		{"text under the type", "application/grpc", []byte("password=hunter2Xk9"), []string{"password-plain /* critical"}},
		{"text under the other type", "application/protobuf", []byte("password=hunter2Xk9"), []string{"password-plain  critical"}},
		{"a high number", "application/protobuf", wire(123456, []byte(jwt)), []string{"token-in-body /123456 high"}},
	} {
		got := rulesAt(c, answer(tt.contentType, string(tt.body)))
		got = slices.DeleteFunc(got, func(s string) bool { return s == "a span beside a pointer" })
		if tt.name == "cut" && len(got) > 1 { // the rest of an address is one, too
			got = got[1:]
		}
		slices.Sort(tt.want)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestLengthIsNoLetter finds a token behind a length that is a letter of ASCII.
func TestLengthIsNoLetter(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	for size := len("ada@shop.example"); size < 0x7F; size++ {
		text := strings.Repeat("a", size-len("da@shop.example")) + "da@shop.example"
		for number := uint64(1); number < 16; number++ {
			body := slices.Concat(wire(number, []byte(text)), numbers(), wire(1, wire(number, []byte(text))))
			count := 0
			c.Classify(answer("application/protobuf", string(body)), time.Unix(1780272000, 0), func(f *classify.Finding) {
				if f.Evidence.Length == size {
					count += f.Count
				}
			})
			if count < 2 && size < 64 { // the local part is no longer (RFC 5321, section 4.5.3.1.1)
				t.Fatalf("an address of %d bytes in field %d: %d found", size, number, count)
			}
		}
	}
}

// TestMessagesInMessages opens a bounded number and counts the rest.
func TestMessagesInMessages(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	body := wire(1, []byte(jwt))
	for range 40 {
		body = wire(1, body)
	}
	found := 0
	in := c.Classify(answer("application/protobuf", string(body)), time.Unix(1780272000, 0), func(*classify.Finding) { found++ })
	if found == 0 || in.LayerLimit == 0 {
		t.Errorf("%d findings, %d bytes over the limit", found, in.LayerLimit)
	}
	in = c.Classify(answer("application/grpc", string(framed(1, []byte("an unknown coding")))), time.Unix(1780272000, 0), func(*classify.Finding) {})
	if in.LayerLimit != int64(len("an unknown coding")) {
		t.Errorf("%d bytes of an unknown coding are counted", in.LayerLimit)
	}
}

func FuzzProtobuf(f *testing.F) {
	f.Add([]byte("ada"), uint64(1), numbers())
	f.Add(bytes.Repeat([]byte("x"), 0x41), uint64(9), wire(3, wire(4, []byte("y"))))
	f.Add([]byte("7A0 .0000"), uint64(10), []byte("7A00.00 0"))
	c := builtinEngine(f).NewClassifier()
	f.Fuzz(func(t *testing.T, before []byte, number uint64, rest []byte) {
		number = number%(1<<29-1) + 1
		body := slices.Concat(wire(1, before), wire(number, []byte(jwt)), rest)
		mustFind(t, c, "application/protobuf", body)
		mustFind(t, c, "application/grpc", framed(0, body))
	})
}

// mustFind fails unless the token is found in a body.
func mustFind(t *testing.T, c *classify.Classifier, contentType string, body []byte) {
	t.Helper()
	found, full := false, 0
	in := c.Classify(answer(contentType, string(body)), time.Unix(1780272000, 0), func(f *classify.Finding) {
		found = found || f.Token != nil && f.Token.Kind == "jwt"
		full++
	})
	if !found && in.DroppedFindings == 0 && in.DroppedCandidates == 0 {
		t.Errorf("no token is found in %q as %s, but %d others", body, contentType, full)
	}
}
