// Package kafkaconn connects to Kafka brokers, for those who read topics and those who
// write them: TLS, SASL, and what is behind an error.
//
// Files with secrets and certificates are read anew for every connection, since they are
// renewed while an agent runs. No secret is in an error. A [Dialer] closes what it has
// opened, which kafka-go does not do by itself.
package kafkaconn
