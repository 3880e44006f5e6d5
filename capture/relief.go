package capture

// relieve makes room when more is held than Limits.Buffered. Connections that
// carry no HTTP go first, if they hold anything. Then bodies are handed on as
// far as they have come, those of the connections longest unheard of first;
// what comes of them later is counted, and their connections go on.
func (t *table) relieve() {
	goal := t.limits.Buffered - t.limits.Buffered/8 // room for a while
	for e := t.other.Front(); e != nil && t.pool.used > goal; {
		f, _ := e.Value.(*flow)
		e = e.Next()
		if f.waits() {
			t.remove(f)
		}
	}
	for e := t.http.Front(); e != nil && t.pool.used > goal; e = e.Next() {
		if f, ok := e.Value.(*flow); ok {
			f.relieve()
		}
	}
	for t.pool.used > goal && len(t.flows) > 0 { // what they hold cannot be handed on
		t.removeOldest()
	}
}

// waits reports whether the flow holds segments or parts of messages.
func (f *flow) waits() bool {
	for i := range f.halves {
		h := &f.halves[i]
		if len(h.waiting) > 0 || h.parser.msg != nil {
			return true
		}
	}
	return false
}

// relieve hands on what the flow holds, and lets go of it.
func (f *flow) relieve() {
	f.table.port = f.counts
	for i := range f.halves {
		f.halves[i].giveUpWaiting()
		f.spread()
	}
	for i := range f.halves {
		p := &f.halves[i].parser
		switch m := p.msg; {
		case m == nil || p.state == inHead:
		case m.isResponse():
			f.table.handOn(f, m.peer, m)
		default:
			f.table.handOn(f, m, m.peer)
		}
	}
	for _, m := range f.unanswered {
		f.table.handOn(f, m, nil)
	}
	if c := f.halves[0].parser.http2; c != nil {
		c.relieve()
	}
	if w := f.halves[0].parser.socket; w != nil {
		w.relieve()
	}
}

// giveUpWaiting delivers what waits, gaps or not.
func (h *half) giveUpWaiting() {
	for len(h.waiting) > 0 {
		s := h.popFirst()
		if after(s.seq, h.next) {
			h.skipTo(s.seq)
		}
		h.deliver(&s)
	}
}

// handOn hands on an exchange before its end, and lets go of its bodies. It is
// not handed on again, but a request is, when it is answered.
func (t *table) handOn(f *flow, request, response *message) {
	held := 0
	for _, m := range []*message{request, response} {
		if m == nil {
			continue
		}
		held += m.body.size
		if !m.done {
			m.truncate(BufferLimit)
		}
	}
	if held == 0 {
		return
	}
	t.show(f, request, response)
	for _, m := range []*message{request, response} {
		if m != nil {
			t.letGo(m)
		}
	}
}

// letGo forgets the body of m, which was handed on.
func (t *table) letGo(m *message) {
	t.pool.used -= m.body.size
	m.body.clear(&t.pool)
	m.shown = true
	m.truncate(BufferLimit)
	if m.cut == 0 {
		m.cut = BufferLimit
	}
}

// relieve hands on the bodies of all streams.
func (c *http2) relieve() {
	client := c.clientSide()
	for _, st := range c.streams {
		c.out.handOn(st.messages[client], st.messages[1-client])
	}
}

// relieve hands on what has come of a message. The rest of it is not kept.
func (w *webSocket) relieve() {
	for side := range w.sides {
		s := &w.sides[side]
		if s.msg == nil || s.msg.body.size == 0 {
			continue
		}
		start := s.msg.start
		s.msg.truncate(BufferLimit)
		w.messageEnds(side)
		s.msg = w.pool.get()
		s.msg.side, s.msg.start, s.msg.cut = side, start, BufferLimit
		s.msg.truncate(BufferLimit)
	}
}
