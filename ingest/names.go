package ingest

import "math/bits"

// nameTable says what the name of a member means. Names are compact paths: the
// letters and digits of all names down to the member, in lower case, so that
// request_headers, requestHeaders, request.headers and headers inside request
// are one name. All JSON formats share one table, since a record is walked before
// anybody knows which format it has. It is not changed once it is made.
type nameTable struct {
	slots   []uint16 // 1 + the index of an entry, 0 is empty; by hash
	entries []nameEntry
	formats []jsonFormat
	needs   []need // in the order of formats
	leads   [2 * 64][]uint8
	marks   int
}

// need is a set of names that a record of a format has. It is looked at when the name
// of the set was seen that is in the fewest sets: its number is in the table's leads.
type need struct {
	set    markSet
	format int
}

// nameEntry is what one name means.
type nameEntry struct {
	path string
	role role
	// open says that an object of that name is looked into, and inherit that its
	// members are named as if they stood beside it.
	open, inherit bool
	// mark is 1 + the number of the bit by which formats are recognised.
	mark uint8
}

// markSet is a set of names that formats are recognised by.
type markSet [2]uint64

func (m *markSet) add(mark uint8) { m[(mark-1)>>6] |= 1 << ((mark - 1) & 63) }

// mark adds the name if formats are recognised by it.
func (m *markSet) mark(e *nameEntry) {
	if e.mark != 0 {
		m.add(e.mark)
	}
}

// holds says whether all of need are in m.
func (m *markSet) holds(need *markSet) bool {
	return m[0]&need[0] == need[0] && m[1]&need[1] == need[1]
}

// namedRole gives a path, in any spelling, a role.
type namedRole struct {
	path string
	role role
}

// jsonFormat describes a format whose records are JSON objects, as data.
type jsonFormat struct {
	name string
	// needs are sets of paths: a record that has all of one set is of the format.
	needs [][]string
	// fields and opens add to the names that all formats share.
	fields []namedRole
	opens  []string
	// inherits are objects whose members count as if they stood beside them.
	inherits []string
	// isHTTP says that a record of the format is an exchange also if there is
	// little in it.
	isHTTP bool
	// hex says that strings may hold \xHH, which is no JSON.
	hex bool
	// finish, unless nil, does to an exchange what no table says.
	finish func(dec *decoding, d *jsonDecoder)
}

// The size of the table, a power of two well above the number of names, and the
// constants of FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/).
const (
	nameSlots = 1 << 12
	fnvOffset = 2166136261
	fnvPrime  = 16777619
)

func newNameTable(shared *jsonFormat, formats []jsonFormat) *nameTable {
	t := &nameTable{slots: make([]uint16, nameSlots), formats: formats}
	t.add(shared)
	for i := range formats {
		t.add(&formats[i])
	}
	for i := range formats {
		for _, names := range formats[i].needs {
			var set markSet
			for _, name := range names {
				e := t.entry(name)
				if e.mark == 0 {
					t.marks++
					e.mark = uint8(t.marks)
				}
				set.add(e.mark)
			}
			t.needs = append(t.needs, need{set, i})
		}
	}
	t.lead()
	return t
}

// lead finds for each set the name that is in the fewest.
func (t *nameTable) lead() {
	var uses [2 * 64]int
	for i := range t.needs {
		t.needs[i].set.each(func(bit int) { uses[bit]++ })
	}
	for i := range t.needs {
		best := -1
		t.needs[i].set.each(func(bit int) {
			if best < 0 || uses[bit] < uses[best] {
				best = bit
			}
		})
		t.leads[best] = append(t.leads[best], uint8(i))
	}
}

// each calls f for each number in the set.
func (m *markSet) each(f func(bit int)) {
	for word := range m {
		for rest := m[word]; rest != 0; rest &= rest - 1 {
			f(word*64 + bits.TrailingZeros64(rest))
		}
	}
}

// add enters a format's names; what is there already stays.
func (t *nameTable) add(f *jsonFormat) {
	for _, field := range f.fields {
		if e := t.entry(field.path); e.role == roleNone {
			e.role = field.role
		}
	}
	for _, path := range f.opens {
		t.entry(path).open = true
	}
	for _, path := range f.inherits {
		e := t.entry(path)
		e.open, e.inherit = true, true
	}
}

// entry returns the entry of a path, which it makes if there is none; it is
// valid until the next call.
func (t *nameTable) entry(path string) *nameEntry {
	var buf [64]byte
	n, hash := appendCompact(&buf, 0, fnvOffset, []byte(path))
	slot := hash & (nameSlots - 1)
	for t.slots[slot] != 0 {
		if e := &t.entries[t.slots[slot]-1]; e.path == string(buf[:n]) {
			return e
		}
		slot = (slot + 1) & (nameSlots - 1)
	}
	t.entries = append(t.entries, nameEntry{path: string(buf[:n])})
	t.slots[slot] = uint16(len(t.entries))
	return &t.entries[len(t.entries)-1]
}

// find returns what a compact path means, nil for an unknown one.
func (t *nameTable) find(path []byte, hash uint32) *nameEntry {
	for slot := hash & (nameSlots - 1); t.slots[slot] != 0; slot = (slot + 1) & (nameSlots - 1) {
		if e := &t.entries[t.slots[slot]-1]; e.path == string(path) {
			return e
		}
	}
	return nil
}

// recognise returns the first format that has one of its sets of names in seen,
// or nil, and that set.
func (t *nameTable) recognise(seen *markSet) (*jsonFormat, markSet) {
	best := len(t.needs)
	for word := range seen {
		for rest := seen[word]; rest != 0; rest &= rest - 1 {
			for _, i := range t.leads[word*64+bits.TrailingZeros64(rest)] {
				if int(i) < best && seen.holds(&t.needs[i].set) {
					best = int(i)
				}
			}
		}
	}
	if best == len(t.needs) {
		return nil, markSet{}
	}
	n := &t.needs[best]
	return &t.formats[n.format], n.set
}

// named lists the paths of a set.
func (t *nameTable) named(set *markSet) (paths []string) {
	for i := range t.entries {
		if m := t.entries[i].mark; m > 0 && set[(m-1)>>6]&(1<<((m-1)&63)) != 0 {
			paths = append(paths, t.entries[i].path)
		}
	}
	return paths
}

// foldName maps letters to small letters, digits to themselves and all else to 0:
// separators count for nothing.
func foldName(c byte) byte { return foldTable[c] }

var foldTable = func() (t [256]byte) {
	for i := range t {
		switch c := byte(i); {
		case 'A' <= c && c <= 'Z':
			t[i] = c + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			t[i] = c
		}
	}
	return t
}()

// appendCompact writes the letters and digits of key, in lower case, behind the
// first length bytes of path and returns the new length and hash. What does not
// fit is left out: no known name is that long. A key of at most three bytes keeps
// its "@".
func appendCompact(path *[64]byte, length int, hash uint32, key []byte) (n int, h uint32) {
	if len(key) > 0 && len(key) <= len("@mt") && key[0] == '@' && length < len(path) {
		path[length] = '@'
		length, hash = length+1, (hash^'@')*fnvPrime
	}
	for _, c := range key {
		c = foldTable[c]
		if c == 0 {
			continue
		}
		if length >= len(path) {
			break
		}
		path[length] = c
		length++
		hash = (hash ^ uint32(c)) * fnvPrime
	}
	return length, hash
}
