package ingest

import "bytes"

// haproxyDecoder decodes the HTTP log of HAProxy
// (https://docs.haproxy.org/3.2/configuration.html#8.2.3): CLIENT:PORT [TIME]
// FRONTEND BACKEND/SERVER TIMERS STATUS BYTES … {CAPTURED} "METHOD URI VERSION",
// mostly inside syslog.
type haproxyDecoder struct {
	json *jsonDecoder
	columns
}

func newHAProxyDecoder(names *nameTable) *haproxyDecoder {
	return &haproxyDecoder{json: newJSONDecoder(names)}
}

func (*haproxyDecoder) formats() []string { return []string{"haproxy"} }

func (h *haproxyDecoder) decode(d *decoding, record []byte) (format string) {
	open := bytes.Index(record[:min(len(record), 64)], []byte(" ["))
	if open < 0 {
		return ""
	}
	if _, ok := parseAddr(record[:open]); !ok || bytes.IndexByte(record[:open], ':') < 0 {
		return ""
	}
	h.begin(h.json, record)
	client, _ := h.next()
	stamp, _ := h.next()
	// 06/Feb/2009:12:14:14.655 has no zone: it is taken for UTC.
	raw := h.text(stamp)
	if len(raw) != len("06/Feb/2009:12:14:14.655") || raw[2] != '/' || raw[20] != '.' {
		return ""
	}
	h.set(roleClient, client)
	for _, r := range [...]role{roleServiceID, roleService, roleNone, roleStatus, roleNone} {
		t, ok := h.next()
		if !ok {
			return ""
		}
		if r == roleService { // BACKEND/SERVER
			if slash := bytes.IndexByte(h.text(t), '/'); slash > 0 {
				t.End = t.Start + slash
			}
		}
		if r != roleNone {
			h.set(r, t)
		}
	}
	if quote := bytes.IndexByte(record[h.pos:], '"'); quote >= 0 {
		h.pos += quote
		if line, ok := h.next(); ok {
			h.set(roleLine, line)
		}
	}
	at, ok := parseCommonTime(h.json.arena.join(raw[:20], []byte(" +0000")))
	if ok {
		d.x.Time = at
	}
	return h.give(d, "haproxy", "client:port [time] frontend backend/server timers status")
}
