package ingest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// Content says what the records of a source are, which decides whether what
// they hold counts as persisted (see [classify.Exchange]).
type Content string

// The kinds of content.
const (
	// ContentAuto takes lines and Kafka messages for logs. In files, records
	// that hold both sides of an exchange, and HAR, are taken for traffic.
	ContentAuto    Content = "auto"
	ContentLog     Content = "log"     // everything was written down
	ContentTraffic Content = "traffic" // everything is a recording of traffic
)

// FormatAuto lets each record be decoded by the first decoder that knows it.
const FormatAuto = "auto"

// The reasons for which bytes are counted as uninspected.
const (
	// UninspectedLimit counts what lies past Config.MaxRecord.
	UninspectedLimit = "record-limit"
	// UninspectedPanic counts records in which a decoder or detector panicked.
	UninspectedPanic = "panic"
	// UninspectedPacked counts, packed, what was broken or too large to unpack.
	UninspectedPacked = "packed"
	// UninspectedFiltered counts the records of exchanges that Config.Where left out.
	UninspectedFiltered = "filtered"
)

// The limits that are counted when they are reached. Nothing goes uninspected by
// them but what the constants above say.
const (
	// LimitRecord counts records that are longer than Config.MaxRecord.
	LimitRecord = "record"
	// LimitDepth counts records with more envelopes than Config.MaxEnvelopes; the
	// rest was scanned as it stood.
	LimitDepth = "depth"
	// LimitBomb and LimitBroken count packed records that are larger than a record
	// may be, or cannot be unpacked to their end.
	LimitBomb   = "bomb"
	LimitBroken = "broken"
	// LimitJoin counts records that were handed over before they were whole.
	LimitJoin = "join"
	// LimitPairs counts records that were forgotten before the one came that
	// belongs to them, LimitPairBody bodies that were too large to be joined.
	LimitPairs    = "pairs"
	LimitPairBody = "pair-body"
	// LimitRedecided counts how often a stream's format was decided anew.
	LimitRedecided = "redecided"
	// LimitInvalid counts objects of JSON that are cut off or hold what is no JSON; they
	// were read as far as they make sense, and scanned as they are.
	LimitInvalid = "invalid-json"
	// LimitMapping counts values that a decode step of a mapping does not fit.
	LimitMapping = "mapping"
)

// Config holds what a [Reader] and a [Kafka] have in common. The zero value is
// the default.
type Config struct {
	// Format is FormatAuto, empty for the same, or one of Formats. A record
	// that is not of the format named is handed over as text.
	Format  string
	Content Content
	// MaxRecord is the size in bytes past which a record is cut and the rest
	// counted as uninspected; 0 means 16 MiB.
	MaxRecord int
	// MaxJoinLines and MaxJoinBytes bound a record joined from lines of text;
	// 0 means 500 lines and 256 KiB. JSON spread over lines is bounded by
	// MaxRecord in a Reader, by MaxJoinBytes where streams are mixed.
	MaxJoinLines, MaxJoinBytes int
	// MaxEnvelopes bounds how many envelopes around a record are taken off; 0
	// means 8.
	MaxEnvelopes int
	// MaxPairs bounds how many requests are remembered until the record of their
	// response comes; 0 means 1000.
	MaxPairs int
	// Mapping, unless nil, says where records of the user's own format have what.
	Mapping *Mapping
	// Where, unless nil, says which exchanges are handed over; the others are
	// counted. See [CompileWhere].
	Where func(*classify.Exchange) bool
	// Explain, unless nil, is called for every record with the reasons for what it
	// was taken for; the explanation is valid only during the call. Several streams
	// read at once call it at once.
	Explain func(*Explanation)
	// Uninspected, unless nil, is called for bytes that were not looked at. The
	// reasons are the Uninspected constants. It has to be safe for concurrent use.
	Uninspected func(kind classify.SourceKind, reason string, bytes int64)
}

// withDefaults returns c with every zero replaced, or an error that names the
// option.
func (c Config) withDefaults() (Config, error) {
	c.Format = cmp.Or(c.Format, FormatAuto)
	c.Content = cmp.Or(c.Content, ContentAuto)
	c.MaxRecord = cmp.Or(c.MaxRecord, 16<<20)
	c.MaxJoinLines = cmp.Or(c.MaxJoinLines, 500)
	c.MaxJoinBytes = cmp.Or(c.MaxJoinBytes, 256<<10)
	c.MaxEnvelopes = cmp.Or(c.MaxEnvelopes, 8)
	c.MaxPairs = cmp.Or(c.MaxPairs, 1000)
	if c.Uninspected == nil {
		c.Uninspected = func(classify.SourceKind, string, int64) {}
	}
	if formats := append([]string{FormatAuto}, Formats()...); !slices.Contains(formats, c.Format) {
		return c, fmt.Errorf("unknown format %q: use one of %s", c.Format, strings.Join(formats, ", "))
	}
	switch c.Content {
	case ContentAuto, ContentLog, ContentTraffic:
	default:
		return c, fmt.Errorf("unknown content %q: use one of auto, log, traffic", c.Content)
	}
	if min(c.MaxRecord, c.MaxJoinLines, c.MaxJoinBytes, c.MaxEnvelopes, c.MaxPairs) < 0 {
		return c, errors.New("check record limits: a limit is negative")
	}
	return c, nil
}
