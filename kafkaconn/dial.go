package kafkaconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
)

// ClientID is how brokers see leaktap.
const ClientID = "leaktap"

// Dialer opens the connections of one source or sink.
type Dialer struct {
	access  Access
	sasl    sasl.Mechanism
	timeout time.Duration
	// brokers are the addresses that the user named.
	brokers []string

	mu    sync.Mutex
	conns map[*conn]struct{}
}

// NewDialer reads the files that the access names, and does not connect. The brokers
// are the addresses that the user named; timeout bounds a dial.
func NewDialer(access Access, brokers []string, timeout time.Duration) (*Dialer, error) {
	if _, err := access.tlsConfig(); err != nil {
		return nil, err
	}
	mechanism, err := access.mechanism()
	if err != nil {
		return nil, err
	}
	return &Dialer{access: access, sasl: mechanism, timeout: timeout, brokers: brokers, conns: map[*conn]struct{}{}}, nil
}

// Transport returns a new kafka-go transport that keeps metadata of the topics,
// of all if there are none.
func (d *Dialer) Transport(topics []string) *kafka.Transport {
	return &kafka.Transport{
		Dial: d.dial, DialTimeout: d.timeout, SASL: d.sasl, ClientID: ClientID,
		MetadataTopics: topics, MetadataTTL: 2 * time.Second,
	}
}

// Kafka returns the dialer that group membership uses.
func (d *Dialer) Kafka() *kafka.Dialer {
	return &kafka.Dialer{ClientID: ClientID, Timeout: d.timeout, DialFunc: d.dial, SASLMechanism: d.sasl}
}

// dial connects to a broker; its errors name the address.
func (d *Dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	var plain net.Dialer
	raw, err := plain.DialContext(ctx, network, address)
	if err != nil {
		return nil, &DialError{address, !slices.Contains(d.brokers, address), err}
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
func (d *Dialer) secure(ctx context.Context, raw net.Conn, address string) (net.Conn, error) {
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

// DialError is a broker that could not be reached.
type DialError struct {
	address string
	// advertised says that a broker told the address, and not the user.
	advertised bool
	cause      error
}

// Error names the address.
func (e *DialError) Error() string {
	return fmt.Sprintf("connect to broker %s: %v", e.address, e.cause)
}

// Unwrap returns the network's error.
func (e *DialError) Unwrap() error { return e.cause }

// CloseAll closes every connection that is still open.
func (d *Dialer) CloseAll() {
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
	dialer *Dialer
}

// Close closes the connection.
func (c *conn) Close() error {
	c.dialer.mu.Lock()
	delete(c.dialer.conns, c)
	c.dialer.mu.Unlock()
	return c.Conn.Close()
}
