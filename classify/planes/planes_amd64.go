package planes

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd asm && go run . -out ../planes_amd64.s -stubs ../stubs_amd64.go -pkg planes"

// fill makes the planes of text, which has at least 64 bytes for each block.
func fill(blocks []Block, text []byte) {
	if !cpu.X86.HasAVX2 {
		fillTable(blocks, text)
		return
	}
	text = text[:len(blocks)*BlockSize]
	fillAVX2(&blocks[0][0], &text[0], len(blocks))
}

// fillQuoting makes the planes of quotes and backslashes of text, which has at least 64 bytes
// for each block.
func fillQuoting(blocks []Quoting, text []byte) {
	if !cpu.X86.HasAVX2 {
		fillQuotingTable(blocks, text)
		return
	}
	text = text[:len(blocks)*BlockSize]
	fillQuotingAVX2(&blocks[0].Quotes, &text[0], len(blocks))
}
