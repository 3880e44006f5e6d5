//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// allow lets the user "nobody" do something with a topic or a group.
func (b *broker) allow(t *testing.T, kind kmsg.ACLResourceType, name string, operation kmsg.ACLOperation) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req := kmsg.NewPtrCreateACLsRequest()
	rule := kmsg.NewCreateACLsRequestCreation()
	rule.ResourceType, rule.ResourceName, rule.ResourcePatternType = kind, name, kmsg.ACLResourcePatternTypeLiteral
	rule.Principal, rule.Host, rule.Operation, rule.PermissionType = "User:nobody", "*", operation, kmsg.ACLPermissionTypeAllow
	req.Creations = append(req.Creations, rule)
	res, err := req.RequestWith(ctx, b.client)
	if err == nil {
		err = kerr.ErrorForCode(res.Results[0].ErrorCode)
	}
	if err != nil {
		t.Fatalf("make ACL for %s: %v", name, err)
	}
}

// TestCheckConfigConnects checks configurations against a broker with TLS, SASL and ACLs, and
// a real Alertmanager. Nothing may be left behind: no offset, no record, no alert.
func TestCheckConfigConnects(t *testing.T) {
	password := "pw-" + base64.RawURLEncoding.EncodeToString([]byte(random(alphanumeric, 12)))
	kafka := startSecured(t, password)
	for _, topic := range []string{"logs", "seen", "findings", "hidden"} {
		kafka.topic(t, topic, 2)
	}
	kafka.mustProduce(t, "logs", 2, []string{leakAt(newSecrets(), 1)})
	kafka.allow(t, kmsg.ACLResourceTypeTopic, "logs", kmsg.ACLOperationRead)
	kafka.allow(t, kmsg.ACLResourceTypeTopic, "seen", kmsg.ACLOperationDescribe)
	kafka.allow(t, kmsg.ACLResourceTypeTopic, "findings", kmsg.ACLOperationWrite)
	kafka.allow(t, kmsg.ACLResourceTypeGroup, "readers", kmsg.ACLOperationRead)
	kafka.allow(t, kmsg.ACLResourceTypeGroup, "watched", kmsg.ACLOperationDescribe)
	hook := startReceiver(t)
	am := startAlertmanager(t, hook.URL)
	dir := t.TempDir()
	right, wrong := write(t, dir, "right", password+"\n"), write(t, dir, "wrong", "not-it\n")
	source := func(topic, group, passwordFile string) string {
		return fmt.Sprintf(`
  - kafka: {brokers: [%q], topics: [%q], group: %q, %s}`, kafka.secure, topic, group, kafka.accessAs(passwordFile))
	}
	sinks := func(topic, alertmanager, webhook string) string {
		return fmt.Sprintf(`
sinks:
  alertmanager: {urls: [%q]}
  webhook: {url: %q}
  kafka: {brokers: [%q], topic: %q, %s}
http: {listen: "127.0.0.1:0"}
`, alertmanager, webhook, kafka.secure, topic, kafka.accessAs(right))
	}
	for _, test := range []struct {
		name, text string
		code       int
		says       []string
	}{
		{"all is well", source("logs", "readers", right) + sinks("findings", am.url, hook.URL+"/hook"), 0, []string{
			"ok    sources[0].kafka: broker " + kafka.secure + ": connects\n", "ok    sources[0].kafka: topics logs: exist, 2 partitions\n",
			"ok    sources[0].kafka: topics logs: may be read\n", "ok    sources[0].kafka: group readers: may be read\n",
			"ok    sinks.kafka: topics findings: may be written\n", "ok    sinks.alertmanager.urls[0]: answers\n",
			"ok    sinks.webhook.url: connects; nothing was sent\n", "ok    http.listen: 127.0.0.1:0 is free\n",
		}},
		{"rights are missing", source("seen", "readers", right) + source("logs", "watched", right) + source("hidden", "strangers", right) + sinks("logs", am.url, hook.URL), 3, []string{
			"FAIL  sources[0].kafka: topics seen: may be read: the user lacks an ACL: Read on the topic seen\n",
			"FAIL  sources[1].kafka: group watched: may be read: the user lacks an ACL: Read on the group watched\n",
			"FAIL  sources[2].kafka: topics hidden: exist: ", "ACL: Read and Describe on the topic",
			"FAIL  sources[2].kafka: group strangers: may be read: the user lacks an ACL: Read on the group strangers",
			"FAIL  sinks.kafka: topics logs: may be written: the user lacks an ACL: Write on the topic logs\n",
		}},
		{"password is wrong", source("logs", "readers", wrong) + sinks("findings", am.url, hook.URL), 3, []string{
			"FAIL  sources[0].kafka: broker " + kafka.secure + ": connects: user name or password is wrong",
		}},
		{"not an Alertmanager", source("logs", "readers", right) + sinks("findings", am.url+"/api", "https://"+hostOf(hook.URL)), 3, []string{
			"FAIL  sinks.alertmanager.urls[0]: ask " + hostOf(am.url) + ": answered 404 to /api/v2/status: name the base URL",
			"FAIL  sinks.webhook.url: connect to " + hostOf(hook.URL) + ": ",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := run(t, "", "check-config", "--connect", write(t, t.TempDir(), "leaktap.yaml", "sources:"+test.text))
			if r.code != test.code {
				t.Errorf("exit code %d, want %d: %s", r.code, test.code, r.stderr)
			}
			for _, want := range test.says {
				if !strings.Contains(r.stdout, want) {
					t.Errorf("standard output does not say %q:\n%s", want, r.stdout)
				}
			}
			if strings.Contains(r.stdout+r.stderr, password) || strings.Contains(r.stdout+r.stderr, "not-it") {
				t.Error("a password was shown")
			}
		})
	}
	if n := total(kafka.committed(t, "readers", "logs")); n != 0 {
		t.Errorf("offsets were committed: %d", n)
	}
	if got := hook.received(); got != "" {
		t.Errorf("the webhook received %q", got)
	}
	if alerts := am.alerts(t); len(alerts) != 0 {
		t.Errorf("alerts were raised: %v", alerts)
	}
}

// accessAs is how a configuration names TLS and SASL of the user "nobody".
func (s *secured) accessAs(passwordFile string) string {
	return fmt.Sprintf("tls: {ca_file: %q, cert_file: %q, key_file: %q}, sasl: {mechanism: SCRAM-SHA-512, user: nobody, password_file: %q}", s.ca, s.cert, s.key, passwordFile)
}
