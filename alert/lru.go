package alert

import "container/list"

// lru is a map that holds at most max entries: putting one more drops the one
// that was used least recently. It is not safe for concurrent use.
type lru[K comparable, V any] struct {
	max     int
	entries map[K]*list.Element
	order   *list.List // front is the newest
	evicted uint64
}

type lruEntry[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](size int) *lru[K, V] {
	return &lru[K, V]{max: size, entries: map[K]*list.Element{}, order: list.New()}
}

func (l *lru[K, V]) len() int { return len(l.entries) }

// use returns the value of key and makes it the newest.
func (l *lru[K, V]) use(key K) (value V, ok bool) {
	e, ok := l.entries[key]
	if !ok {
		return value, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*lruEntry[K, V]).value, true
}

// peek returns the value of key and leaves the order alone.
func (l *lru[K, V]) peek(key K) (value V, ok bool) {
	if e, found := l.entries[key]; found {
		return e.Value.(*lruEntry[K, V]).value, true
	}
	return value, false
}

// put makes key the newest entry, with that value. It returns the key of the entry that made
// room for it, if one did.
func (l *lru[K, V]) put(key K, value V) (dropped K, ok bool) {
	if e, known := l.entries[key]; known {
		e.Value.(*lruEntry[K, V]).value = value
		l.order.MoveToFront(e)
		return dropped, false
	}
	if len(l.entries) >= l.max {
		dropped, ok = l.order.Remove(l.order.Back()).(*lruEntry[K, V]).key, true
		delete(l.entries, dropped)
		l.evicted++
	}
	l.entries[key] = l.order.PushFront(&lruEntry[K, V]{key, value})
	return dropped, ok
}

// all gives every entry, newest first.
func (l *lru[K, V]) all(yield func(K, V) bool) {
	for e := l.order.Front(); e != nil; e = e.Next() {
		entry := e.Value.(*lruEntry[K, V])
		if !yield(entry.key, entry.value) {
			return
		}
	}
}

// recent remembers the ids of the newest findings, so that a record which is read
// again adds nothing to a count.
type recent struct{ ids *lru[string, struct{}] }

// recentIDs is how many finding ids a sink remembers: more than a consumer group
// reads again after a rebalance, about 3 MiB.
const recentIDs = 1 << 14

func newRecent() recent { return recent{newLRU[string, struct{}](recentIDs)} }

// first says whether id was not seen before, and remembers it. A finding without
// an id is always the first.
func (r recent) first(id string) bool {
	if id == "" {
		return true
	}
	if _, ok := r.ids.use(id); ok {
		return false
	}
	r.ids.put(id, struct{}{})
	return true
}
