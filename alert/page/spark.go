package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/leaktap/leaktap/alert"
)

// spark is a small picture of values over time: an SVG path, and the same in words.
type spark struct {
	Width, Height int
	Path          string
	// Axis is how far the line of 0 goes: to now.
	Axis string
	// Line says that the path is one, not an area.
	Line  bool
	Words string
}

// The sizes of pictures, in CSS pixels.
const (
	sparkWidth, sparkHeight = 48, 18
	graphWidth, graphHeight = 480, 64
)

// Course is how a quantity went: values from one time to another, in equal steps.
type Course struct {
	From, To time.Time
	Values   []float64
	// Unit stands behind a value, such as "/s".
	Unit string
}

// timelineSpark draws the findings of an exposure up to now; nil if there are none.
func timelineSpark(x *alert.Exposure, now time.Time, width, height int) *spark {
	bars := x.Timeline.Until(now)
	if len(bars) == 0 {
		return nil
	}
	most, sum := uint32(1), uint64(0)
	for _, b := range bars {
		most = max(most, b.Findings)
		sum += uint64(b.Findings)
	}
	var path strings.Builder
	step := float64(width) / float64(max(len(bars), alert.TimelineBars/2))
	for i, b := range bars {
		if b.Findings == 0 {
			continue
		}
		tall := max(2, float64(height)*float64(b.Findings)/float64(most))
		fmt.Fprintf(&path, "M%s %dh%sv-%sh-%sz", short(float64(i)*step), height, short(step*0.8), short(tall), short(step*0.8))
	}
	first, last := bars[0], bars[len(bars)-1]
	return &spark{
		Width: width, Height: height, Path: path.String(), Axis: short(step * float64(len(bars))),
		Words: fmt.Sprintf("%s from %s UTC to now, in bars of %s: %d at most, %d in the last",
			alert.Plural(int64(min(sum, math.MaxInt64)), "finding"), first.From.Format("2006-01-02 15:04"), wordsOf(first.Width), most, last.Findings),
	}
}

// wordsOf writes a whole number of minutes: 4 min, 8 h, 2 d.
func wordsOf(d time.Duration) string {
	minutes := int64(d / time.Minute)
	switch {
	case minutes < 2*60:
		return fmt.Sprintf("%d min", minutes)
	case minutes < 2*24*60:
		return short(float64(minutes)/60) + " h"
	}
	return short(float64(minutes)/60/24) + " d"
}

// Spark draws the course of a row; nil if there is nothing to see: fewer than two values, or
// none but 0.
func (r Row) Spark() *spark {
	c := r.Course
	if c == nil || len(c.Values) < 2 {
		return nil
	}
	least, most := 0.0, 0.0
	for _, v := range c.Values {
		least, most = min(least, finite(v)), max(most, finite(v))
	}
	if least == most {
		return nil
	}
	var path strings.Builder
	step := float64(sparkWidth) / float64(len(c.Values)-1)
	for i, v := range c.Values {
		y := 1 + (sparkHeight-2)*(most-finite(v))/(most-least)
		fmt.Fprintf(&path, "%c%s %s", "ML"[min(i, 1)], short(float64(i)*step), short(y))
	}
	last := finite(c.Values[len(c.Values)-1])
	return &spark{
		Width: sparkWidth, Height: sparkHeight, Path: path.String(), Axis: short(sparkWidth), Line: true,
		Words: fmt.Sprintf("from %s to %s UTC: %s%s at most, %s%s at last", c.From.UTC().Format("15:04"), c.To.UTC().Format("15:04"),
			figures(most), c.Unit, figures(last), c.Unit),
	}
}

// finite is 0 for what is no number or has no bounds.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

// short writes a number with a decimal at most.
func short(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

// figures writes a number with three figures at most.
func figures(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
