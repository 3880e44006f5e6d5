package jsonscan

import (
	"strings"
	"testing"
)

func TestShortName(t *testing.T) {
	const text = `{"id":1,"sixteen_letters_":2,"seventeen_letters":3,"nul` + "\x00" + `":4,"nul":5,"last":6}`
	at := func(name string) (ShortName, bool) {
		lo := strings.Index(text, `"`+name+`"`) + 1
		return ShortNameAt([]byte(text), lo, lo+len(name))
	}
	for _, c := range []struct {
		name string
		ok   bool
	}{{"id", true}, {"sixteen_letters_", true}, {"seventeen_letters", false}, {"last", false}} {
		n, ok := at(c.name)
		if ok != c.ok {
			t.Errorf("%s: got %v, want %v", c.name, ok, c.ok)
		}
		again, _ := ShortNameAt([]byte(c.name+"0123456789abcdef"), 0, len(c.name))
		if ok && n != again {
			t.Errorf("%s: what stands behind it makes a difference", c.name)
		}
	}
	nul, _ := at("nul\x00")
	if plain, _ := at("nul"); nul == plain {
		t.Error("a NUL makes no difference")
	}
}

func TestShortNameHash(t *testing.T) {
	seen := map[uint64]bool{}
	for name := range strings.FieldsSeq("id ids name names user users user_id created_at updated_at description descriptions a b c d e f g h i j k l m n") {
		n, _ := ShortNameAt([]byte(name+"0123456789abcdef"), 0, len(name))
		seen[n.Hash()>>56] = true
	}
	if len(seen) < 22 {
		t.Errorf("25 names have %d hashes of eight bits", len(seen))
	}
}
