package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// aggregation is a broker with the topics of four agents and of their aggregators.
type aggregation struct {
	t      *testing.T
	dir    string
	broker string
}

func newAggregation(t *testing.T) *aggregation {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "observations", "findings"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	g := &aggregation{t, t.TempDir(), cluster.ListenAddrs()[0]}
	g.write("key", strings.Repeat("ab", 32))
	return g
}

func (g *aggregation) write(name, text string) string {
	g.t.Helper()
	path := filepath.Join(g.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	return path
}

// harvest lets agents see a part each of what one token reads from many addresses, and tells
// what they found themselves.
func (g *aggregation) harvest(agents, reads int, start time.Time) (alone []string) {
	g.t.Helper()
	for agent := range agents {
		d := &detecting{keyFile: filepath.Join(g.dir, "key")}
		detection, err := d.detection(classify.Limits{}, slog.New(slog.DiscardHandler))
		if err != nil {
			g.t.Fatal(err)
		}
		m := alert.NewMetrics(prometheus.NewRegistry(), alert.NewLedger(alert.LedgerConfig{}), alert.MetricsConfig{})
		o, err := alert.NewObservations(alert.ObservationsConfig{Kafka: alert.KafkaConfig{Brokers: []string{g.broker}, Topic: "observations"}}, m, slog.New(slog.DiscardHandler))
		if err != nil {
			g.t.Fatal(err)
		}
		keep := &keepSink{}
		p := newPipeline(detection, time.Now, slog.New(slog.DiscardHandler), nil, keep)
		p.observations = o
		for n := agent; n < reads; n += agents {
			id := int(uint32(n+1)*2654435761) % 100_000_000
			p.Handle(&classify.Exchange{
				Time: start.Add(time.Duration(n) * 20 * time.Second), Method: []byte("GET"), Host: []byte("api.shop.test"), Target: fmt.Appendf(nil, "/api/profile/%d", id),
				Status: 200, Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}), 4711),
				Request:  classify.Message{Headers: []classify.Header{{Name: []byte("Authorization"), Value: []byte("Bearer " + strings.Repeat("k7Q2", 10))}}},
				Response: classify.Message{Body: fmt.Appendf(nil, `{"id":%d,"email":"user.%d@mailbox.org","phone":"+49 30 90%06d"}`, id, n, n)},
			})
		}
		for _, f := range keep.got {
			if f.Rule.ID == "harvest" {
				alone = append(alone, f.ID)
			}
		}
		ctx, cancel := context.WithTimeout(g.t.Context(), 20*time.Second)
		if err := o.Settle(ctx); err != nil {
			g.t.Fatal(err)
		}
		stopped, stop := context.WithCancel(ctx)
		stop()
		if err := o.Run(stopped); err != nil {
			g.t.Error(err)
		}
		cancel()
	}
	return alone
}

// aggregator starts one that writes findings to a file; it returns how to stop it.
func (g *aggregation) aggregator(name string) (findings string, stop func()) {
	g.t.Helper()
	findings = filepath.Join(g.dir, name+".jsonl")
	config := g.write(name+".yaml", fmt.Sprintf("sources:\n  - kafka: {brokers: ['%s'], topics: [observations, findings], group: aggregators}\n"+
		"classify: {key_file: %s}\nsinks: {jsonl: {path: %s}}\nhttp: {listen: ''}\n", g.broker, filepath.Join(g.dir, "key"), findings))
	a := &app{streams: &streams{strings.NewReader(""), io.Discard, io.Discard}, log: slog.New(slog.DiscardHandler)}
	r := a.newReloader(config)
	r.aggregate = true
	ctx, cancel := context.WithCancel(g.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx) }()
	return findings, func() {
		cancel()
		if err := <-ended; err != nil {
			g.t.Error(err)
		}
	}
}

// found reads findings of a rule.
func (g *aggregation) found(file, rule string) (list []*classify.Finding) {
	g.t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		return nil // not yet
	}
	for line := range bytes.Lines(text) {
		f := &classify.Finding{}
		if json.Unmarshal(line, f) == nil && f.Rule.ID == rule {
			list = append(list, f)
		}
	}
	return list
}

func (g *aggregation) await(file, rule string) []*classify.Finding {
	g.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if list := g.found(file, rule); len(list) > 0 {
			return list
		}
	}
	g.t.Fatalf("no finding of %s", rule)
	return nil
}

// TestAggregate spreads a harvest over four agents, each of which sees too little of it: an
// aggregator finds it, once. Another one that takes its place finds the same, by the same
// names, and no third thing.
func TestAggregate(t *testing.T) {
	g := newAggregation(t)
	start := time.Now().Add(-90 * time.Minute)
	if alone := g.harvest(4, 260, start); len(alone) > 0 {
		t.Fatalf("agents alone found %v: the test shows nothing", alone)
	}
	file, stop := g.aggregator("first")
	first := g.await(file, "harvest")
	stop()
	if len(first) != 1 || first[0].HTTP.Route != "/api/profile/{id}" || first[0].Principal == "" || first[0].Rule.Why == "" {
		t.Fatalf("found %d, the first %+v", len(first), first[0])
	}
	file, stop = g.aggregator("second")
	defer stop()
	second := g.await(file, "harvest")
	if len(second) != 1 || second[0].ID != first[0].ID || second[0].Fingerprint != first[0].Fingerprint {
		t.Errorf("the second found %d; the first of them is %s, want %s", len(second), second[0].ID, first[0].ID)
	}
}

// TestAggregateFindings sends findings of agents, twice, and what is none: each exposure comes
// out, and what is none is counted.
func TestAggregateFindings(t *testing.T) {
	g := newAggregation(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(g.broker))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	sent := `{"schema":"leaktap/finding/v1","id":"lt-1","rule":"password-hash","category":"credential","severity":"critical","confidence":"high",` +
		`"source":{"kind":"interface","name":"eth0"},"where":"response.body","pointer":"/password_hash","evidence":{"redacted":"x"},"count":1,"why":"w","fix":"f","fingerprint":"f1"}`
	for _, value := range []string{"no JSON", `{"schema":"leaktap/finding/v1"}`, `{"schema":"other"}`, sent, sent} {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "findings", Key: []byte("f1"), Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	file, stop := g.aggregator("one")
	list := g.await(file, "password-hash")
	stop()
	if list[0].Fingerprint != "f1" || !strings.Contains(list[0].Rule.Why, "crack") && list[0].Rule.Why == "w" {
		t.Errorf("finding is %+v", list[0])
	}
}

// TestAggregateRefuses checks that an aggregator takes Kafka sources only.
func TestAggregateRefuses(t *testing.T) {
	g := newAggregation(t)
	config := g.write("bad.yaml", "sources:\n  - interface: {name: eth0}\n")
	var out, errs strings.Builder
	code := run(t.Context(), []string{"aggregate", "--config", config}, &streams{strings.NewReader(""), &out, &errs})
	if code != exitUsage || !strings.Contains(errs.String(), "bad.yaml:2:3: sources: aggregate reads Kafka topics only") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}
