package kafkaconn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// mechanismOAuth is SASL's name of bearer tokens (RFC 7628).
const mechanismOAuth = "OAUTHBEARER"

// mechanism returns nil without SASL.
func (a Access) mechanism() (sasl.Mechanism, error) {
	if a.Mechanism == "" {
		return nil, nil //nolint:nilnil // no mechanism means no SASL to kafka-go
	}
	read, made := a.password, sasl.Mechanism(scramSASL{a})
	switch a.Mechanism {
	case "SCRAM-SHA-256", "SCRAM-SHA-512":
	case "PLAIN":
		made = plainSASL{a}
	case mechanismOAuth:
		read, made = a.token, oauthSASL{func(context.Context) (string, error) { return a.token() }}
	case mechanismMSK:
		read, made = a.region, oauthSASL{a.signed}
	default:
		return nil, fmt.Errorf("unknown SASL mechanism %q: use one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, AWS_MSK_IAM", a.Mechanism)
	}
	if _, err := read(); err != nil {
		return nil, err
	}
	return made, nil
}

func (a Access) password() (string, error) {
	text, err := os.ReadFile(a.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read password file: %w", err)
	}
	return strings.Trim(string(text), "\r\n"), nil
}

// plainSASL is the mechanism PLAIN (RFC 4616) with the password from its file.
type plainSASL struct{ access Access }

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

// scramSASL is the mechanism SCRAM (RFC 5802, RFC 7677) with the password from
// its file, read anew for every authentication.
type scramSASL struct{ access Access }

// Name returns the mechanism's name.
func (s scramSASL) Name() string { return s.access.Mechanism }

// Start begins one authentication.
func (s scramSASL) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	password, err := s.access.password()
	if err != nil {
		return nil, nil, err
	}
	algorithm := scram.SHA256
	if s.access.Mechanism == scram.SHA512.Name() {
		algorithm = scram.SHA512
	}
	mechanism, err := scram.Mechanism(algorithm, s.access.User, password)
	if err != nil {
		return nil, nil, fmt.Errorf("authenticate by SCRAM: %w", err)
	}
	return mechanism.Start(ctx)
}

// oauthSASL is the mechanism OAUTHBEARER with a token that is new for every
// authentication: who runs the agent renews the file, or the token is signed.
type oauthSASL struct {
	token func(context.Context) (string, error)
}

// Name returns the mechanism's name.
func (oauthSASL) Name() string { return mechanismOAuth }

// Start sends the token (RFC 7628, section 3.1: a GS2 header, then key-value pairs,
// each ended by ^A, and one ^A more).
func (o oauthSASL) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	token, err := o.token(ctx)
	if err != nil {
		return nil, nil, err
	}
	return oauthSession{}, []byte("n,,\x01auth=Bearer " + token + "\x01\x01"), nil
}

// token reads the file. A token with spaces or control characters would end the
// message early.
func (a Access) token() (string, error) {
	text, err := os.ReadFile(a.TokenFile)
	if err != nil {
		return "", fmt.Errorf("read token file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", errors.New("read token file: want one token and nothing else")
	}
	return token, nil
}

// oauthSession is one authentication under way.
type oauthSession struct{}

// Next takes the broker's answer: empty for success, or why it refuses, upon which
// it expects one ^A before it ends (section 3.2.3).
func (oauthSession) Next(_ context.Context, challenge []byte) (done bool, response []byte, err error) {
	if len(challenge) == 0 {
		return true, nil, nil
	}
	return false, []byte{1}, nil
}
