package ingest

import "encoding/binary"

// abortedTransactions filters what producers have taken back. The broker tells, for
// each, the first offset of the transaction; its control record tells the end.
type abortedTransactions struct {
	list []abortedTransaction
	open map[int64]bool
}

// contains says whether the batch belongs to an aborted transaction.
func (a *abortedTransactions) contains(h *batchHeader) bool {
	if !h.transactional() || len(a.list) == 0 && len(a.open) == 0 {
		return false
	}
	rest := a.list[:0]
	for _, t := range a.list {
		if t.first > h.last {
			rest = append(rest, t)
			continue
		}
		if a.open == nil {
			a.open = map[int64]bool{}
		}
		a.open[t.producer] = true
	}
	a.list = rest
	return a.open[h.producer]
}

// end takes a control batch, which ends a transaction.
func (a *abortedTransactions) end(h *batchHeader, m *batchRecords) {
	var r kafkaRecord
	if m.next(&r) && len(r.key) >= 4 && binary.BigEndian.Uint16(r.key[2:]) == 0 {
		delete(a.open, h.producer)
	}
}
