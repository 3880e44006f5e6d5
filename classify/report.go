package classify

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
)

// pendingMatch is a match of the value that is being looked at.
type pendingMatch struct {
	rule *ruleEntry
	m    Match
	text []byte
	kind ValueKind
}

// report keeps a match until the value is done. Of exclusive rules the one that
// stands first keeps overlapping bytes.
func (c *Classifier) report(cand *Candidate, m Match) {
	if c.trial.on {
		c.trial.heard = true
		return
	}
	if cand.rule.rule.Once {
		c.misses[cand.rule.order]-- // it was no miss
	}
	if m.Hi < m.Lo || m.Hi > len(cand.Text) {
		m.Lo, m.Hi, m.Public = cand.Lo, cand.Hi, 0
	}
	if c.members.holds(cand.Text, m.Lo, m.Hi) { // it was looked at under its name
		return
	}
	p := pendingMatch{cand.rule, m, cand.Text, cand.Kind}
	if cand.rule.rule.Exclusive {
		for i := range c.pending {
			o := &c.pending[i]
			if !o.rule.rule.Exclusive || o.m.Hi <= m.Lo || m.Hi <= o.m.Lo {
				continue
			}
			if o.rule.order > p.rule.order {
				*o = p
			}
			return
		}
	}
	if len(c.pending) >= c.e.limits.Findings {
		c.out.DroppedFindings++
		return
	}
	c.pending = append(c.pending, p)
}

// settle turns the matches of the value into findings; it says whether there
// were any.
func (c *Classifier) settle() bool {
	if len(c.pending) == 0 {
		return false
	}
	at, example := pointer(c.frames), inSchemaExample(c.frames)
	for i := range c.pending {
		if !example || !c.pending[i].rule.rule.Exclusive {
			c.add(&c.pending[i], at)
		}
	}
	clear(c.pending)
	c.pending = c.pending[:0]
	return true
}

// add makes a match a finding, or counts it with the one it repeats; nil if it is dropped.
func (c *Classifier) add(p *pendingMatch, at string) *Finding {
	where := c.where
	if p.m.Where != 0 {
		where, at = p.m.Where, p.m.Pointer
	}
	count := max(1, p.m.Count)
	if p.m.Show == "" {
		c.note(where, p.rule.rule.Category, p.text[p.m.Lo:p.m.Hi])
	}
	for _, f := range c.view.Findings {
		if c.walk.rescanning && f.Rule == p.rule.rule && f.Evidence.Digest == c.digest(p.text[p.m.Lo:p.m.Hi]) {
			return f
		}
		if f.Rule != p.rule.rule || f.Where != where || f.Pointer != at {
			continue
		}
		f.Count += count
		if p.m.Severity > f.Severity { // the worst of them stands for all
			f.Severity, f.Token = p.m.Severity, p.m.Token
			f.Evidence = c.evidence(p, at)
		}
		return f
	}
	if len(c.view.Findings) >= c.e.limits.Findings {
		c.out.DroppedFindings += int64(count)
		return nil
	}
	f := &Finding{
		Rule: p.rule.rule, Where: where, Pointer: at, Count: count, Token: p.m.Token,
		Severity: p.m.Severity, Confidence: p.m.Confidence, Evidence: c.evidence(p, at),
	}
	if f.Severity == 0 {
		f.Severity = p.rule.rule.Severity
	}
	if f.Confidence == 0 {
		f.Confidence = MediumConfidence
	}
	c.view.Findings = append(c.view.Findings, f)
	return f
}

// note remembers a value that was reported, for the rest of the exchange and for those who
// look at many.
func (c *Classifier) note(where Where, category Category, value []byte) {
	if c.e.observe && observes(where, category) {
		c.seen.value(value)
	}
	c.secrets.add(value, category)
}

// evidence redacts a match.
func (c *Classifier) evidence(p *pendingMatch, at string) Evidence {
	if p.m.Show != "" {
		return Evidence{Redacted: p.m.Show}
	}
	secret := p.text[p.m.Lo:p.m.Hi]
	e := Evidence{
		Redacted: redact(secret, p.m.Public), Length: len(secret),
		Digest: c.digest(secret), Key: c.e.keyID,
	}
	if at == "" && p.kind == Text && !c.walk.recoded {
		e.Span = &Span{p.m.Lo, p.m.Hi}
	}
	return e
}

// maxPublic bounds what a redacted form may show of a secret.
const maxPublic = 24

// hidden stands in the place of what is not shown.
const hidden = "•••"

// redact keeps the public prefix of a format and nothing else; less than half
// of the secret, whatever the detector says.
func redact(secret []byte, public int) string {
	public = min(public, maxPublic, len(secret)/2)
	for i := range public {
		if secret[i] < ' ' || secret[i] > '~' {
			public = i
			break
		}
	}
	return string(secret[:max(0, public)]) + hidden
}

// digestBytes is how much of the HMAC is kept: 128 bits.
const digestBytes = 16

// digest returns the HMAC-SHA256 of a value under the installation's key, cut
// to 128 bits, in hex.
func (c *Classifier) digest(value []byte) string {
	c.mac.Reset()
	c.mac.Write(value)
	var sum [sha256.Size]byte
	return hex.EncodeToString(c.mac.Sum(sum[:0])[:digestBytes])
}

// finish ties a finding to its exchange.
func (c *Classifier) finish(f *Finding) {
	x := c.x
	f.Time, f.Source = x.Time, x.Source
	f.HTTP = c.http(x)
	f.Pointer = c.scrub(f.Pointer, "/", "*")
	c.scrubToken(f.Token)
	f.Principal = c.principal(x)
	place := ""
	if x.Persisted { // where it was written down is part of what is exposed
		place = string(x.Source.Kind) + ":" + x.Source.Name
	}
	f.Fingerprint = sum("", 16, f.Rule.ID, f.HTTP.service(), f.HTTP.Method, f.HTTP.Route, place, f.Where.String(), f.Pointer)
	f.ID = sum("lt-", 10, f.Fingerprint, string(x.Source.Kind), x.Source.Name, string(c.coordinates(x)))
}

// http names the exchange by names that were cleaned.
func (c *Classifier) http(x *Exchange) HTTP {
	return HTTP{
		Method: cleanMethod(x.Method), Host: c.scrub(c.host(x.Host), ".", "*"), Route: c.scrub(c.view.route, "/", "{id}"),
		Status: x.Status, Service: c.scrub(c.host([]byte(x.Service)), ".", "*"),
	}
}

// host is cleanHost; services have few names.
func (c *Classifier) host(name []byte) string {
	if len(name) == 0 {
		return ""
	}
	return remember(c.seen.hosts, name, func() string { return cleanHost(name) })
}

// service names who answered, the host where nothing else does.
func (h *HTTP) service() string {
	if h.Service != "" {
		return h.Service
	}
	return h.Host
}

// coordinates are what tells a record from all others of its source.
func (c *Classifier) coordinates(x *Exchange) []byte {
	b := binary.AppendVarint(nil, x.Source.Line)
	b = binary.AppendVarint(b, int64(x.Source.Partition))
	b = binary.AppendVarint(b, x.Source.Offset)
	b = binary.AppendVarint(b, int64(x.Source.Index))
	b = binary.AppendVarint(b, x.Source.Frame)
	if x.Source.Kind == SourceInterface { // frames of an interface have no origin
		b = binary.AppendVarint(b, x.Time.UnixNano())
		b = append(b, c.digest([]byte(x.Client.String()))...) // an address could be guessed from a plain hash
		b = append(b, c.digest([]byte(x.Server.String()))...)
	}
	return b
}

// sum hashes names and coordinates, no secrets, to n bytes of hex.
func sum(prefix string, n int, parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return prefix + hex.EncodeToString(h[:n])
}

// principal is the keyed digest of who is on the other side: the bearer token
// or API key, else the cookies, else the client's address.
func (c *Classifier) principal(x *Exchange) string {
	for _, name := range credentialHeaders {
		if v := x.Request.Header(name); len(v) > 0 {
			return "p-" + c.digest(v)
		}
	}
	if x.Client.Addr() != (netip.Addr{}) {
		return "p-" + c.digest([]byte(x.Client.Addr().String()))
	}
	return ""
}
