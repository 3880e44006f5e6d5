package ingest

import (
	"sync"
	"sync/atomic"
)

// buffer holds an answer until every partition in it was handled.
type buffer struct {
	b    []byte
	refs atomic.Int32
	pool *bufferPool
	// large says that it takes the place for large answers, too.
	large bool
}

// release gives the buffer back when nobody else has it.
func (b *buffer) release() {
	if b.refs.Add(-1) == 0 {
		b.pool.put(b)
	}
}

// bufferPool keeps buffers, and bounds how many are in use.
type bufferPool struct {
	pool sync.Pool
	// size is what a fetch asks for, in bytes.
	size int
	// places has room for as many as may be in use, large for the one that may hold a
	// batch of more than largeBatch, unpacking for one worker that unpacks as much.
	places, large, unpacking chan struct{}
}

func newBufferPool(size, total int) *bufferPool {
	return &bufferPool{
		size: size, places: make(chan struct{}, max(total/size, 1)), large: make(chan struct{}, 1), unpacking: make(chan struct{}, 1),
	}
}

// largeBatch is the size in bytes from which a batch is asked for by itself.
func (p *bufferPool) largeBatch() int { return 2 * p.size }

// get is called by whoever has a place.
func (p *bufferPool) get() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b
	}
	return &buffer{pool: p}
}

func (p *bufferPool) put(b *buffer) {
	large := b.large
	if cap(b.b) <= 2*p.size {
		b.b, b.large = b.b[:0], false
		p.pool.Put(b)
	}
	p.leave(large)
}

// takeLarge takes the place for a large answer if it is free.
func (p *bufferPool) takeLarge() bool {
	select {
	case p.large <- struct{}{}:
		return true
	default:
		return false
	}
}

// leave gives the places back that an answer has taken.
func (p *bufferPool) leave(large bool) {
	if large {
		<-p.large
	}
	<-p.places
}
