package ingest

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestFormatsAreDocumented compares the rows of docs/formats.md with the formats.
func TestFormatsAreDocumented(t *testing.T) {
	f, err := os.Open("../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		cells := strings.Split(lines.Text(), "|")
		if len(cells) != 6 || cells[1] == " format " || cells[1] == "---" {
			continue
		}
		name := strings.TrimSpace(cells[1])
		if rows = append(rows, name); strings.TrimSpace(cells[2]) == "" || strings.TrimSpace(cells[3]) == "" {
			t.Errorf("the row of %s does not say how it is recognised and what is mapped", name)
		}
	}
	want := Formats()
	slices.Sort(want)
	slices.Sort(rows)
	if !slices.Equal(rows, want) {
		t.Errorf("docs/formats.md has rows for %v, want %v", rows, want)
	}
}
