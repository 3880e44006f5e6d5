package ingest

import (
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// file writes a file for the test and returns its name.
func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSASL(t *testing.T) {
	_, addr := newCluster(t, 1, kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "p,=1"),
		kfake.Superuser("SCRAM-SHA-256", "u,1", "p256"), kfake.Superuser("SCRAM-SHA-512", "u", "p512"))
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.SASL(plain.Auth{User: "u", Pass: "p,=1"}.AsMechanism()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "logs", Value: []byte("r 0")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ mechanism, user, password, want string }{
		{"PLAIN", "u", "p,=1\n", ""},
		{"SCRAM-SHA-256", "u,1", "p256", ""},
		{"SCRAM-SHA-512", "u", "p512", ""},
		{"PLAIN", "u", "not-it-7", "user name or password"},
		{"SCRAM-SHA-512", "u", "not-it-7", "user name or password"},
		{"", "", "", "may want TLS or a password"},
	} {
		for _, group := range []string{"", "g-" + test.mechanism} {
			t.Run(test.mechanism+test.password+group, func(t *testing.T) {
				l := newLedger()
				access := KafkaAccess{Mechanism: test.mechanism, User: test.user, PasswordFile: file(t, test.password)}
				err := start(t, KafkaConfig{Brokers: []string{addr}, Group: group, Access: access, StopAtEnd: true}, l).end(t)
				if test.want == "" && (err != nil || l.seen["r 0"] != 1) {
					t.Errorf("Run = %v, seen %v; want the record", err, l.seen)
				}
				if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("Run = %v, want an error that says %q", err, test.want)
				}
				if err != nil && test.password != "" && strings.Contains(err.Error(), test.password) {
					t.Errorf("error %q tells the password", err)
				}
			})
		}
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(nil) // for its certificate of 127.0.0.1
	server.StartTLS()
	certificate := server.TLS.Certificates[0]
	server.Close()
	_, addr := newCluster(t, 1, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{certificate}}))
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	for _, test := range []struct {
		name   string
		access KafkaAccess
		want   string
	}{
		{"trusted", KafkaAccess{TLS: true, CAFile: file(t, string(authority))}, ""},
		{"unknown authority", KafkaAccess{TLS: true}, "unknown authority"},
		{"plain text", KafkaAccess{}, "may want TLS or a password"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := start(t, KafkaConfig{Brokers: []string{addr}, Access: test.access, StopAtEnd: true}, newLedger()).end(t)
			if test.want == "" && err != nil {
				t.Errorf("Run = %v", err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("Run = %v, want an error that says %q", err, test.want)
			}
		})
	}
}

func TestNewKafkaRefuses(t *testing.T) {
	good := KafkaConfig{Brokers: []string{"b:9092"}, Topics: []string{"t"}}
	for _, test := range []struct {
		name string
		edit func(*KafkaConfig)
		want string
	}{
		{"no broker", func(c *KafkaConfig) { c.Brokers = nil }, "no broker address"},
		{"no topic", func(c *KafkaConfig) { c.Topics = nil }, "no topic"},
		{"long drain", func(c *KafkaConfig) { c.Timing.Drain = 2 * patience * 10 }, "drain time"},
		{"format", func(c *KafkaConfig) { c.Format = "jsn" }, `unknown format "jsn": use one of auto, json`},
		{"content", func(c *KafkaConfig) { c.Content = "x" }, `unknown content "x"`},
		{"limit", func(c *KafkaConfig) { c.MaxRecord = -1 }, "negative"},
		{"mechanism", func(c *KafkaConfig) { c.Access = KafkaAccess{Mechanism: "MD5", PasswordFile: os.DevNull} }, `unknown SASL mechanism "MD5"`},
		{"password file", func(c *KafkaConfig) { c.Access = KafkaAccess{Mechanism: "PLAIN", PasswordFile: "missing"} }, "read password file"},
		{"CA file", func(c *KafkaConfig) { c.Access = KafkaAccess{TLS: true, CAFile: "missing"} }, "read CA file"},
		{"empty CA file", func(c *KafkaConfig) { c.Access = KafkaAccess{TLS: true, CAFile: os.DevNull} }, "no PEM certificate"},
		{"client certificate", func(c *KafkaConfig) { c.Access = KafkaAccess{TLS: true, CertFile: "missing"} }, "read client certificate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := good
			test.edit(&cfg)
			if _, err := NewKafka(cfg, nil, nil); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("NewKafka = %v, want an error that says %q", err, test.want)
			}
		})
	}
	if _, err := NewKafka(good, nil, nil); err != nil {
		t.Errorf("NewKafka = %v for a good configuration", err)
	}
}

// TestSecretsAreReadAnew puts the right password into the file after the source was
// made with the wrong one.
func TestSecretsAreReadAnew(t *testing.T) {
	_, addr := newCluster(t, 1, kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "right"))
	password := file(t, "wrong\n")
	k, err := NewKafka(KafkaConfig{
		Brokers: []string{addr}, Topics: []string{"logs"}, StopAtEnd: true, Timing: fast(),
		Access: KafkaAccess{Mechanism: "PLAIN", User: "u", PasswordFile: password},
	}, nil, newTestLog(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(password, []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.Run(t.Context(), newLedger()); err != nil {
		t.Errorf("Run = %v with the password that is right by now", err)
	}
}

func TestMissingACLIsNamed(t *testing.T) {
	_, addr := newCluster(t, 1, kfake.EnableSASL(), kfake.EnableACLs(), kfake.User("PLAIN", "u", "p"))
	access := KafkaAccess{Mechanism: "PLAIN", User: "u", PasswordFile: file(t, "p")}
	err := start(t, KafkaConfig{Brokers: []string{addr}, Access: access, StopAtEnd: true}, newLedger()).end(t)
	if err == nil || !strings.Contains(err.Error(), "ACL") {
		t.Errorf("Run = %v, want an error that names the ACL", err)
	}
}
