//go:build e2e

package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// listeners is a broker with a plain listener, one that takes bearer tokens without a
// signature (Kafka's own handler for development, KIP-255), and one that tells clients
// to go where nobody is.
type listeners struct {
	*broker
	oauth, far, nowhere string
}

func startListeners(t *testing.T) *listeners {
	t.Helper()
	address, config := brokerConfig(t)
	l := &listeners{
		oauth:   fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		far:     fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		nowhere: fmt.Sprintf("127.0.0.1:%d", freePort(t)),
	}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	plain := "PLAINTEXT://" + address
	edited := strings.Replace(string(text), "\nlisteners="+plain, "\nlisteners="+plain+",OAUTH://"+l.oauth+",FAR://"+l.far, 1)
	edited = strings.Replace(edited, "advertised.listeners="+plain, "advertised.listeners="+plain+",OAUTH://"+l.oauth+",FAR://"+l.nowhere, 1)
	edited = strings.Replace(edited, "PLAINTEXT:PLAINTEXT,", "PLAINTEXT:PLAINTEXT,OAUTH:SASL_PLAINTEXT,FAR:PLAINTEXT,", 1)
	edited += `listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.oauth.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";
`
	config = write(t, t.TempDir(), "listeners.properties", edited)
	formatNode(t, config)
	l.broker = &broker{startNode(t, "kafka", address, config), address, newKafkaClient(t, address)}
	return l
}

// unsecuredToken is a JWT without a signature (RFC 7519, section 6).
func unsecuredToken(expires time.Time) string {
	claims := fmt.Sprintf(`{"sub":"leaktap","iat":%d,"exp":%d}`, expires.Add(-time.Hour).Unix(), expires.Unix())
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "."
}

// TestListeners reads with a bearer token, and says what is wrong with one that is
// refused, and with a listener that leads nowhere. So does the sink.
func TestListeners(t *testing.T) {
	kafka := startListeners(t)
	const topic, findings = "logs", "findings"
	kafka.topic(t, topic, 1)
	kafka.topic(t, findings, 1)
	leak := leakAt(newSecrets(), 1)
	kafka.mustProduce(t, topic, 1, []string{leak})
	dir := t.TempDir()
	good, old := unsecuredToken(time.Now().Add(time.Hour)), unsecuredToken(time.Now().Add(-time.Hour))
	oauth := func(token string) []string {
		return []string{"--sasl", "OAUTHBEARER", "--sasl-token-file", write(t, dir, token[len(token)-8:], token+"\n")}
	}
	const refused = "the broker does not take the token: it may have expired"
	nowhere := "the cluster advertises " + kafka.nowhere + ", which cannot be reached from here: check advertised.listeners"
	for _, test := range []struct {
		name, broker string
		args         []string
		code         int
		says         string
	}{
		{"token", kafka.oauth, oauth(good), 1, "1 record"},
		{"token in a group", kafka.oauth, append(oauth(good), "-g", "tokens"), 1, "1 record"},
		{"expired token", kafka.oauth, oauth(old), 3, refused},
		{"expired token in a group", kafka.oauth, append(oauth(old), "-g", "tokens"), 3, refused},
		{"what is no token", kafka.oauth, oauth("not-a-token"), 3, refused},
		{"no token", kafka.oauth, nil, 3, "may want TLS or a password"},
		{"advertised listener", kafka.far, nil, 3, nowhere},
		{"advertised listener, in a group", kafka.far, []string{"-g", "far"}, 3, nowhere},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := run(t, "", append([]string{"tail", "-b", test.broker, "-t", topic, "-o", "earliest", "-e", "--fail-on", "high"}, test.args...)...)
			if r.code != test.code || !strings.Contains(r.stderr, test.says) {
				t.Errorf("exit code %d, want %d, and standard error has to say %q:\n%s", r.code, test.code, test.says, r.stderr)
			}
			if strings.Contains(r.stderr+r.stdout, good) || strings.Contains(r.stderr+r.stdout, old) {
				t.Error("a token was shown")
			}
		})
	}
}
