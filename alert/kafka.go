package alert

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/leaktap/leaktap/classify"
)

// KafkaConfig says to which topic findings are written; a zero field means its
// default. Brokers and Topic are needed.
type KafkaConfig struct {
	Brokers []string
	Topic   string

	// TLS turns it on; CAFile, CertFile and KeyFile are PEM files.
	TLS                       bool
	CAFile, CertFile, KeyFile string
	// Mechanism is PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or empty. The
	// files with the secrets are read anew for every connection.
	Mechanism, User, PasswordFile, TokenFile string

	// Timeout bounds one request, 10 s by default.
	Timeout time.Duration
	// GiveUp bounds the tries of one batch, 30 s by default. After a batch was given
	// up, the next ones are tried once each until one goes through.
	GiveUp time.Duration
	// Queue is how many findings wait, 10,000 by default.
	Queue int
}

// Kafka is a sink that writes findings to a topic: the finding's JSON under its
// fingerprint as key, so that all findings of an exposure are in one partition, in
// order, and a compacted topic keeps the last of each. The header "id" is the
// finding's id: a replay repeats it. A batch is acknowledged by all replicas in sync
// before it counts as delivered; one that was refused, or could not be delivered
// within GiveUp, is dropped and counted.
type Kafka struct {
	*queue
	config KafkaConfig
	writer *kafka.Writer
	down   bool // the last batch was given up
}

// NewKafka checks the configuration and the files that it names; it does not
// connect.
func NewKafka(c KafkaConfig, m *Metrics, log *slog.Logger) (*Kafka, error) {
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.GiveUp = cmp.Or(c.GiveUp, 30*time.Second)
	transport, err := c.transport()
	if err != nil {
		return nil, fmt.Errorf("configure Kafka sink: %w", err)
	}
	k := &Kafka{config: c, writer: &kafka.Writer{
		Addr: kafka.TCP(c.Brokers...), Topic: c.Topic, Transport: transport,
		Balancer: &kafka.Murmur2Balancer{}, RequiredAcks: kafka.RequireAll, MaxAttempts: 1,
		BatchSize: kafkaBatch, BatchTimeout: time.Millisecond, WriteTimeout: c.Timeout, ReadTimeout: c.Timeout,
	}}
	k.queue = newQueue("kafka", cmp.Or(c.Queue, 10_000), kafkaBatch, m, log, k.send)
	return k, nil
}

// transport returns what reaches the brokers, or an error if the configuration or a file
// that it names is wrong. It does not connect.
func (c KafkaConfig) transport() (*kafka.Transport, error) {
	if len(c.Brokers) == 0 || c.Topic == "" {
		return nil, errors.New("want brokers and a topic")
	}
	access := &kafkaAccess{c}
	if err := access.check(); err != nil {
		return nil, err
	}
	t := &kafka.Transport{Dial: access.dial, DialTimeout: c.Timeout, ClientID: "leaktap", MetadataTopics: []string{c.Topic}}
	if c.Mechanism != "" {
		t.SASL = access
	}
	return t, nil
}

// kafkaBatch is how many findings one request holds at most.
const kafkaBatch = 500

// Run writes findings until ctx ends, then flushes for at most 5 s.
func (k *Kafka) Run(ctx context.Context) error {
	defer k.writer.Transport.(*kafka.Transport).CloseIdleConnections()
	err := k.queue.Run(ctx)
	return errors.Join(err, k.writer.Close())
}

// send writes one batch, what is left of it again and again if need be. It is called
// by Run's goroutine only.
func (k *Kafka) send(ctx context.Context, batch []*classify.Finding) error {
	messages := make([]kafka.Message, 0, len(batch))
	for _, f := range batch {
		line, err := jsonLine(f)
		if err != nil {
			return err
		}
		messages = append(messages, kafka.Message{
			Key: []byte(f.Fingerprint), Value: line[:len(line)-1],
			Headers: []kafka.Header{{Key: "id", Value: []byte(f.ID)}},
		})
	}
	tries, cancel := context.WithTimeout(ctx, k.config.GiveUp)
	defer cancel()
	var pause backoff
	for {
		err := k.writer.WriteMessages(tries, messages...)
		if err == nil {
			k.down = false
			return nil
		}
		var refused bool
		messages, refused = unwritten(messages, err)
		if !refused && !k.down {
			pause.wait(tries)
		}
		if refused || k.down || tries.Err() != nil {
			k.down = !refused
			return fmt.Errorf("write findings to topic %s: %w", k.config.Topic, explainKafka(err))
		}
	}
}

// unwritten returns the messages that were not acknowledged, and whether there is no
// use in trying again.
func unwritten(messages []kafka.Message, err error) (rest []kafka.Message, refused bool) {
	each, ok := errors.AsType[kafka.WriteErrors](err)
	if !ok || len(each) != len(messages) {
		return messages, isRefused(err)
	}
	for i, err := range each {
		if err != nil {
			rest = append(rest, messages[i])
			refused = refused || isRefused(err)
		}
	}
	return rest, refused
}

// isRefused says whether the same request will be refused again.
func isRefused(err error) bool {
	for _, refusal := range [...]kafka.Error{
		kafka.SASLAuthenticationFailed, kafka.TopicAuthorizationFailed, kafka.ClusterAuthorizationFailed,
		kafka.MessageSizeTooLarge, kafka.InvalidRecord, kafka.UnsupportedSASLMechanism,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// explainKafka says what the user may have done wrong.
func explainKafka(err error) error {
	if each, ok := errors.AsType[kafka.WriteErrors](err); ok {
		for _, e := range each {
			if e != nil {
				err = e
				break
			}
		}
	}
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		return fmt.Errorf("user name, password or token is wrong: %w", err)
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return fmt.Errorf("the user lacks an ACL: Write and Describe on the topic: %w", err)
	case errors.Is(err, kafka.UnknownTopicOrPartition):
		return fmt.Errorf("the topic does not exist: %w", err)
	}
	return err
}

// kafkaAccess opens connections. It is a sasl.Mechanism that reads its secret for
// each of them.
type kafkaAccess struct{ c KafkaConfig }

// check reads the files once.
func (a *kafkaAccess) check() error {
	if _, err := a.tls(); err != nil {
		return err
	}
	switch a.c.Mechanism {
	case "":
		return nil
	case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER":
		_, err := a.secret()
		return err
	}
	return fmt.Errorf("unknown SASL mechanism %q: use one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER", a.c.Mechanism)
}

func (a *kafkaAccess) secret() (string, error) {
	file := a.c.PasswordFile
	if a.c.Mechanism == "OAUTHBEARER" {
		file = a.c.TokenFile
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read secret of SASL: %w", err)
	}
	return strings.Trim(string(text), "\r\n"), nil
}

func (a *kafkaAccess) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.c.CAFile != "" {
		pem, err := os.ReadFile(a.c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read CA file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read CA file %s: no PEM certificate in it", a.c.CAFile)
		}
	}
	if a.c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(a.c.CertFile, a.c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// dial connects to a broker; its errors name the address.
func (a *kafkaAccess) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var plain net.Dialer
	conn, err := plain.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("connect to broker %s: %w", address, err)
	}
	if !a.c.TLS {
		return conn, nil
	}
	config, err := a.tls()
	if err == nil {
		config.ServerName, _, _ = net.SplitHostPort(address)
		secure := tls.Client(conn, config)
		if err = secure.HandshakeContext(ctx); err == nil {
			return secure, nil
		}
	}
	_ = conn.Close() // the handshake's error is the one that matters
	return nil, fmt.Errorf("start TLS with broker %s (does the port speak TLS?): %w", address, err)
}

// Name returns the mechanism's name.
func (a *kafkaAccess) Name() string { return a.c.Mechanism }

// Start begins one authentication (RFC 4616, RFC 5802, RFC 7628).
func (a *kafkaAccess) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	secret, err := a.secret()
	if err != nil {
		return nil, nil, err
	}
	algorithm := scram.SHA256
	switch a.c.Mechanism {
	case "PLAIN":
		return plain.Mechanism{Username: a.c.User, Password: secret}.Start(ctx)
	case "OAUTHBEARER":
		return bearer{}, []byte("n,,\x01auth=Bearer " + secret + "\x01\x01"), nil
	case "SCRAM-SHA-512":
		algorithm = scram.SHA512
	}
	mechanism, err := scram.Mechanism(algorithm, a.c.User, secret)
	if err != nil {
		return nil, nil, fmt.Errorf("authenticate by SCRAM: %w", err)
	}
	return mechanism.Start(ctx)
}

// bearer is one authentication by a token. The broker says nothing if it takes it;
// else it tells why, upon which it expects one ^A before it ends (section 3.2.3).
type bearer struct{}

// Next takes the broker's answer.
func (bearer) Next(_ context.Context, challenge []byte) (done bool, response []byte, err error) {
	return len(challenge) == 0, []byte{1}[:min(1, len(challenge))], nil
}
