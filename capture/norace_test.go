//go:build !race

package capture

const slowdown = 1
