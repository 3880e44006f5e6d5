// Package ingest turns records into exchanges: lines of files and of standard
// input, entries of HAR documents, messages of Kafka topics.
//
// A [Reader] takes a stream, a [Kafka] takes topics; both give every record to
// a handler as one or more [classify.Exchange] values that are valid only
// during the call. Which of the formats a record has is decided record by
// record. Nothing is dropped: a record of no known format is handed over as
// text, a part that was mapped stands in Exchange.Mapped, and bytes that nobody
// looked at are counted by reason. A Kafka offset is committed only after the
// handler has settled everything before it. No text from inside a record goes
// to a log line, an error or a metric label.
package ingest
