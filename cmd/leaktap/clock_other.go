//go:build !linux

package main

import "time"

// processStart is when the clock of threadTime began.
var processStart = time.Now()

// threadTime stands for the processor time of the calling thread, which is not to be had
// everywhere: the time that has gone by.
func threadTime() time.Duration { return time.Since(processStart) }
