package ingest

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// scramSASL is the mechanism SCRAM (RFC 5802, RFC 7677) with the password from
// its file, read anew for every authentication.
type scramSASL struct{ access KafkaAccess }

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
