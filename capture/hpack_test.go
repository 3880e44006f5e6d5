package capture

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2/hpack"
)

// readFields decodes a block; what is unknown is "?".
func readFields(t *headerTable, block []byte) (fields []string, err error) {
	for len(block) > 0 {
		n, found, known, err := t.next(block)
		if err != nil {
			return fields, err
		}
		switch {
		case found && !known:
			fields = append(fields, "?: "+t.field.value)
		case found:
			fields = append(fields, t.field.name+": "+t.field.value)
		case !known:
			fields = append(fields, "?")
		}
		block = block[n:]
	}
	return fields, nil
}

func newHeaderTable(size int) *headerTable {
	t := &headerTable{}
	t.reset(64<<10, size)
	return t
}

// TestHeaderTableMidway reads a sequence of blocks from each block on: what is
// known has to be right, and a field that came since is known.
func TestHeaderTableMidway(t *testing.T) {
	var buf bytes.Buffer
	encoder := hpack.NewEncoder(&buf)
	var blocks [][]byte
	var truth [][]string
	for n := range 30 {
		buf.Reset()
		fields := []string{"a: 1", fmt.Sprintf("b: %d", n/3), fmt.Sprintf("name%d: same", n/5), "name0: " + strings.Repeat("x", n*20), ":path: /"}
		for _, f := range fields {
			name, value, _ := strings.Cut(f, ": ")
			must(t, encoder.WriteField(hpack.HeaderField{Name: name, Value: value}))
		}
		blocks, truth = append(blocks, bytes.Clone(buf.Bytes())), append(truth, fields)
	}
	for start := range blocks {
		size := maxTableSize
		if start == 0 {
			size = tableSize
		}
		table := newHeaderTable(size)
		unknown := 0
		for n := start; n < len(blocks); n++ {
			got, err := readFields(table, blocks[n])
			must(t, err)
			if len(got) != len(truth[n]) {
				t.Fatalf("from %d: block %d: %q", start, n, got)
			}
			for i, f := range got {
				_, value, _ := strings.Cut(truth[n][i], ": ")
				switch f {
				case truth[n][i]:
				case "?", "?: " + value:
					unknown++
				default:
					t.Fatalf("from %d: block %d: guessed %q, want %q", start, n, f, truth[n][i])
				}
			}
		}
		if start == 0 && unknown > 0 || start > 10 && unknown == 0 {
			t.Errorf("from %d: %d fields are unknown", start, unknown)
		}
	}
}

func TestHeaderTableBroken(t *testing.T) {
	for name, block := range map[string]string{
		"integer without end":  "\xff\x80\x80",
		"integer too long":     "\xff\x80\x80\x80\x80\x80\x80\x01",
		"string without end":   "\x40\x05abc",
		"name without a value": "\x40\x03abc",
		"no length":            "\x04",
		"broken Huffman code":  "\x40\x81\x00\x01x",
	} {
		if fields, err := readFields(newHeaderTable(tableSize), []byte(block)); err == nil {
			t.Errorf("%s: %q", name, fields)
		}
	}
}

// TestHeaderTableUpdate changes the size of the table.
func TestHeaderTableUpdate(t *testing.T) {
	table := newHeaderTable(tableSize)
	got, err := readFields(table, []byte("\x40\x01a\x011\xbe\x20\xbe\x3f\xe1\xff\xff\xff\x07\x40\x01b\x012\xbe"))
	must(t, err)
	if diff := cmp.Diff([]string{"a: 1", "a: 1", "?", "b: 2", "b: 2"}, got); diff != "" {
		t.Error(diff)
	}
	if table.max != maxTableSize || table.used != 34 {
		t.Errorf("size %d, %d used", table.max, table.used)
	}
}

// FuzzHPACK compares with the decoder of golang.org/x/net on its own.
func FuzzHPACK(f *testing.F) {
	f.Add([]byte("\x82\x86\x84\x41\x0fwww.example.com"), []byte("\x82\x86\x84\xbe\x58\x08no-cache")) // RFC 7541, C.3
	f.Add([]byte("\x40\x01a\x011\xbe"), []byte("\x20\xbe\x7e\x012"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		table, other := newHeaderTable(tableSize), hpack.NewDecoder(tableSize, nil)
		other.SetAllowedMaxDynamicTableSize(maxTableSize)
		other.SetMaxStringLength(64 << 10)
		for _, block := range [][]byte{first, second} {
			got, err := readFields(table, block)
			want, theirs := other.DecodeFull(block)
			if table.used > table.max || table.max > maxTableSize {
				t.Fatalf("%d used of %d", table.used, table.max)
			}
			if theirs != nil {
				return // they stop, we read on
			}
			if err != nil || len(got) != len(want) {
				t.Fatalf("%q (%v), want %q", got, err, want)
			}
			for i, f := range want {
				if got[i] != f.Name+": "+f.Value && (f.Name != "" || got[i] != "?: "+f.Value) {
					t.Fatalf("%q, want %q", got, want)
				}
			}
		}
	})
}
