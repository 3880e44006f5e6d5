package alert

import (
	"encoding/json"
	"math"
	"math/bits"
	"time"
)

// TimelineBars is how many bars a timeline has at most.
const TimelineBars = 32

// Timeline counts findings over time, in bars of equal width from the first to the last. A bar
// is a minute wide; when the bars do not fit any more, each two become one of twice the width.
// It is the same whatever the order in which findings come, and takes 144 bytes: 1.4 MB for
// 10,000 exposures. The zero value is empty.
type Timeline struct {
	// width is that of a bar in minutes, a power of two; 0 as long as it is empty.
	width int64
	// first is the number of the first bar, counted in bars from the Unix epoch.
	first int64
	bars  [TimelineBars]uint32
}

// with returns a timeline with one more finding; l, which may be nil, stays as it is.
func (l *Timeline) with(at time.Time) *Timeline {
	var more Timeline
	if l != nil {
		more = *l
	}
	more.add(at, 1)
	return &more
}

// add counts n findings at a time. A bar that is full stays at 2^32-1.
func (l *Timeline) add(at time.Time, n uint32) {
	minute := floorDivide(at.Unix(), 60)
	if l.width == 0 {
		l.width, l.first = 1, minute
	}
	for !l.reach(floorDivide(minute, l.width)) {
		l.widen()
	}
	i := floorDivide(minute, l.width) - l.first
	sum, over := bits.Add32(l.bars[i], n, 0)
	l.bars[i] = sum | -over
}

// reach makes room for a bar by its number, if there is any.
func (l *Timeline) reach(bar int64) bool {
	first := min(l.first, bar)
	if max(l.last(), bar)-first >= TimelineBars {
		return false
	}
	if shift := l.first - first; shift > 0 {
		copy(l.bars[shift:], l.bars[:])
		clear(l.bars[:min(shift, TimelineBars)])
		l.first = first
	}
	return true
}

// last is the number of the last bar with a finding, or of the first bar.
func (l *Timeline) last() int64 {
	for i := int64(TimelineBars - 1); i > 0; i-- {
		if l.bars[i] != 0 {
			return l.first + i
		}
	}
	return l.first
}

// widen joins each two bars.
func (l *Timeline) widen() {
	wider := Timeline{width: 2 * l.width, first: l.first >> 1}
	for i, n := range l.bars {
		if n != 0 {
			j := (l.first+int64(i))>>1 - wider.first
			sum, over := bits.Add32(wider.bars[j], n, 0)
			wider.bars[j] = sum | -over
		}
	}
	*l = wider
}

// floorDivide rounds down, not towards 0.
func floorDivide(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// Bar is the findings in a part of time.
type Bar struct {
	From time.Time
	// Width is the length of the time, in whole minutes.
	Width    time.Duration
	Findings uint32
}

// Until returns the bars up to the one that holds a time, or up to the last one with a finding if
// that is later; none if the timeline is empty or nil.
func (l *Timeline) Until(now time.Time) (bars []Bar) {
	if l == nil || l.width == 0 {
		return nil
	}
	to := *l
	if now.Unix() >= to.first*to.width*60 {
		to.add(now, 0)
	}
	last := max(to.last(), floorDivide(now.Unix(), 60*to.width))
	for i := range last - to.first + 1 {
		from := time.Unix((to.first+i)*to.width*60, 0).UTC()
		bars = append(bars, Bar{from, time.Duration(to.width) * time.Minute, to.bars[i]})
	}
	return bars
}

// storedTimeline is a timeline as a ledger's file holds it.
type storedTimeline struct {
	WidthMinutes int64    `json:"width_minutes"`
	First        int64    `json:"first"`
	Bars         []uint32 `json:"bars"`
}

// MarshalJSON writes the bars up to the last with a finding.
func (l *Timeline) MarshalJSON() ([]byte, error) {
	if l.width == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(storedTimeline{l.width, l.first, l.bars[:l.last()-l.first+1]})
}

// UnmarshalJSON reads what MarshalJSON writes. What cannot be a timeline is an empty one: it is
// a picture of what other fields count.
func (l *Timeline) UnmarshalJSON(text []byte) error {
	var s *storedTimeline
	*l = Timeline{}
	if err := json.Unmarshal(text, &s); err != nil || s == nil {
		return err
	}
	isPower := s.WidthMinutes > 0 && bits.OnesCount64(uint64(s.WidthMinutes)) == 1
	const most = math.MaxInt64 / 120 // of minutes, so that nothing overflows
	if !isPower || len(s.Bars) > TimelineBars || s.WidthMinutes > most || s.First > most/s.WidthMinutes || s.First < -most/s.WidthMinutes {
		return nil
	}
	l.width, l.first = s.WidthMinutes, s.First
	copy(l.bars[:], s.Bars)
	return nil
}
