//go:build !amd64

package planes

// fill makes the planes of text, which has at least 64 bytes for each block.
func fill(blocks []Block, text []byte) { fillTable(blocks, text) }

// fillQuoting makes the planes of quotes and backslashes of text, which has at least 64 bytes
// for each block.
func fillQuoting(blocks []Quoting, text []byte) { fillQuotingTable(blocks, text) }
