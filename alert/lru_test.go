package alert

import (
	"maps"
	"slices"
	"strconv"
	"testing"
)

func TestLRUDropsTheLeastRecentlyUsed(t *testing.T) {
	l := newLRU[string, int](2)
	l.put("a", 1)
	l.put("b", 2)
	if v, ok := l.use("a"); !ok || v != 1 {
		t.Fatalf("use(a) = %d, %t", v, ok)
	}
	l.put("c", 3)
	if _, ok := l.peek("b"); ok {
		t.Error("b, the least recently used, is still there")
	}
	l.put("a", 4) // newest again
	if got := slices.Collect(maps.Keys(maps.Collect(l.all))); len(got) != 2 {
		t.Errorf("holds %v, want two entries", got)
	}
	for key, v := range l.all {
		if key != "a" || v != 4 {
			t.Errorf("newest is %s=%d, want a=4", key, v)
		}
		break
	}
	if l.evicted != 1 || l.len() != 2 {
		t.Errorf("evicted %d, len %d; want 1, 2", l.evicted, l.len())
	}
}

func TestLRUPeekLeavesTheOrder(t *testing.T) {
	l := newLRU[string, int](2)
	l.put("a", 1)
	l.put("b", 2)
	l.peek("a")
	l.put("c", 3)
	if _, ok := l.peek("a"); ok {
		t.Error("peek kept a alive")
	}
}

func TestRecentForgetsTheOldest(t *testing.T) {
	r := newRecent()
	for i := range recentIDs + 1 {
		if !r.first(strconv.Itoa(i)) {
			t.Fatalf("id %d counts as seen", i)
		}
	}
	if r.first(strconv.Itoa(recentIDs)) {
		t.Error("the newest id counts as new")
	}
	if !r.first("0") {
		t.Error("the oldest id is still remembered past the limit")
	}
	for range 2 {
		if !r.first("") {
			t.Error("a finding without an id has to count each time")
		}
	}
}
