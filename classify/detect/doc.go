// Package detect holds leaktap's detectors, one constructor per rule, and the
// two vocabularies they share: fields.yaml (names that tell what stands under
// them) and tokens.yaml (the token formats of vendors).
//
// All gives the list in order of precedence. A detector is written from the
// definition of the format it finds, and says in its rule what looks alike. It
// is pure: it sees a candidate and reports matches.
package detect
