package capture

import (
	"bytes"
	"strconv"
)

// framing says how a body is delimited.
type framing uint8

const (
	noBody framing = iota
	sized
	chunked
	untilClose
	// broken means that the headers contradict each other about the body's end.
	broken
)

// framing says how the body of m ends, and its length when it is sized (RFC
// 9112, section 6.3). The request is taken into account when it is known.
func (m *message) framing() (kind framing, length int64) {
	if m.isResponse() && m.isBodiless() {
		return noBody, 0
	}
	transfers, lengths := m.fields("transfer-encoding"), m.fields("content-length")
	if len(transfers) > 0 {
		if len(lengths) > 0 || len(transfers) > 1 {
			m.odd = FramingConflict
		}
		return m.transferCoded(transfers[len(transfers)-1]), 0
	}
	switch {
	case len(lengths) > 0:
		return m.parseLengths(lengths)
	case m.isResponse():
		return untilClose, 0
	}
	return noBody, 0
}

// transferCoded says how a body with a Transfer-Encoding ends; last is the last
// of such fields. It counts more than a Content-Length does, but a server that
// thinks otherwise can be smuggled to (RFC 9112, section 6.1).
func (m *message) transferCoded(last []byte) framing {
	switch {
	case lastToken(last, "chunked"):
		return chunked
	case m.isResponse():
		return untilClose
	}
	return broken
}

// isBodiless reports whether the response m has no body whatever it says.
func (m *message) isBodiless() bool {
	switch {
	case m.status < 200, m.status == 204, m.status == 304:
		return true
	case m.peer == nil:
		return false
	}
	return string(m.peer.method) == "HEAD" || m.switches() != 0
}

// switches returns why the stream after m is not HTTP/1 any more, or 0 when it
// goes on.
func (m *message) switches() Reason {
	switch {
	case m.status == 101:
		upgrade := m.field("upgrade")
		if bytes.EqualFold(upgrade, []byte("websocket")) {
			return WebSocket
		}
		if bytes.EqualFold(upgrade, []byte("h2c")) {
			return HTTP2
		}
		return Tunnel
	case m.status/100 == 2 && m.peer != nil && string(m.peer.method) == "CONNECT":
		return Tunnel
	}
	return 0
}

// fields returns the values of all headers with that lower-case name.
func (m *message) fields(lower string) [][]byte {
	var values [][]byte
	for _, h := range m.headers {
		if bytes.EqualFold(h.Name, []byte(lower)) {
			values = append(values, h.Value)
		}
	}
	return values
}

// parseLengths accepts several Content-Length values. If they differ, what is
// sure is the shortest; what comes behind it may be the next message, or not.
func (m *message) parseLengths(values [][]byte) (kind framing, length int64) {
	length = -1
	for _, value := range values {
		for one := range bytes.SplitSeq(value, []byte(",")) {
			n, err := strconv.ParseUint(string(bytes.TrimSpace(one)), 10, 63)
			if err != nil {
				return broken, 0
			}
			if length >= 0 && length != int64(n) {
				m.odd = FramingConflict
				m.truncate(FramingConflict)
				length = min(length, int64(n))
				continue
			}
			length = int64(n)
		}
	}
	return sized, length
}

// lastToken reports whether the last element of a comma-separated list is
// token, without regard to case.
func lastToken(list []byte, token string) bool {
	if i := bytes.LastIndexByte(list, ','); i >= 0 {
		list = list[i+1:]
	}
	return bytes.EqualFold(bytes.TrimSpace(list), []byte(token))
}
