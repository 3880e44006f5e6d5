package kafkaconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"

	kafka "github.com/segmentio/kafka-go"
)

// Denied says whether the broker has refused the user, which waiting does not
// change.
func Denied(err error) bool {
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

// Hint tells what the user may have done wrong that is behind an error of the network
// or of authentication, "" if nobody knows.
func (a Access) Hint(err error) string {
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		if a.Mechanism == mechanismOAuth {
			return "the broker does not take the token: it may have expired or be for another audience"
		}
		return "user name or password is wrong"
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		return "the broker does not offer the mechanism " + a.Mechanism
	}
	if hint := dialHint(err); hint != "" {
		return hint
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		if a.Mechanism != "" {
			return "the broker closed the connection: user name or password may be wrong, or it wants TLS"
		}
		return "the broker closed the connection: it may want TLS or a password"
	}
	return ""
}

// dialHint tells what is behind a connection that did not come about.
func dialHint(err error) string {
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
	dial, ok := errors.AsType[*DialError](err)
	if !ok || !dial.advertised {
		return ""
	}
	return "the cluster advertises " + dial.address + ", which cannot be reached from here: " +
		"check advertised.listeners of the brokers, or name resolution and network here"
}
