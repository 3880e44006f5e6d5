package alert

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// WebhookSchema is the "schema" member of what a webhook receives.
const WebhookSchema = "leaktap/webhook/v1"

// SignatureHeader holds "sha256=" and the hexadecimal HMAC-SHA256 of the body
// under WebhookConfig.Secret.
const SignatureHeader = "X-Leaktap-Signature"

// WebhookConfig says where findings are posted; a zero field means its default.
type WebhookConfig struct {
	// URL is an absolute http or https URL.
	URL string
	// Secret signs each body; without it bodies are not signed.
	Secret []byte
	// Format is one of WebhookFindings, the default, WebhookSlack and WebhookTemplate; Template
	// is the text of the last.
	Format, Template string
	// AllowLinkLocal lets requests go to link-local addresses, where clouds keep credentials
	// for whoever asks from the machine.
	AllowLinkLocal bool
	// Timeout bounds one request, 10 s by default.
	Timeout time.Duration
	// GiveUp bounds the tries of one batch, 30 s by default. After a batch was
	// given up, the next ones are tried once each until one goes through.
	GiveUp time.Duration
	// Batch is how many findings one request holds at most, 50 by default.
	Batch int
	// Queue is how many findings wait, 10,000 by default.
	Queue int
}

// Webhook is a sink that posts findings as JSON. A batch that was refused (4xx) or
// that could not be delivered within GiveUp is dropped and counted.
type Webhook struct {
	*queue
	config WebhookConfig
	poster *poster
	body   bodyWriter
	down   bool // the last batch was given up
}

// webhookBody is what one request holds.
type webhookBody struct {
	Schema   string              `json:"schema"`
	Findings []*classify.Finding `json:"findings"`
}

// NewWebhook returns a webhook, or an error if its URL is none.
func NewWebhook(c WebhookConfig, m *Metrics, log *slog.Logger) (*Webhook, error) {
	if _, err := parseEndpoint(c.URL); err != nil {
		return nil, fmt.Errorf("configure webhook: %w", err)
	}
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.GiveUp = cmp.Or(c.GiveUp, 30*time.Second)
	body, err := bodyOf(c.Format, c.Template)
	if err != nil {
		return nil, fmt.Errorf("configure webhook: %w", err)
	}
	w := &Webhook{config: c, poster: newPoster(c.Timeout, c.AllowLinkLocal), body: body}
	w.queue = newQueue("webhook", cmp.Or(c.Queue, 10_000), cmp.Or(c.Batch, 50), m, log, w.send)
	return w, nil
}

// Run posts findings until ctx ends, then flushes for at most 5 s.
func (w *Webhook) Run(ctx context.Context) error {
	defer w.poster.close()
	return w.queue.Run(ctx)
}

// send posts one batch, again and again if need be. It is called by Run's
// goroutine only.
func (w *Webhook) send(ctx context.Context, batch []*classify.Finding) error {
	body, err := w.body(batch)
	if err != nil {
		return fmt.Errorf("encode findings: %w", err)
	}
	header := http.Header{}
	if len(w.config.Secret) > 0 {
		header.Set(SignatureHeader, sign(w.config.Secret, body))
	}
	tries, cancel := context.WithTimeout(ctx, w.config.GiveUp)
	defer cancel()
	var pause backoff
	for {
		err = w.poster.post(tries, w.config.URL, body, header)
		if err == nil || refused(err) || w.down {
			break
		}
		if pause.wait(tries); tries.Err() != nil {
			break
		}
	}
	w.down = err != nil && !refused(err)
	if err != nil {
		return fmt.Errorf("post findings: %w", err)
	}
	return nil
}

// sign returns the value of the signature header.
func sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
