package window

// entry is what a table holds.
type entry interface {
	// worth says how much would be lost with it: the least goes first.
	worth() int
}

// table holds a bounded number of entries by hash. When it is full, the one of least worth
// among the next few goes: an attacker who makes up callers pushes out each other's, not the
// one who has read much.
type table[E entry] struct {
	entries map[uint64]E
	// order holds the keys, hand where the search for the next victim goes on.
	order   []uint64
	hand    int
	limit   int
	evicted int64
}

// victims is how many entries are compared for one that goes.
const victims = 8

func newTable[E entry](limit int) table[E] {
	return table[E]{entries: map[uint64]E{}, limit: limit}
}

// get returns the entry of a key, made unless it is there.
func (t *table[E]) get(key uint64, fresh func() E) E {
	if e, ok := t.entries[key]; ok {
		return e
	}
	e := fresh()
	if len(t.order) < t.limit {
		t.order = append(t.order, key)
	} else {
		t.order[t.evict()] = key
	}
	t.entries[key] = e
	return e
}

// evict removes an entry and returns its place.
func (t *table[E]) evict() int {
	least, place := 0, -1
	for range min(victims, len(t.order)) {
		t.hand = (t.hand + 1) % len(t.order)
		if worth := t.entries[t.order[t.hand]].worth(); place < 0 || worth < least {
			least, place = worth, t.hand
		}
	}
	delete(t.entries, t.order[place])
	t.evicted++
	return place
}
