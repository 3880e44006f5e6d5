// Package corpus makes labelled exchanges and logs, the same for the same seed:
// records in the spellings that gateways and applications use, with leaks of
// every family planted at known places, and as many look-alikes that are none.
//
// It is a second opinion. Values are made from the public definition of their
// format and nothing of leaktap is imported, so that the corpus does not repeat
// what the detectors believe. All values are random or documented test values:
// they open nothing and belong to nobody.
package corpus
