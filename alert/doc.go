// Package alert takes findings to people: metrics, Alertmanager, webhooks, JSON
// lines, text on a terminal, and the ledger of exposures behind the findings
// page.
//
// Everything that takes findings here is a sink. Accept takes a finding, which
// is immutable from then on and may be kept, and returns without waiting for a
// network or a disk (JSONLines and Text write to what they were given, whose
// pace is then the caller's pace). Settle returns when everything that was
// accepted before the call was delivered, or its drop was counted: an offset may
// be committed after it. Sinks that own a goroutine have Run, which blocks until
// its context ends and then flushes for a bounded time.
//
// A finding holds no secret (see [classify.Evidence]); names in it that came from
// outside pass [Clean] before a person sees them.
package alert
