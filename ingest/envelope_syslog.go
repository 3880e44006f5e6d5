package ingest

import (
	"bytes"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// syslog reads a message of RFC 5424 or RFC 3164 that begins with its priority.
// Only a message that is a record of a format is taken out; a text is scanned with
// what stands before it, since the two may belong together. What stands before is
// scanned in either case: structured data can hold anything.
func (d *decoding) syslog(record []byte) (e envelope, ok bool) {
	end := bytes.IndexByte(record[:min(len(record), len("<191>"))], '>')
	if end < 2 {
		return e, false
	}
	if n, ok := parseInt(record[1:end]); !ok || n > 191 { // RFC 5424, section 6.2.1
		return e, false
	}
	rest := record[end+1:]
	if bytes.HasPrefix(rest, []byte("1 ")) {
		return d.syslog5424(record, rest[2:])
	}
	return d.syslog3164(record, rest)
}

// localSyslog reads RFC 3164 as syslog daemons write it to files, without
// priority.
func (d *decoding) localSyslog(record []byte) (e envelope, ok bool) {
	return d.syslog3164(record, record)
}

// syslog5424 reads "TIMESTAMP HOSTNAME APP-NAME PROCID MSGID SD [BOM]MSG" (RFC
// 5424, section 6).
func (d *decoding) syslog5424(record, rest []byte) (e envelope, ok bool) {
	var fields [5][]byte
	for i := range fields {
		if fields[i], rest, ok = bytes.Cut(rest, []byte(" ")); !ok {
			return e, false
		}
	}
	e.at, _ = parseTime(fields[0])
	if e.at.IsZero() && string(fields[0]) != "-" {
		return e, false
	}
	for len(rest) > 0 && rest[0] == '[' {
		if rest, ok = behindElement(rest); !ok {
			return e, false
		}
	}
	rest = bytes.TrimPrefix(bytes.TrimPrefix(rest, []byte("-")), []byte(" "))
	return d.syslogEnvelope(record, bytes.TrimPrefix(rest, []byte("\ufeff")), fields[2], e.at), true
}

// behindElement returns what follows the first element of structured data, in
// whose values ", \ and ] are escaped (RFC 5424, section 6.3.3).
func behindElement(b []byte) (rest []byte, ok bool) {
	quoted := false
	for i := 1; i < len(b); i++ {
		switch {
		case b[i] == '\\' && quoted:
			i++
		case b[i] == '"':
			quoted = !quoted
		case b[i] == ']' && !quoted:
			return b[i+1:], true
		}
	}
	return nil, false
}

// syslog3164 reads "Mmm dd hh:mm:ss HOSTNAME TAG[PID]: CONTENT" (RFC 3164,
// section 4.1). The time has neither year nor zone, so it is not taken.
func (d *decoding) syslog3164(record, rest []byte) (e envelope, ok bool) {
	const stamp = "Jan  2 15:04:05"
	if len(rest) < len(stamp)+4 || rest[3] != ' ' || rest[6] != ' ' || rest[9] != ':' || rest[12] != ':' || rest[15] != ' ' ||
		month(rest[:3]) == 0 {
		return e, false
	}
	_, rest, ok = bytes.Cut(rest[len(stamp)+1:], []byte(" ")) // the host
	tag, content, found := bytes.Cut(rest, []byte(": "))
	if !ok || !found || len(tag) > 64 || bytes.IndexByte(tag, ' ') >= 0 {
		return e, false
	}
	if i := bytes.IndexByte(tag, '['); i > 0 {
		tag = tag[:i]
	}
	content = bytes.TrimPrefix(content, []byte("@cee: ")) // https://cee.mitre.org/language/1.0-beta1/clt.html
	return d.syslogEnvelope(record, content, tag, time.Time{}), true
}

func (d *decoding) syslogEnvelope(record, inner, app []byte, at time.Time) envelope {
	e := envelope{
		kind: envelopeSyslog, inner: inner, span: classify.Span{Start: len(record) - len(inner), End: len(record)},
		at: at, want: wantShape, rest: true,
	}
	if string(app) != "-" && len(app) <= 48 { // RFC 5424, section 6.2.5
		e.service = d.level().names.intern(app)
	}
	return e
}

// month returns the number of an English month's short name, 0 if it is none.
func month(b []byte) time.Month {
	if i := bytes.Index([]byte("JanFebMarAprMayJunJulAugSepOctNovDec"), b); i >= 0 && i%3 == 0 && len(b) == 3 {
		return time.Month(i/3 + 1)
	}
	return 0
}
