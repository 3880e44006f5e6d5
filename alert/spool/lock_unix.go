//go:build unix

package spool

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockFile keeps other processes off until the file is closed.
func lockFile(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
