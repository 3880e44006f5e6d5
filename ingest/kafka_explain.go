package ingest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"

	kafka "github.com/segmentio/kafka-go"
)

// isDenied says whether the broker has refused the user, which waiting does not
// change.
func isDenied(err error) bool {
	for _, denial := range [...]kafka.Error{
		kafka.SASLAuthenticationFailed, kafka.UnsupportedSASLMechanism, kafka.TopicAuthorizationFailed,
		kafka.GroupAuthorizationFailed, kafka.ClusterAuthorizationFailed,
	} {
		if errors.Is(err, denial) {
			return true
		}
	}
	return false
}

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
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		if k.cfg.Access.Mechanism == mechanismOAuth {
			return "the broker does not take the token: it may have expired or be for another audience"
		}
		return "user name or password is wrong"
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		return "the broker does not offer the mechanism " + k.cfg.Access.Mechanism
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return "the user lacks an ACL: Read and Describe on the topic"
	case errors.Is(err, kafka.GroupAuthorizationFailed):
		return "the user lacks an ACL: Read on the group " + k.cfg.Group
	case errors.Is(err, kafka.ClusterAuthorizationFailed):
		return "the user lacks an ACL: Read and Describe on topic and group"
	}
	if hint := k.dialHint(err); hint != "" {
		return hint
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		if k.cfg.Access.Mechanism != "" {
			return "the broker closed the connection: user name or password may be wrong, or it wants TLS"
		}
		return "the broker closed the connection: it may want TLS or a password"
	}
	return ""
}

// dialHint tells what is behind a connection that did not come about.
func (k *Kafka) dialHint(err error) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the port does not speak TLS: connect without it, or to the TLS listener"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the broker's certificate is of an authority that is not trusted: name its CA file"
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the broker's certificate is not for " + e.Host
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return "the broker refused TLS (" + alert.Error() + "): it may want a client certificate"
	}
	dial, ok := errors.AsType[*dialError](err)
	if !ok || !dial.advertised {
		return ""
	}
	return "the cluster advertises " + dial.address + ", which cannot be reached from here: " +
		"check advertised.listeners of the brokers, or name resolution and network here"
}
