// Package window looks at many exchanges together: who reads object after object, who
// gathers data about people, whose tokens are not checked, what is read by others than its
// owner. It takes observations, in about the order of their times, and gives findings.
//
// Time comes from the observations. State is bounded, whatever is sent: at most
// [Limits.Callers] callers, [Limits.Families] kinds of objects and [Limits.Objects] objects
// are followed; the least suspicious go first, and each that went is counted in [Stats].
// State holds keyed hashes and numbers, no plaintext.
//
// A Tracker is not safe for use by several goroutines.
package window
