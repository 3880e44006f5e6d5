package spool

import (
	"io"
	"os"
)

// Batch is records from the head of a spool.
type Batch struct {
	Records [][]byte
	number  uint64
	end     int64
}

// Take returns up to n of the oldest records, none if there are none. They stay until Done: a
// second call, which says that the first were not delivered, returns the same, unless they made
// room meanwhile.
func (s *Spool) Take(n int) (b Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropOrphans()
	s.taken = 0
	for len(s.segments) > 0 {
		oldest := s.segments[0]
		if len(s.loaded) == 0 && s.head < oldest.size {
			s.load(oldest)
		}
		if len(s.loaded) > 0 {
			list := s.loaded[:min(n, len(s.loaded))]
			for _, e := range list {
				b.Records = append(b.Records, e.record)
			}
			s.taken = len(list)
			b.number, b.end = oldest.number, list[len(list)-1].end
			return b
		}
		if len(s.segments) == 1 && s.tail != nil {
			return b // more comes there
		}
		_ = s.removeOldest() // it is found again at the next start, with nothing in it
	}
	return b
}

// dropOrphans counts what was given out, has made room, and was not delivered.
func (s *Spool) dropOrphans() {
	s.dropped(ReasonFull, s.orphans)
	s.orphans = 0
}

// load reads what follows the head of a segment. Records that are no longer there as they were
// written are counted.
func (s *Spool) load(oldest *segment) {
	text := make([]byte, oldest.size-s.head)
	n := 0
	if f, err := os.Open(s.segmentPath(oldest.number)); err == nil {
		n, _ = io.ReadFull(io.NewSectionReader(f, s.head, int64(len(text))), text) // what cannot be read is counted as damaged
		_ = f.Close()
	}
	s.loaded, _, _ = scan(text[:n])
	for i := range s.loaded {
		s.loaded[i].end += s.head
	}
	s.dropped(ReasonDamaged, oldest.records-len(s.loaded))
	oldest.records = len(s.loaded)
	if len(s.loaded) == 0 {
		s.head = oldest.size
	}
}

// Done says that a batch was delivered.
func (s *Spool) Done(b Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(b.Records) == 0 || len(s.segments) == 0 || s.segments[0].number != b.number {
		s.orphans = 0 // it made room meanwhile, and was delivered all the same
		return
	}
	s.taken = 0
	s.loaded = s.loaded[len(b.Records):]
	s.head = b.end
	s.segments[0].records -= len(b.Records)
	s.writeHead(b.number)
}
