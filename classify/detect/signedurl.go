package detect

import (
	"bytes"
	"strconv"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// signedSyntax is how a vendor signs a URL: the parameter that holds the
// signature, a second one that tells it from parameters of the same name, and
// those that say until when it works.
type signedSyntax struct {
	signature, beside string
	// ends is the parameter of an end; starts and lasts are those of a start
	// and of the seconds that it works from then on.
	ends, starts, lasts string
}

// signedSyntaxes lists them. Sources: AWS Signature Version 4 (query string) and
// Version 2; Google Cloud Storage V4 signed URLs; Azure Storage service and
// account SAS, and the tokens of Service Bus; CloudFront canned and custom policies; Alibaba OSS.
var signedSyntaxes = []signedSyntax{
	{signature: "X-Amz-Signature=", beside: "X-Amz-Credential=", starts: "X-Amz-Date=", lasts: "X-Amz-Expires="},
	{signature: "X-Goog-Signature=", beside: "X-Goog-Credential=", starts: "X-Goog-Date=", lasts: "X-Goog-Expires="},
	{signature: "Signature=", beside: "AWSAccessKeyId=", ends: "Expires="},
	{signature: "Signature=", beside: "GoogleAccessId=", ends: "Expires="},
	{signature: "Signature=", beside: "OSSAccessKeyId=", ends: "Expires="},
	{signature: "Signature=", beside: "Key-Pair-Id=", ends: "Expires="},
	{signature: "sig=", beside: "se=", ends: "se="},
}

func signedURL() classify.Detector {
	return &detector{classify.Rule{
		ID: "signed-url", Category: classify.CategoryToken, Severity: classify.Low, Exclusive: true,
		Title: "A signed URL is exposed",
		Why:   "Until it ends, whoever has the URL can read or write the object without an account; in a log that is everybody who reads it.",
		Fix:   "Keep the query string out of logs and Referer headers, sign for minutes, and hand the URL only to the user it is for.",
		FalsePositives: "A response that gives a short-lived URL to its caller is usually meant: it is reported low, and an expired one as " +
			"information.",
		CWE: []string{"CWE-598", "CWE-532"}, OWASP: []string{"API2:2023"},
		On: classify.Trigger{
			Anchors: []string{"X-Amz-Signature=", "X-Goog-Signature=", "Signature=", "sig="}, Fields: []string{"url-signature"},
		},
	}, func(c *classify.Candidate) {
		text, lo, hi := c.Text, c.Hi, signatureEnd(c.Text, c.Hi)
		if c.Anchor == "" { // a parameter of the request's own URL, taken apart
			if c.Where != classify.InURL {
				return
			}
			text, lo, hi = c.X.Target, c.Lo, c.Hi
		}
		if hi-lo < minSignature || isNoSecret(c.Text[lo:hi]) {
			return
		}
		url := queryAround(text, min(lo, len(text)))
		s := signedBy(url, c.Anchor)
		if s == nil {
			return
		}
		m := classify.Match{Lo: lo, Hi: hi, Confidence: classify.HighConfidence, Token: &classify.Token{Kind: "signed-url"}}
		if end := s.end(url); !end.IsZero() {
			live := end.After(c.View.AsOf)
			m.Token.Expires, m.Token.Live = &end, &live
		}
		m.Severity = liveness(m.Token, classify.Medium, classify.Medium, classify.Info)
		if !c.X.Persisted {
			m.Severity = liveness(m.Token, classify.Low, classify.Low, classify.Info)
		}
		c.Report(m)
	}}
}

const (
	// minSignature is the length of the shortest signature, padding left out: 20
	// bytes in base64.
	minSignature = 27
	// maxQuery bounds how far around the signature its URL is looked for.
	maxQuery = 1536
)

// queryAround returns what stands around an offset up to the ends of the URL.
func queryAround(text []byte, at int) []byte {
	lo, hi := at, at
	for lo > 0 && at-lo < maxQuery && !isURLEnd(text[lo-1]) {
		lo--
	}
	for hi < len(text) && hi-at < maxQuery && !isURLEnd(text[hi]) {
		hi++
	}
	return text[lo:hi]
}

func isURLEnd(b byte) bool {
	return b <= ' ' || b == '"' || b == '\'' || b == '<' || b == '>' || b == '`' || b == '|'
}

// signedBy returns the syntax in which a URL is signed, nil if in none. Anchor is
// the signature's parameter, "" if any will do.
func signedBy(url []byte, anchor string) *signedSyntax {
	for i := range signedSyntaxes {
		s := &signedSyntaxes[i]
		if (anchor == "" || anchor == s.signature) && param(url, s.signature) != nil && param(url, s.beside) != nil {
			return s
		}
	}
	return nil
}

// param returns the value of a parameter of a URL; name ends in "=".
func param(url []byte, name string) []byte {
	for rest := url; ; {
		at := bytes.Index(rest, []byte(name))
		if at < 0 {
			return nil
		}
		starts := at == 0 || bytes.IndexByte([]byte("?&;"), rest[at-1]) >= 0
		if rest = rest[at+len(name):]; starts {
			value, _, _ := bytes.Cut(rest, []byte("&"))
			return value
		}
	}
}

// signatureEnd returns where the signature that starts at lo ends, padding left
// out: it is the same percent-encoded and plain.
func signatureEnd(text []byte, lo int) int {
	hi := lo
	for hi < len(text) && hi-lo < maxQuery && (isWordByte(text[hi]) || bytes.IndexByte([]byte("-.~+/%"), text[hi]) >= 0) {
		hi++
	}
	for bytes.HasSuffix(text[lo:hi], []byte("%3D")) {
		hi -= len("%3D")
	}
	return hi
}

// end returns until when the URL works, zero if it does not say.
func (s *signedSyntax) end(url []byte) time.Time {
	if s.ends != "" {
		value := bytes.ReplaceAll(param(url, s.ends), []byte("%3A"), []byte(":"))
		if t := numericDate(value); !t.IsZero() {
			return t
		}
		for _, layout := range []string{"2006-01-02T15:04:05Z", "2006-01-02T15:04Z", "2006-01-02"} {
			if t, err := time.Parse(layout, string(value)); err == nil {
				return t
			}
		}
		return time.Time{}
	}
	start, err := time.Parse("20060102T150405Z", string(param(url, s.starts)))
	seconds, numErr := strconv.ParseInt(string(param(url, s.lasts)), 10, 32)
	if err != nil || numErr != nil {
		return time.Time{}
	}
	return start.Add(time.Duration(seconds) * time.Second)
}
