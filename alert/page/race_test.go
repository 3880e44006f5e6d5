//go:build race

package page

// slowdown is about what the race detector multiplies time by.
const slowdown = 10
