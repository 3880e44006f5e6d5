package classify

import (
	"net/netip"
	"time"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

// Exchange is one HTTP request with its response, or the part of it that was
// seen, or a record that is no HTTP at all (then only Record is set).
//
// All byte slices belong to whoever made the exchange and are valid only until
// the function that received it returns: copy what has to stay.
type Exchange struct {
	Source Source
	// Time is when the exchange happened by the clock of its source; zero if
	// the source does not say.
	Time time.Time
	// Client and Server are the two ends of the connection; zero if unknown.
	Client, Server netip.AddrPort
	// Service is the name the source gives to the answering side (a Kubernetes
	// service, an APISIX service id …); empty if it gives none.
	Service string
	// Scheme is "http", "https" or empty when unknown.
	Scheme string
	// Method is the request method as sent; empty when no request was seen.
	Method []byte
	// Host is the Host header or :authority, port included.
	Host []byte
	// Target is the request target as sent: path and query, or an absolute URL.
	Target []byte
	// Status is the response's status code, 0 when no response was seen.
	Status int
	// Persisted is true when what the exchange holds was written down where
	// people and systems read it (a log line, a Kafka topic), and false for
	// traffic that was only observed (packets, HAR, a recording).
	Persisted bool
	Request   Message
	Response  Message
	// Record holds the undecoded record (a log line, a Kafka value): all of it,
	// or nil when Request and Response hold everything there is.
	Record []byte
	// Mapped lists the parts of Record, ascending and disjoint, that stand
	// decoded in the other fields, so that they are not scanned twice.
	Mapped []Span
}

// Message is one side of an exchange.
type Message struct {
	Headers []Header
	// Body is free of transfer and content codings as far as they are known.
	Body []byte
	// Escaped says that Body is the inside of a JSON string with its escapes still
	// in it: a body in which there is nothing to find needs no unescaping.
	Escaped bool
	// Truncated says that Body is not all that was sent: a size limit, a gap in
	// the capture, a log that cuts bodies.
	Truncated bool
	// Reason names what is odd about Body, in the words of its source: why it is
	// truncated, above all. It is empty if nothing is, or the source does not say.
	Reason string
}

// Header is one header field as sent; names are compared without case.
type Header struct{ Name, Value []byte }

// Is says whether the header has that lower-case name.
func (h *Header) Is(lower string) bool { return equalFold(h.Name, lower) }

// Span is the half-open byte range [Start,End).
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// SourceKind says what an exchange was read from.
type SourceKind string

// The kinds of sources.
const (
	SourceFile      SourceKind = "file"
	SourceStdin     SourceKind = "stdin"
	SourceKafka     SourceKind = "kafka"
	SourceInterface SourceKind = "interface"
	SourcePcap      SourceKind = "pcap"
	SourceHAR       SourceKind = "har"
)

// Source says where exactly an exchange was read.
type Source struct {
	Kind SourceKind
	// Name is the file's path, the topic or the interface.
	Name string
	// Line counts from 1 (files and standard input); Lines is how many lines
	// were joined into the record, 0 meaning one.
	Line, Lines int64
	// Partition and Offset are a Kafka record's coordinates; Index counts the
	// exchanges inside one record or document from 0.
	Partition int32
	Offset    int64
	Index     int
	// Frame is the number of the captured packet that completed the exchange,
	// counted from 1.
	Frame int64
}

// Reset empties x for the next record and keeps the capacity of its slices.
func (x *Exchange) Reset() {
	*x = Exchange{
		Mapped:   x.Mapped[:0],
		Request:  Message{Headers: x.Request.Headers[:0]},
		Response: Message{Headers: x.Response.Headers[:0]},
	}
}

// Header returns the value of the first header with that lower-case name, or
// nil.
func (m *Message) Header(lower string) []byte {
	for i := range m.Headers {
		if m.Headers[i].Is(lower) {
			return m.Headers[i].Value
		}
	}
	return nil
}

// Text returns the body without escapes.
func (m *Message) Text() []byte {
	if !m.Escaped {
		return m.Body
	}
	return jsonscan.AppendUnescaped(nil, m.Body)
}

// equalFold compares ASCII without case; lower has to be lower-case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		if lowerASCII[b[i]] != lower[i] {
			return false
		}
	}
	return true
}

// lowerASCII maps A-Z to a-z and every other byte to itself.
var lowerASCII = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return t
}()
