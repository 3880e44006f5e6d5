package classify

import "encoding/binary"

// quietHeaders remembers headers, and parts of records, about which no rule was asked, whatever they
// stand in: a service sends most of its headers again and again. It belongs to one classifier, and
// holds nothing that a rule may take for a secret.
type quietHeaders struct{ entries [256]quietHeader }

// quietHeader is a header of at most maxQuiet bytes, name and value in one.
type quietHeader struct {
	name, size uint8
	text       [maxQuiet]byte
}

const (
	// minQuietValue is the shortest value that is remembered: its hash takes so much.
	minQuietValue = 4
	maxQuiet      = 94 // an entry has 96 bytes then
)

// entry returns the place of a header, nil for one that is not remembered.
func (q *quietHeaders) entry(h *Header) *quietHeader {
	n := len(h.Name)
	if n == 0 { // that is a part of a record
		return nil
	}
	return q.find(h, uint32(h.Name[0]&0x1F)|uint32(h.Name[n-1]&0x1F)<<5|uint32(n)<<10)
}

// part returns the place of what stands between two mapped values of a record: a header without a name.
func (q *quietHeaders) part(h *Header) *quietHeader { return q.find(h, 0) }

// find returns the place of a header by its value and the hash of its name.
func (q *quietHeaders) find(h *Header, name uint32) *quietHeader {
	n := len(h.Value)
	if n < minQuietValue || len(h.Name)+n > maxQuiet {
		return nil
	}
	first, last := binary.LittleEndian.Uint32(h.Value), binary.LittleEndian.Uint32(h.Value[n-4:])
	return &q.entries[(first*2654435769^last*2246822519^name*3266489917^uint32(n))>>24]
}

// holds says whether the entry is that of the header.
func (e *quietHeader) holds(h *Header) bool {
	return e.size > 0 && int(e.name) == len(h.Name) &&
		string(e.text[:e.name]) == string(h.Name) && string(e.text[e.name:e.size]) == string(h.Value)
}

func (e *quietHeader) fill(h *Header) {
	e.name = uint8(copy(e.text[:], h.Name))
	e.size = e.name + uint8(copy(e.text[e.name:], h.Value))
}
