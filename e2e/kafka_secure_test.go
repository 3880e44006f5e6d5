//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// authority signs the certificates of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "e2e authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(crand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, toPEM("CERTIFICATE", der)}
}

func toPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issue makes a key and a certificate for 127.0.0.1.
func (a *authority) issue(t *testing.T, name string) (key, cert string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(crand.Reader, template, a.cert, &k.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return toPEM("PRIVATE KEY", pkcs8), toPEM("CERTIFICATE", der)
}

// secured is a broker with a plain listener, and one with TLS, client certificates and
// SASL.
type secured struct {
	*broker
	secure        string
	ca, cert, key string // files
}

func startSecured(t *testing.T, password string) *secured {
	t.Helper()
	ca := newAuthority(t)
	dir := t.TempDir()
	serverKey, serverCert := ca.issue(t, "broker")
	clientKey, clientCert := ca.issue(t, "leaktap")
	address, config := brokerConfig(t)
	s := &secured{
		secure: fmt.Sprintf("127.0.0.1:%d", freePort(t)), ca: write(t, dir, "ca.pem", ca.pem),
		cert: write(t, dir, "client.pem", clientCert), key: write(t, dir, "client.key", clientKey),
	}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	plain := "PLAINTEXT://" + address
	edited := strings.ReplaceAll(string(text), plain, plain+",SASL_SSL://"+s.secure)
	edited = strings.Replace(edited, "PLAINTEXT:PLAINTEXT,", "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,", 1)
	edited += fmt.Sprintf(`ssl.keystore.type=PEM
ssl.keystore.location=%s
ssl.truststore.type=PEM
ssl.truststore.location=%s
listener.name.sasl_ssl.ssl.client.auth=required
sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_leaktap="%s";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:leaktap
`, write(t, dir, "broker.pem", serverKey+serverCert), s.ca, password)
	config = write(t, dir, "secured.properties", edited)
	formatNode(t, config,
		"-S", "SCRAM-SHA-512=[name=leaktap,password="+password+"]", "-S", "SCRAM-SHA-256=[name=leaktap,password="+password+"]",
		"-S", "SCRAM-SHA-512=[name=nobody,password="+password+"]")
	s.broker = &broker{startNode(t, "kafka", address, config), address, newKafkaClient(t, address)}
	return s
}

// TestSecuredBroker reads with TLS, a client's certificate and each mechanism, and says
// what is wrong when something is.
func TestSecuredBroker(t *testing.T) {
	password := "pw-" + base64.RawURLEncoding.EncodeToString([]byte(random(alphanumeric, 12)))
	kafka := startSecured(t, password)
	const topic = "secured"
	kafka.topic(t, topic, 1)
	kafka.mustProduce(t, topic, 1, []string{leakAt(newSecrets(), 1)})
	dir := t.TempDir()
	right, wrong := write(t, dir, "right", password+"\n"), write(t, dir, "wrong", "not-it\n")
	tls := []string{"--tls", "--tls-ca", kafka.ca, "--tls-cert", kafka.cert, "--tls-key", kafka.key}
	sasl := func(mechanism, user, file string) []string {
		return append([]string{"--sasl", mechanism, "--sasl-user", user, "--sasl-password-file", file}, tls...)
	}
	for _, test := range []struct {
		name, broker string
		args         []string
		code         int
		says         string
	}{
		{"SCRAM-SHA-512", kafka.secure, sasl("SCRAM-SHA-512", "leaktap", right), 1, "1 record"},
		{"SCRAM-SHA-256", kafka.secure, sasl("SCRAM-SHA-256", "leaktap", right), 1, "1 record"},
		{"PLAIN", kafka.secure, sasl("PLAIN", "leaktap", right), 1, "1 record"},
		{"in a group", kafka.secure, append(sasl("SCRAM-SHA-512", "leaktap", right), "-g", "secured"), 1, "1 record"},
		{"by properties", kafka.secure, []string{
			"-X", "security.protocol=sasl_ssl", "-X", "ssl.ca.location=" + kafka.ca, "-X", "ssl.certificate.location=" + kafka.cert,
			"-X", "ssl.key.location=" + kafka.key, "-X", "sasl.mechanism=SCRAM-SHA-512", "-X", "sasl.username=leaktap", "-X", "sasl.password.file=" + right,
		}, 1, "1 record"},
		{"wrong password", kafka.secure, sasl("SCRAM-SHA-512", "leaktap", wrong), 3, "user name or password"},
		{"mechanism that is not offered", kafka.secure, append([]string{"--sasl", "OAUTHBEARER", "--sasl-token-file", right}, tls...), 3, "does not offer the mechanism OAUTHBEARER"},
		{"no ACL", kafka.secure, sasl("SCRAM-SHA-512", "nobody", right), 3, "ACL"},
		{"plain to a TLS port", kafka.secure, nil, 3, "TLS"},
		{"TLS to a plain port", kafka.address, []string{"--tls", "--tls-ca", kafka.ca}, 3, "TLS"},
		{"no client certificate", kafka.secure, append([]string{"--sasl", "PLAIN", "--sasl-user", "leaktap", "--sasl-password-file", right}, "--tls", "--tls-ca", kafka.ca), 3, "certificate"},
		{"unknown authority", kafka.secure, append([]string{"--sasl", "PLAIN", "--sasl-user", "leaktap", "--sasl-password-file", right}, "--tls"), 3, "authority"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := run(t, "", append([]string{"tail", "-b", test.broker, "-t", topic, "-o", "earliest", "-e", "--fail-on", "high"}, test.args...)...)
			if r.code != test.code || !strings.Contains(r.stderr, test.says) {
				t.Errorf("exit code %d, want %d, and standard error has to say %q:\n%s", r.code, test.code, test.says, r.stderr)
			}
			if strings.Contains(r.stderr+r.stdout, password) || strings.Contains(r.stderr, "not-it") {
				t.Error("a password was shown")
			}
		})
	}
}
