package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// TestWebhookForms checks what each form makes of two findings, one of which holds what ends
// a text early.
func TestWebhookForms(t *testing.T) {
	evil := finding(1, at("/<!channel>&"), func(f *classify.Finding) { f.Severity, f.HTTP.Service = classify.Low, "a\n\"b" })
	batch := []*classify.Finding{finding(0), evil}
	const text = `{"alerts":[{{range $i, $f := .Findings}}{{if $i}},{{end}}{"rule":{{json .rule}},"at":{{json .http.route}},"s":"{{upper .severity}}"}{{end}}]}`
	for _, c := range []struct{ form, text, want string }{
		{WebhookSlack, "", `{"text":"CRITICAL *password-hash* users-api GET /api/users/{id} (200), response.body /items/*/password_hash: $2b$12$••• (60 bytes), first at access.log:1. ` +
			`Fix: Return only the fields that the caller needs, through an explicit serializer.\nLOW *password-hash* a \"b GET /\u0026lt;!channel\u0026gt;\u0026amp; (200), ` +
			`response.body /items/*/password_hash: $2b$12$••• (60 bytes), first at access.log:2. Fix: Return only the fields that the caller needs, through an explicit serializer."}`},
		{WebhookTemplate, text, `{"alerts":[{"rule":"password-hash","at":"/api/users/{id}","s":"CRITICAL"},{"rule":"password-hash","at":"/\u003c!channel\u003e\u0026","s":"LOW"}]}`},
	} {
		body, err := bodyOf(c.form, c.text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := body(batch)
		if err != nil || string(got) != c.want {
			t.Errorf("%s makes %s (%v), want %s", c.form, got, err, c.want)
		}
	}
	for form, want := range map[string]string{"teams": `unknown format "teams": use one of findings, slack, template`, WebhookTemplate: "parse template"} {
		if err := CheckWebhookFormat(form, "{{nothing"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %s", form, err, want)
		}
	}
	for text, want := range map[string]string{
		"no JSON": "no JSON", `{"a":{{json .Nothing}}}`: "no entry for key", `"{{range .Findings}}{{printf "%2000000d" 1}}{{end}}"`: "more than 1048576 bytes",
	} {
		body, err := bodyOf(WebhookTemplate, text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := body(batch); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: got error %v, want %s", text, err, want)
		}
	}
}

// TestSlackIsBounded checks that many findings make one short message.
func TestSlackIsBounded(t *testing.T) {
	var batch []*classify.Finding
	for i := range 50 {
		batch = append(batch, finding(i))
	}
	got, err := slackBody(batch)
	if err != nil || strings.Count(string(got), `\n`) != maxSlackLines || !strings.Contains(string(got), "… and 30 more") {
		t.Errorf("message is %s (%v)", got, err)
	}
}

// TestLinkLocalIsRefused checks that nothing is sent to where clouds keep credentials, unless
// it is allowed: then there is nobody.
func TestLinkLocalIsRefused(t *testing.T) {
	for _, target := range []string{"http://169.254.169.254/latest", "http://[fe80::1]:80/", "http://[::ffff:169.254.1.1]/"} {
		err := newPoster(time.Second, false).post(t.Context(), target, nil, nil)
		if err == nil || !strings.Contains(err.Error(), "link-local") {
			t.Errorf("%s: got error %v", target, err)
		}
	}
}
