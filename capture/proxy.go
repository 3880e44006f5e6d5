package capture

import (
	"bytes"
	"encoding/binary"
)

const (
	// proxySignature begins version 2 of the PROXY protocol, proxyLine version 1,
	// which is no longer than maxProxyLine
	// (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, sections 2.1
	// and 2.2).
	proxySignature = "\r\n\r\n\x00\r\nQUIT\n"
	proxyLine      = "PROXY "
	maxProxyLine   = 107
)

// proxyHeader returns the length of the header that proxies may send before
// anything else, in one piece; 0 if data does not begin with one.
func proxyHeader(data []byte) int {
	const head = len(proxySignature) + 4
	switch {
	case bytes.HasPrefix(data, []byte(proxyLine)):
		end := bytes.Index(data[:min(len(data), maxProxyLine)], []byte("\r\n"))
		if end > 0 && !bytes.Contains(data[:end], []byte("HTTP/1.")) { // there is a method of any name
			return end + len("\r\n")
		}
	case len(data) >= head && bytes.HasPrefix(data, []byte(proxySignature)) && data[12]>>4 == 2:
		if n := head + int(binary.BigEndian.Uint16(data[14:])); n <= len(data) {
			return n
		}
	}
	return 0
}
