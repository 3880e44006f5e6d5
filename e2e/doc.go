// Package e2e proves leaktap on real parts: the built binary reads the traffic and
// the logs of a Flask application through a veth pair and a Kafka broker, and tells
// Prometheus, Alertmanager and a webhook. Its tests carry the build tag e2e; "make
// e2e" sets up what they need and runs them.
//
// Everything runs on loopback or in network namespaces that a test made, on free
// ports, as processes that the test ends by their group. Logs of every process are
// kept in .tools/e2e-logs and shown when a test fails. A test whose component is not
// installed says so and is skipped; under CI=true it fails.
//
// Users and secrets are new in each run. What a test collects (standard output and
// error, files, metrics, pages, alerts, webhook bodies) goes into a pile, which is
// searched for every planted secret at the end.
package e2e
