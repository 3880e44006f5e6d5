package ingest

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// parseTime reads RFC 3339 with its common deviations (a space for the T, a
// comma before the fraction, no zone meaning UTC, a zone without colon), or
// digits: seconds, milli-, micro- or nanoseconds since 1970, told apart by
// their size. Numbers before September 2001 are taken for durations. It does
// not allocate.
func parseTime(b []byte) (t time.Time, ok bool) {
	if len(b) < 10 || len(b) > 36 || b[0] < '0' || b[0] > '9' {
		return t, false
	}
	if b[4] != '-' {
		return parseUnix(b)
	}
	var buf [40]byte
	text := append(buf[:0], b...)
	if len(text) < len("2006-01-02T15:04:05") {
		return t, false
	}
	text[10] = 'T'
	if i := bytes.IndexByte(text, ','); i > 0 {
		text[i] = '.'
	}
	text = completeZone(text)
	if err := t.UnmarshalText(text); err != nil {
		return time.Time{}, false
	}
	return t.UTC(), true
}

// parseAnyTime reads what parseTime or parseCommonTime does; zero for nothing.
func parseAnyTime(b []byte) time.Time {
	t, ok := parseTime(b)
	if !ok {
		t, _ = parseCommonTime(bytes.Trim(b, "[]"))
	}
	return t
}

// completeZone gives text a zone as RFC 3339 wants it.
func completeZone(text []byte) []byte {
	n := len(text)
	sign := bytes.LastIndexAny(text, "+-")
	switch {
	case text[n-1] == 'Z':
		return text
	case sign < 19:
		return append(text, 'Z')
	case n-sign == len("+0000"):
		text = append(text, text[n-1])
		text[n-2], text[n-1] = ':', text[n-2]
		return text
	}
	return text
}

// parseUnix reads a number of seconds or of a decimal part of them.
func parseUnix(b []byte) (t time.Time, ok bool) {
	whole, frac, _ := bytes.Cut(b, []byte("."))
	n, ok := parseInt(whole)
	if !ok {
		return t, false
	}
	switch {
	case n < 1e9:
		return t, false
	case n < 1e11:
		return time.Unix(n, fraction(frac)).UTC(), true
	case n < 1e14:
		return time.UnixMilli(n).UTC(), true
	case n < 1e17:
		return time.UnixMicro(n).UTC(), true
	}
	return time.Unix(0, n).UTC(), true
}

// fraction returns the nanoseconds of the digits behind a decimal point.
func fraction(digits []byte) (nanos int64) {
	unit := int64(time.Second)
	for _, c := range digits {
		unit /= 10
		if c < '0' || c > '9' || unit == 0 {
			break
		}
		nanos += int64(c-'0') * unit
	}
	return nanos
}

// parseInt reads a number without sign.
func parseInt(b []byte) (n int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' || n > math.MaxInt64/10-10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(b) > 0
}

// parseCommonTime reads the Common Log Format's 02/Jan/2006:15:04:05 -0700. It
// does not allocate, which time.Parse does.
func parseCommonTime(b []byte) (t time.Time, ok bool) {
	if len(b) != len("02/Jan/2006:15:04:05 -0700") {
		return t, false
	}
	month := bytes.Index([]byte("JanFebMarAprMayJunJulAugSepOctNovDec"), b[3:6])
	var n [6]int // day, year, hour, minute, second, zone
	for i, field := range [6][]byte{b[0:2], b[7:11], b[12:14], b[15:17], b[18:20], b[22:26]} {
		value, err := strconv.Atoi(string(field))
		if err != nil {
			return t, false
		}
		n[i] = value
	}
	if month < 0 || month%3 != 0 {
		return t, false
	}
	zone := time.Duration(n[5]/100)*time.Hour + time.Duration(n[5]%100)*time.Minute
	if b[21] == '-' {
		zone = -zone
	}
	t = time.Date(n[1], time.Month(month/3+1), n[0], n[2], n[3], n[4], 0, time.UTC)
	return t.Add(-zone), true
}
