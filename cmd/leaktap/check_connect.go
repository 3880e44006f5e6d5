package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leaktap/leaktap/capture"
	"github.com/leaktap/leaktap/ingest"
)

// connectTimeout bounds each check that goes over a network.
const connectTimeout = 5 * time.Second

// connection checks one part of a configuration.
type connection func(ctx context.Context) checklist

// connect looks at what the configuration names, all at once, and reports in the order of the
// file.
func (c *config) connect(ctx context.Context) (all checklist) {
	list := c.connections()
	results := make([]checklist, len(list))
	var running sync.WaitGroup
	for i, check := range list {
		running.Go(func() { results[i] = check(ctx) })
	}
	running.Wait()
	return slices.Concat(results...)
}

// connections are the checks of all parts.
func (c *config) connections() (list []connection) {
	for i, s := range c.Sources {
		path := fmt.Sprintf("sources[%d]", i)
		switch {
		case s.Kafka != nil:
			list = append(list, func(ctx context.Context) checklist { return checkKafkaSource(ctx, path+".kafka", s.Kafka) })
		case s.Interface != nil:
			list = append(list, func(context.Context) checklist { return checkInterfaces(path+".interface", s.Interface) })
		}
	}
	if k := c.Sinks.Observations; k != nil {
		list = append(list, func(ctx context.Context) checklist { return checkKafkaSink(ctx, "sinks.observations", k) })
	}
	if k := c.Sinks.Kafka; k != nil {
		list = append(list, func(ctx context.Context) checklist { return checkKafkaSink(ctx, "sinks.kafka", k) })
	}
	if am := c.Sinks.Alertmanager; am != nil {
		for i, member := range am.URLs {
			what := fmt.Sprintf("sinks.alertmanager.urls[%d]", i)
			list = append(list, func(ctx context.Context) (l checklist) {
				l.outcome(what, "answers", askAlertmanager(ctx, member))
				return l
			})
		}
	}
	if w := c.Sinks.Webhook; w != nil {
		list = append(list, func(ctx context.Context) (l checklist) {
			l.outcome("sinks.webhook.url", "connects; nothing was sent", reachURL(ctx, w.URL))
			return l
		})
	}
	if c.HTTP.Listen != "" {
		list = append(list, func(context.Context) (l checklist) {
			l.outcome("http.listen", c.HTTP.Listen+" is free", tryListen(c.HTTP.Listen))
			return l
		})
	}
	return list
}

func checkKafkaSource(ctx context.Context, path string, k *kafkaConfig) (l checklist) {
	cfg, err := k.kafka()
	if err != nil {
		l.outcome(path, "", err)
		return l
	}
	return checkKafka(ctx, path, cfg, ingest.ReadTopics)
}

func checkKafkaSink(ctx context.Context, path string, k *kafkaSinkConfig) checklist {
	return checkKafka(ctx, path, ingest.KafkaConfig{Brokers: k.Access.Brokers, Topics: []string{k.Topic}, Access: k.Access.access()}, ingest.WriteTopics)
}

func checkKafka(ctx context.Context, path string, cfg ingest.KafkaConfig, use ingest.KafkaUse) (l checklist) {
	cfg.Timing.Request = connectTimeout
	for _, c := range ingest.CheckKafka(ctx, cfg, use) {
		switch {
		case c.Err == nil:
			l.add(checkOK, path, c.What)
		case c.Warning:
			l.add(checkWarn, path, c.What+": "+c.Err.Error())
		default:
			l.add(checkFail, path, c.What+": "+c.Err.Error())
		}
	}
	return l
}

// checkInterfaces wants each interface that is named to be there, and the capability.
func checkInterfaces(path string, c *interfaceConfig) (l checklist) {
	cfg, err := c.capture()
	if err == nil {
		err = capture.CheckCapability()
	}
	l.outcome(path, "CAP_NET_RAW is effective", err)
	up, err := capture.FindInterfaces(cfg.Interfaces)
	switch {
	case err != nil:
		l.add(checkFail, path, err.Error())
	case len(up) == 0:
		l.add(checkWarn, path, strings.Join(cfg.Interfaces, ", ")+": nothing of it is up at present: what comes up later is captured on")
	default:
		l.add(checkOK, path, strings.Join(up, ", ")+" up")
	}
	return l
}

// askAlertmanager asks a member for its status. The error does not repeat the URL, which may
// hold a password.
func askAlertmanager(ctx context.Context, member string) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	base, err := url.Parse(member)
	if err != nil {
		return errors.New("is no URL")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath("api/v2/status").String(), nil)
	if err != nil {
		return errors.New("is no URL")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} // as the sink
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if err != nil {
		return fmt.Errorf("ask %s: %w: is Alertmanager there, and reachable from here?", base.Host, err)
	}
	defer func() { _ = res.Body.Close() }() // the status counts
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("ask %s: answered %d to /api/v2/status: name the base URL of an Alertmanager (0.16 or newer), without /api", base.Host, res.StatusCode)
	}
	return nil
}

// reachURL connects to where a URL points and sends nothing but a TLS handshake.
func reachURL(ctx context.Context, target string) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	u, err := url.Parse(target)
	if err != nil {
		return errors.New("is no URL")
	}
	port := u.Port()
	if port == "" {
		port = u.Scheme // a name of a service, which the dialer knows
	}
	address := net.JoinHostPort(u.Hostname(), port)
	var conn net.Conn
	if u.Scheme == "https" {
		conn, err = (&tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12}}).DialContext(ctx, "tcp", address)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return fmt.Errorf("connect to %s: %w", u.Host, err)
	}
	return conn.Close()
}

// tryListen binds an address for a moment.
func tryListen(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("%w: it is taken, perhaps by a leaktap that runs, or not of this machine", err)
	}
	return l.Close()
}
