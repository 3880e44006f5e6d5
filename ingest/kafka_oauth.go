package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
)

// mechanismOAuth is SASL's name of bearer tokens (RFC 7628).
const mechanismOAuth = "OAUTHBEARER"

// oauthSASL is the mechanism OAUTHBEARER with the token from its file, read anew
// for every authentication: who runs the agent renews the file.
type oauthSASL struct{ access KafkaAccess }

// Name returns the mechanism's name.
func (oauthSASL) Name() string { return mechanismOAuth }

// Start sends the token (RFC 7628, section 3.1: a GS2 header, then key-value pairs,
// each ended by ^A, and one ^A more).
func (o oauthSASL) Start(context.Context) (sasl.StateMachine, []byte, error) {
	token, err := o.access.token()
	if err != nil {
		return nil, nil, err
	}
	return oauthSession{}, []byte("n,,\x01auth=Bearer " + token + "\x01\x01"), nil
}

// token reads the file. A token with spaces or control characters would end the
// message early.
func (a KafkaAccess) token() (string, error) {
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
