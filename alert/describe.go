package alert

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leaktap/leaktap/classify"
)

// Description is an exposure in words, clean and ready to show to a person; what
// is not known is empty.
type Description struct {
	Endpoint string // service, method, route, status
	Part     string // part of the exchange and pointer
	First    string // where the first finding was read
	Newest   string // where the newest finding was read
	Shape    string // redacted evidence and length
	Token    string
	Verdict  string
	Seen     string // how many times, by how many principals
	Since    string // since when, by the clock of the source
}

// Describe puts x into words.
func Describe(x *Exposure) Description {
	f := x.Sample
	return Description{
		Endpoint: endpoint(f), Part: part(f),
		First: Place(x.First), Newest: Place(f.Source),
		Shape: shape(f), Token: token(f.Token), Verdict: verdict(f.Policy),
		Seen: howMany(x), Since: sinceWhen(x),
	}
}

// endpoint is what answered: service, method, route, status.
func endpoint(f *classify.Finding) string {
	h := f.HTTP
	words := nonEmpty(h.Service, h.Method, h.Route)
	if h.Service == "" {
		words = nonEmpty(h.Method, h.Host+h.Route)
	}
	if h.Status != 0 {
		words = append(words, fmt.Sprintf("(%d)", h.Status))
	}
	return Clean(strings.Join(words, " "))
}

// part is the part of the exchange and the pointer in it.
func part(f *classify.Finding) string {
	return Clean(strings.Join(nonEmpty(f.Where.String(), f.Pointer), " "))
}

// shape is the redacted evidence and its length.
func shape(f *classify.Finding) string {
	text := Clean(f.Evidence.Redacted)
	if f.Evidence.Length > 0 {
		text += fmt.Sprintf(" (%d bytes)", f.Evidence.Length)
	}
	return text
}

// token is what may be known of a token, the most useful first.
func token(t *classify.Token) string {
	if t == nil {
		return ""
	}
	var life string
	switch {
	case t.Live != nil && *t.Live:
		life = "STILL VALID"
	case t.Live != nil:
		life = "expired"
	}
	if t.Expires != nil {
		life = strings.TrimSpace(life + " (expires " + stamp(*t.Expires) + ")")
	}
	words := nonEmpty(strings.Join(nonEmpty(t.Kind, t.Alg), " "), life)
	if t.Issuer != "" {
		words = append(words, "issuer "+t.Issuer)
	}
	if len(t.Scope) > 0 {
		words = append(words, "scope "+strings.Join(t.Scope, " "))
	}
	return Clean(strings.Join(words, ", "))
}

func verdict(v *classify.Verdict) string {
	if v == nil {
		return ""
	}
	return Clean(v.Verdict + " by " + v.By)
}

// howMany counts places, findings and recipients.
func howMany(x *Exposure) string {
	text := Plural(x.Count, "time")
	if x.Findings != x.Count {
		text += " in " + Plural(x.Findings, "finding")
	}
	switch {
	case x.MorePrincipals:
		text += fmt.Sprintf(", by %d or more principals", x.Principals)
	case x.Principals > 0:
		text += ", by " + Plural(int64(x.Principals), "principal")
	}
	return text
}

// Plural writes a number and what it counts.
func Plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sinceWhen is the time from the first to the newest finding, if their source has
// a clock.
func sinceWhen(x *Exposure) string {
	if x.Sample.Time.IsZero() {
		return ""
	}
	text := stamp(x.FirstSeen)
	if last := stamp(x.LastSeen); last != text {
		text += " until " + last
	}
	return text
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

func nonEmpty(words ...string) []string {
	kept := make([]string, 0, len(words)+1)
	for _, w := range words {
		if w != "" {
			kept = append(kept, w)
		}
	}
	return kept
}

// Wrap breaks text into lines of at most width characters, between words; a word
// that is longer has a line of its own.
func Wrap(text string, width int) (lines []string) {
	var line strings.Builder
	used := 0
	for word := range strings.FieldsSeq(text) {
		size := utf8.RuneCountInString(word)
		if used > 0 && used+1+size > width {
			lines = append(lines, line.String())
			line.Reset()
			used = 0
		}
		if used > 0 {
			line.WriteByte(' ')
			used++
		}
		line.WriteString(word)
		used += size
	}
	if used > 0 {
		lines = append(lines, line.String())
	}
	return lines
}
