// Command score measures leaktap on the synthetic corpus of score/corpus:
//
//	score generate -mode clean|dirty|family -bytes N -o FILE
//	score families    precision, recall and false alarms per family
//	score bench       MB per CPU second of the built leaktap
//	score peers       other scanners on the same file, side by side
//
// It takes the built binary or the packages as they are and changes nothing.
// What it prints of a miss or an alarm may show planted values: they are
// synthetic and belong to nobody.
package main
