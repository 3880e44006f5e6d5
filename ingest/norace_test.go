//go:build !race

package ingest

// slower is how many times longer things may take than they should.
const slower = 1
