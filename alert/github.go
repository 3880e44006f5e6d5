package alert

import (
	"fmt"
	"io"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// writeAnnotations writes an annotation of a workflow run for each exposure (GitHub,
// "Workflow commands for GitHub Actions").
func writeAnnotations(w io.Writer, list []Exposure) error {
	for i := range list {
		x := &list[i]
		properties := []string{"title=" + annotationProperty("leaktap "+x.Sample.Rule.ID)}
		if file := sourceFile(x.First); file != "" {
			properties = append(properties, "file="+annotationProperty(file))
			if x.First.Line > 0 {
				properties = append(properties, fmt.Sprintf("line=%d", x.First.Line))
			}
		}
		if _, err := fmt.Fprintf(w, "::%s %s::%s\n", annotationLevel(x.Severity), strings.Join(properties, ","), annotationText(message(x))); err != nil {
			return err
		}
	}
	return nil
}

func annotationLevel(s classify.Severity) string {
	switch {
	case s >= classify.High:
		return "error"
	case s == classify.Medium:
		return "warning"
	}
	return "notice"
}

// annotationText escapes what would end a command.
func annotationText(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// annotationProperty escapes what would end a property as well.
func annotationProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(annotationText(Clean(s)))
}

// sourceFile is the file that a source was read from, "" for one that is none.
func sourceFile(s classify.Source) string {
	switch s.Kind {
	case classify.SourceFile, classify.SourceHAR, classify.SourcePcap:
		return Clean(s.Name)
	}
	return ""
}

// message is an exposure in a sentence or two, for a reader who sees nothing else.
func message(x *Exposure) string {
	d := Describe(x)
	text := x.Sample.Rule.Title + ": " + strings.Join(nonEmpty(d.Endpoint, d.Part, d.Shape, d.Token), ", ")
	return text + ". Seen " + d.Seen + ", first at " + d.First + ". Fix: " + x.Sample.Rule.Fix
}
