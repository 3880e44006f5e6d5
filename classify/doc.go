// Package classify finds in exchanges what should not be there. It takes an
// [Exchange] and gives [Finding] values; it does no I/O, starts no goroutine and
// reads no clock.
//
// It owns the nouns of leaktap: exchange, finding, rule, detector, evidence. A
// secret never leaves it in clear: evidence holds a redacted form and a keyed
// digest, and every name that came from outside (route, pointer, host) is
// cleaned of values first.
package classify
