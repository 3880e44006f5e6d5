package capture

import (
	"bytes"
	"io"
)

// resources are what the parsers of all connections share.
type resources struct {
	limits Limits
	pool   messagePool
	cov    *coverage
	// unseen is how many connections are not looked at for each that is.
	unseen int
	// port counts for the flow at hand.
	port *portCoverage
	// fields are those of the header block of HTTP/2 that was read last.
	fields []headerField
	// source, inflater and inflated undo the compression of WebSocket.
	source             bytes.Reader
	inflater           io.Reader
	inflated, deflated []byte
}

// skip counts n bytes that will not be inspected.
func (r *resources) skip(why Reason, n int) {
	r.cov.skip(why, n)
	r.estimate(n)
	if r.port != nil {
		r.port.skipped[why].Add(int64(n))
	}
}

// inspect counts n bytes that were.
func (r *resources) inspect(n int) {
	r.cov.inspect(n)
	r.estimate(n)
	if r.port != nil {
		r.port.inspected.Add(int64(n))
	}
}

// lose counts n bytes that were sent but not captured.
func (r *resources) lose(n int) {
	r.cov.lose(n)
	r.estimate(n)
	if r.port != nil {
		r.port.skipped[Gap].Add(int64(n))
	}
}

// store keeps data as part of the body of m, as far as the limit allows.
func (r *resources) store(m *message, data []byte) {
	if room := r.limits.Body - m.body.size; m.cut == 0 && len(data) > room {
		r.skip(BodyLimit, len(data)-room)
		m.cut = BodyLimit
		m.truncate(BodyLimit)
		data = data[:room]
	} else if m.cut != 0 {
		r.skip(m.cut, len(data))
		return
	}
	m.body.add(&r.pool, data)
	r.pool.used += len(data)
}
