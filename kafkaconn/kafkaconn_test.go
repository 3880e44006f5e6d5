package kafkaconn

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"
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

// TestOAuthBearer holds the exchange to RFC 7628; kfake does not speak it.
func TestOAuthBearer(t *testing.T) {
	mechanism, err := Access{Mechanism: mechanismOAuth, TokenFile: file(t, " eyJ.abc.def\n")}.mechanism()
	if err != nil {
		t.Fatal(err)
	}
	session, first, err := mechanism.Start(t.Context())
	if want := "n,,\x01auth=Bearer eyJ.abc.def\x01\x01"; err != nil || string(first) != want || mechanism.Name() != "OAUTHBEARER" {
		t.Fatalf("%s starts with %q, %v; want %q", mechanism.Name(), first, err, want)
	}
	if done, _, err := session.Next(t.Context(), nil); !done || err != nil {
		t.Errorf("after an empty answer: done %v, %v", done, err)
	}
	if done, reply, err := session.Next(t.Context(), []byte(`{"status":"invalid_token"}`)); done || string(reply) != "\x01" || err != nil {
		t.Errorf("after a refusal: done %v, reply %q, %v; want one ^A", done, reply, err)
	}
	for _, token := range []string{"", "two words", "a\x01b"} {
		if _, err := (Access{Mechanism: mechanismOAuth, TokenFile: file(t, token)}).mechanism(); err == nil {
			t.Errorf("token %q was taken", token)
		}
	}
}

// TestMSK signs with credentials of the environment, as AWS's SDK finds them; no network is asked.
// A token is a presigned request for kafka-cluster:Connect, in base64url.
func TestMSK(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_ACCESS_KEY_ID": "AKIDOFATEST", "AWS_SECRET_ACCESS_KEY": "the secret of a test", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "absent", "AWS_SHARED_CREDENTIALS_FILE": "absent", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	if _, err := (Access{Mechanism: mechanismMSK}).mechanism(); err == nil || !strings.Contains(err.Error(), "sasl.region, or AWS_REGION") {
		t.Errorf("without a region: %v", err)
	}
	mechanism, err := Access{Mechanism: mechanismMSK, Region: "eu-central-1"}.mechanism()
	if err != nil {
		t.Fatal(err)
	}
	_, first, err := mechanism.Start(t.Context())
	token, found := strings.CutPrefix(strings.TrimRight(string(first), "\x01"), "n,,\x01auth=Bearer ")
	if err != nil || !found || mechanism.Name() != "OAUTHBEARER" {
		t.Fatalf("%s starts with %q, %v", mechanism.Name(), first, err)
	}
	request, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(string(request))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Host != "kafka.eu-central-1.amazonaws.com" || q.Get("Action") != "kafka-cluster:Connect" ||
		!strings.HasPrefix(q.Get("X-Amz-Credential"), "AKIDOFATEST/") || len(q.Get("X-Amz-Signature")) != 64 || strings.Contains(string(request), "secret") {
		t.Errorf("the request is %s", u.Redacted())
	}
}

// TestHint says what is behind errors. An address that the user named is not blamed on
// the cluster.
func TestHint(t *testing.T) {
	user := Access{Mechanism: "PLAIN"}
	for _, test := range []struct {
		access Access
		err    error
		want   string
	}{
		{user, kafka.SASLAuthenticationFailed, "user name or password is wrong"},
		{Access{Mechanism: mechanismOAuth}, kafka.SASLAuthenticationFailed, "does not take the token"},
		{user, kafka.UnsupportedSASLMechanism, "does not offer the mechanism PLAIN"},
		{user, io.EOF, "or it wants TLS"},
		{Access{}, io.ErrUnexpectedEOF, "may want TLS or a password"},
		{user, &DialError{"internal:9093", true, os.ErrDeadlineExceeded}, "advertises internal:9093, which cannot be reached from here: check advertised.listeners"},
		{user, &DialError{"b:9092", false, os.ErrDeadlineExceeded}, ""},
		{user, errors.New("other"), ""},
	} {
		got := test.access.Hint(fmt.Errorf("wrapped: %w", test.err))
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%v: hint %q, want %q", test.err, got, test.want)
		}
	}
}

// TestDialErrorNamesTheAddress dials where nobody listens, as a broker told and as the
// user did.
func TestDialErrorNamesTheAddress(t *testing.T) {
	const address = "127.0.0.1:1"
	for _, named := range []bool{true, false} {
		brokers := []string{"b:9092"}
		if named {
			brokers = append(brokers, address)
		}
		d, err := NewDialer(Access{}, brokers, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.dial(t.Context(), "tcp", address)
		if err == nil || !strings.HasPrefix(err.Error(), "connect to broker "+address) {
			t.Errorf("dial = %v, want the address", err)
		}
		if got := (Access{}).Hint(err); strings.Contains(got, "advertises "+address) == named {
			t.Errorf("hint %q for an address that the user named: %v", got, named)
		}
	}
}
