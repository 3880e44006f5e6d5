//go:build race

package capture

// slowdown is about what the race detector multiplies CPU time by (its manual
// says 2 to 20).
const slowdown = 20
