//go:build !unix

package spool

import "os"

// lockFile does nothing where there is no flock: two processes must not share a directory.
func lockFile(*os.File) error { return nil }
