package capture

// startsWithPreface makes the connection one of HTTP/2: its first line came.
func (p *parser) startsWithPreface() {
	c := newHTTP2(p.resources, p.pairs, p.side)
	m := p.msg
	p.msg = nil
	p.toHTTP2(c)
	c.client = p.side
	c.open(p.side, len(preface))
	c.feed(p.side, m.head, m.start)
	p.pool.put(m)
}

// startsWithFrames makes the connection one of HTTP/2, because a segment starts
// like one. At the start of a stream that is the server's side, for clients have
// a preface; elsewhere nobody knows.
func (p *parser) startsWithFrames() {
	atStart := p.state == inHead
	c := newHTTP2(p.resources, p.pairs, p.side)
	p.toHTTP2(c)
	if atStart {
		c.client = 1 - p.side
		c.open(p.side, 0)
	}
}

// upgradeToHTTP2 is called when a 101 response says that HTTP/2 begins behind
// it: the request becomes the first stream's (RFC 7540, section 3.2).
func (p *parser) upgradeToHTTP2() {
	c := newHTTP2(p.resources, p.pairs, 1-p.side)
	m := p.msg
	p.msg = nil
	if request := m.peer; request != nil {
		request.peer = nil
		if request.done {
			st := c.stream(1)
			st.messages[request.side], st.done[request.side] = request, true
		}
	}
	p.pool.put(m)
	p.toHTTP2(c)
	c.client = 1 - p.side
	c.open(p.side, 0)
}

// toHTTP2 leaves what comes to c.
func (p *parser) toHTTP2(c *http2) { p.state, p.http2, p.recognised = inHTTP2, c, true }

// joinHTTP2 is called when the other direction turned out to be HTTP/2. If this
// one is where a message could start, HTTP/2 starts here.
func (p *parser) joinHTTP2(c *http2) {
	fresh := p.state == inHead && p.msg == nil
	if p.msg != nil {
		p.close(false)
	}
	p.toHTTP2(c)
	switch {
	case !fresh:
	case c.client == p.side:
		c.open(p.side, len(preface))
	default:
		c.open(p.side, 0)
	}
}

// upgradeToWebSocket is called when a 101 response says that WebSocket begins
// behind it.
func (p *parser) upgradeToWebSocket() {
	w := newWebSocket(p.resources, p.pairs, p.msg)
	p.finish()
	p.toWebSocket(w, true)
}

// joinWebSocket is called when the other direction turned out to be WebSocket.
func (p *parser) joinWebSocket(w *webSocket) {
	fresh := p.state == inHead && p.msg == nil
	if p.msg != nil {
		p.close(false)
	}
	p.toWebSocket(w, fresh)
}

// toWebSocket leaves what comes to w; fresh says that frames begin with it.
func (p *parser) toWebSocket(w *webSocket, fresh bool) {
	p.state, p.socket = inWebSocket, w
	w.sides[p.side].lost = !fresh
}

// closeUpgraded says that both directions are over.
func (p *parser) closeUpgraded() {
	for side := range 2 {
		if p.http2 != nil {
			p.http2.close(side)
		}
		if p.socket != nil {
			p.socket.close(side)
		}
	}
}
