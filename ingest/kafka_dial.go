package ingest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
)

// clientID is how brokers see leaktap.
const clientID = "leaktap"

// KafkaAccess says how brokers are reached and as whom.
type KafkaAccess struct {
	// TLS turns it on; the other TLS fields need it.
	TLS bool
	// CAFile holds the authorities to trust, PEM; empty means the system's.
	CAFile string
	// CertFile and KeyFile are the client's certificate for mutual TLS, PEM.
	CertFile, KeyFile string
	// Mechanism is a SASL mechanism, PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or
	// OAUTHBEARER, or empty.
	Mechanism string
	User      string
	// PasswordFile holds the password; line ends around it are dropped. It is
	// read anew for every connection.
	PasswordFile string
	// TokenFile holds the token of OAUTHBEARER. It is read anew, too.
	TokenFile string
}

// dialer opens the connections of one Kafka source and closes them at its end,
// which kafka-go does not do by itself.
type dialer struct {
	access  KafkaAccess
	sasl    sasl.Mechanism
	timeout time.Duration
	// brokers are the addresses that the user named.
	brokers []string

	mu    sync.Mutex
	conns map[*conn]struct{}
}

// newDialer reads the files that the access names.
func newDialer(cfg KafkaConfig) (*dialer, error) {
	// A dial ends before the request that needs it, so that its error is told.
	d := &dialer{timeout: cfg.Timing.Request / 2, brokers: cfg.Brokers, conns: map[*conn]struct{}{}}
	d.access = cfg.Access
	if _, err := cfg.Access.tlsConfig(); err != nil {
		return nil, err
	}
	var err error
	if d.sasl, err = cfg.Access.mechanism(); err != nil {
		return nil, err
	}
	return d, nil
}

// transport returns a new kafka-go transport that keeps metadata of the topics,
// of all if there are none.
func (d *dialer) transport(topics []string) *kafka.Transport {
	return &kafka.Transport{
		Dial: d.dial, DialTimeout: d.timeout, SASL: d.sasl, ClientID: clientID,
		MetadataTopics: topics, MetadataTTL: 2 * time.Second,
	}
}

// kafka returns the dialer that group membership uses.
func (d *dialer) kafka() *kafka.Dialer {
	return &kafka.Dialer{ClientID: clientID, Timeout: d.timeout, DialFunc: d.dial, SASLMechanism: d.sasl}
}

// dial connects to a broker; its errors name the address.
func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	var plain net.Dialer
	raw, err := plain.DialContext(ctx, network, address)
	if err != nil {
		return nil, &dialError{address, !slices.Contains(d.brokers, address), err}
	}
	if d.access.TLS {
		secure, err := d.secure(ctx, raw, address)
		if err != nil {
			_ = raw.Close() // the handshake's error is the one that matters
			return nil, fmt.Errorf("start TLS with broker %s (does the port speak TLS?): %w", address, err)
		}
		raw = secure
	}
	c := &conn{Conn: raw, dialer: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns[c] = struct{}{}
	return c, nil
}

// secure starts TLS. The files are read for every connection: certificates are
// renewed while the agent runs.
func (d *dialer) secure(ctx context.Context, raw net.Conn, address string) (net.Conn, error) {
	config, err := d.access.tlsConfig()
	if err != nil {
		return nil, err
	}
	config.ServerName, _, _ = net.SplitHostPort(address)
	secure := tls.Client(raw, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secure, nil
}

// dialError is a broker that could not be reached.
type dialError struct {
	address string
	// advertised says that a broker told the address, and not the user.
	advertised bool
	cause      error
}

// Error names the address.
func (e *dialError) Error() string {
	return fmt.Sprintf("connect to broker %s: %v", e.address, e.cause)
}

// Unwrap returns the network's error.
func (e *dialError) Unwrap() error { return e.cause }

// closeAll closes every connection that is still open.
func (d *dialer) closeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		_ = c.Conn.Close() // nothing is left to write
	}
	clear(d.conns)
}

// conn is a connection that its dialer knows of.
type conn struct {
	net.Conn
	dialer *dialer
}

// Close closes the connection.
func (c *conn) Close() error {
	c.dialer.mu.Lock()
	delete(c.dialer.conns, c)
	c.dialer.mu.Unlock()
	return c.Conn.Close()
}

// tlsConfig returns nil without TLS.
func (a KafkaAccess) tlsConfig() (*tls.Config, error) {
	if !a.TLS {
		return nil, nil //nolint:nilnil // no configuration means no TLS to crypto/tls's users
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.CAFile != "" {
		pem, err := os.ReadFile(a.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read CA file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read CA file %s: no PEM certificate in it", a.CAFile)
		}
	}
	if a.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(a.CertFile, a.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// mechanism returns nil without SASL.
func (a KafkaAccess) mechanism() (sasl.Mechanism, error) {
	if a.Mechanism == "" {
		return nil, nil //nolint:nilnil // no mechanism means no SASL to kafka-go
	}
	read := a.password
	if a.Mechanism == mechanismOAuth {
		read = a.token
	}
	switch a.Mechanism {
	case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", mechanismOAuth:
	default:
		return nil, fmt.Errorf("unknown SASL mechanism %q: use one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER", a.Mechanism)
	}
	if _, err := read(); err != nil {
		return nil, err
	}
	switch a.Mechanism {
	case "PLAIN":
		return plainSASL{a}, nil
	case mechanismOAuth:
		return oauthSASL{a}, nil
	}
	return scramSASL{a}, nil
}

func (a KafkaAccess) password() (string, error) {
	text, err := os.ReadFile(a.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read password file: %w", err)
	}
	return strings.Trim(string(text), "\r\n"), nil
}

// plainSASL is the mechanism PLAIN (RFC 4616) with the password from its file.
type plainSASL struct{ access KafkaAccess }

// Name returns the mechanism's name.
func (plainSASL) Name() string { return "PLAIN" }

// Start begins one authentication.
func (p plainSASL) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	password, err := p.access.password()
	if err != nil {
		return nil, nil, err
	}
	return plain.Mechanism{Username: p.access.User, Password: password}.Start(ctx)
}
