package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/leaktap/leaktap/classify"
)

// The forms of what a webhook receives.
const (
	// WebhookFindings is {"schema": WebhookSchema, "findings": […]}.
	WebhookFindings = "findings"
	// WebhookSlack is {"text": …}, as Slack's incoming webhooks, Mattermost and Rocket.Chat take.
	WebhookSlack = "slack"
	// WebhookTemplate is what WebhookConfig.Template makes.
	WebhookTemplate = "template"
)

// bodyWriter makes the body of one request.
type bodyWriter func(batch []*classify.Finding) ([]byte, error)

// bodyOf returns the writer of a form; empty is that of findings.
func bodyOf(form, text string) (bodyWriter, error) {
	switch form {
	case "", WebhookFindings:
		return findingsBody, nil
	case WebhookSlack:
		return slackBody, nil
	case WebhookTemplate:
		return templateBody(text)
	}
	return nil, fmt.Errorf("unknown format %q: use one of %s, %s, %s", form, WebhookFindings, WebhookSlack, WebhookTemplate)
}

// CheckWebhookFormat says what is wrong with a format or its template.
func CheckWebhookFormat(format, text string) error {
	_, err := bodyOf(format, text)
	return err
}

func findingsBody(batch []*classify.Finding) ([]byte, error) {
	body, err := json.Marshal(webhookBody{WebhookSchema, batch})
	return EscapeInvisible(body), err
}

// maxSlackLines bounds the findings of one message.
const maxSlackLines = 20

// slackBody writes a line for each finding. Slack takes <, > and & for marks of its own
// (Slack API, "Formatting text for app surfaces").
func slackBody(batch []*classify.Finding) ([]byte, error) {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	var lines []string
	for i, f := range batch {
		if i == maxSlackLines {
			lines = append(lines, fmt.Sprintf("… and %d more", len(batch)-i))
			break
		}
		where := strings.Join(nonEmpty(endpoint(f), part(f)), ", ")
		lines = append(lines, escape.Replace(fmt.Sprintf("%s *%s* %s: %s, first at %s. Fix: %s",
			strings.ToUpper(f.Severity.String()), f.Rule.ID, where, shape(f), Place(f.Source), f.Rule.Fix)))
	}
	body, err := json.Marshal(map[string]string{"text": strings.Join(lines, "\n")})
	return EscapeInvisible(body), err
}

// maxTemplated bounds what a template makes of one batch, in bytes.
const maxTemplated = 1 << 20

// templateBody compiles a template (text/template) that is given the findings as
// .Findings, each as in JSON lines; {{json .}} writes a value as JSON. What it makes has to
// be JSON.
func templateBody(text string) (bodyWriter, error) {
	t, err := template.New("webhook").Option("missingkey=error").Funcs(template.FuncMap{
		"json": func(value any) (string, error) {
			text, err := json.Marshal(value)
			return string(EscapeInvisible(text)), err
		},
		"upper": strings.ToUpper,
	}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	return func(batch []*classify.Finding) ([]byte, error) {
		var findings []map[string]any
		for _, f := range batch {
			line, err := jsonLine(f)
			if err != nil {
				return nil, err
			}
			var fields map[string]any
			if err := json.Unmarshal(line, &fields); err != nil {
				return nil, err
			}
			findings = append(findings, fields)
		}
		var b bytes.Buffer
		if err := t.Execute(&limitedWriter{&b, maxTemplated}, map[string]any{"Findings": findings}); err != nil {
			return nil, fmt.Errorf("execute template: %w", err)
		}
		if !json.Valid(b.Bytes()) {
			return nil, errors.New("execute template: what it makes is no JSON; write values with {{json .}}")
		}
		return b.Bytes(), nil
	}, nil
}

// limitedWriter fails when more is written than fits.
type limitedWriter struct {
	w    io.Writer
	left int
}

func (l *limitedWriter) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, fmt.Errorf("more than %d bytes", maxTemplated)
	}
	return l.w.Write(p)
}
