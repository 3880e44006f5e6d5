package kafkaconn

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// Access says how brokers are reached and as whom.
type Access struct {
	// TLS turns it on; the other TLS fields need it.
	TLS bool
	// CAFile holds the authorities to trust, PEM; empty means the system's.
	CAFile string
	// CertFile and KeyFile are the client's certificate for mutual TLS, PEM.
	CertFile, KeyFile string
	// Mechanism is a SASL mechanism, PLAIN, SCRAM-SHA-256, SCRAM-SHA-512,
	// OAUTHBEARER or AWS_MSK_IAM, or empty.
	Mechanism string
	User      string
	// PasswordFile holds the password; line ends around it are dropped. It is
	// read anew for every connection.
	PasswordFile string
	// TokenFile holds the token of OAUTHBEARER. It is read anew, too.
	TokenFile string
	// Region is that of an Amazon MSK cluster, for AWS_MSK_IAM; AWS_REGION unless set.
	Region string
}

// tlsConfig returns nil without TLS.
func (a Access) tlsConfig() (*tls.Config, error) {
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
