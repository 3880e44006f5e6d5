package ingest

import (
	"errors"
	"fmt"
	"strings"

	kafka "github.com/segmentio/kafka-go"
)

// explain says what the user may have done wrong.
func (k *Kafka) explain(doing string, err error) error {
	at := strings.Join(k.cfg.Brokers, ",")
	if cause := errors.Unwrap(err); cause != nil && strings.HasPrefix(err.Error(), "kafka.(*Client)") {
		err = cause // kafka-go's method says nothing to the user
	}
	if hint := k.hint(err); hint != "" {
		return fmt.Errorf("%s at %s: %s: %w", doing, at, hint, err)
	}
	return fmt.Errorf("%s at %s: %w", doing, at, err)
}

// hint tells what is behind an error of the broker or the network, "" if nobody
// knows.
func (k *Kafka) hint(err error) string {
	switch {
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return "the user lacks an ACL: Read and Describe on the topic"
	case errors.Is(err, kafka.GroupAuthorizationFailed):
		return "the user lacks an ACL: Read on the group " + k.cfg.Group
	case errors.Is(err, kafka.ClusterAuthorizationFailed):
		return "the user lacks an ACL: Read and Describe on topic and group"
	}
	return k.cfg.Access.Hint(err)
}
