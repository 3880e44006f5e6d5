package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/detect"
	"github.com/leaktap/leaktap/classify/window"
)

// benchExchanges are responses of a shop as it should be: single objects, lists, an error.
func benchExchanges() (list []*classify.Exchange, size int64) {
	item := func(i int) string {
		return fmt.Sprintf(`{"id":%d,"sku":"K-%d-%d","title":"A chair of beech wood, oiled","price":{"amount":%d,"currency":"EUR"},"tags":["chair","wood"],`+
			`"stock":%d,"rating":{"mean":4.5,"count":%d},"description":"Made by hand from one tree, and meant to outlive whoever buys it.","created_at":"2026-01-02T10:00:00Z"}`,
			i, i, i*7, i*13, i%9, i%77)
	}
	for i := range 20 {
		var items []string
		for j := range 25 {
			items = append(items, item(i*25+j))
		}
		list = append(list,
			exchange(fmt.Sprintf("GET /v1/products/%d 200", i), item(i)),
			exchange("GET /v1/products?page=2 200", `{"items":[`+strings.Join(items, ",")+`],"total":500,"page":2}`),
			exchange("GET /v1/missing 404", `{"error":"not found"}`))
	}
	for _, x := range list {
		size += int64(len(x.Target) + len(x.Response.Body))
	}
	return list, size
}

const benchFields = `{id: {type: integer}, sku: {type: string}, title: {type: string}, price: {type: object, properties: {amount: {}, currency: {}}}, tags: {type: array, items: {type: string}},
  stock: {}, rating: {type: object, properties: {mean: {}, count: {}}}, description: {type: string}, created_at: {type: string}}`

// benchPolicies are none, and all sources on, each of which answers for a part of the routes.
func benchPolicies(b *testing.B) map[string]*Policy {
	contract := "openapi: 3.1.0\ninfo: {title: Shop}\npaths:\n  /v1/products:\n    get: {responses: {'200': {content: {application/json: {schema: {type: object, properties: {total: {}, page: {}, items: {type: array, items: {$ref: '#/c'}}}}}}}}}\nc:\n  properties: " + benchFields + "\n"
	l := NewLearner()
	list, _ := benchExchanges()
	for _, x := range list {
		l.Observe(x)
	}
	names := mustFile(b, "routes:\n  - {match: 'GET /v1/products/{id}', allow: [id, sku, title, price, tags, stock, rating, description, created_at]}\n"+
		"  - {match: GET /v1/products, allow: [items, total, page], max_items: 50}\n")
	first := *names
	first.Routes = first.Routes[:1]
	return map[string]*Policy{
		"alone":    nil,
		"all":      mustPolicy(b, Config{Policy: &first, Contract: []*Contract{mustContract(b, contract)}, Baseline: mustFile(b, string(l.Baseline()))}),
		"policy":   mustPolicy(b, Config{Policy: names}),
		"openapi":  mustPolicy(b, Config{Contract: []*Contract{mustContract(b, contract)}}),
		"baseline": mustPolicy(b, Config{Baseline: mustFile(b, string(l.Baseline()))}),
	}
}

// BenchmarkJudged compares detection alone with detection under policies.
func BenchmarkJudged(b *testing.B) {
	list, size := benchExchanges()
	policies := benchPolicies(b)
	for _, name := range []string{"alone", "all", "policy", "openapi", "baseline"} {
		b.Run(name, func(b *testing.B) {
			c := newEngine(b, policies[name]).NewClassifier()
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for _, x := range list {
					c.Classify(x, asOf, func(f *classify.Finding) { b.Fatalf("%s %s", f.Rule.ID, f.Pointer) })
				}
			}
		})
	}
}

// BenchmarkShare takes turns and compares the fastest of each by the CPU time of the process,
// because others may be at work on the machine: share is the throughput as a part of that of detection alone, under
// all policies and, with windows, with observations of callers that windows take in as well.
func BenchmarkShare(b *testing.B) {
	list, size := benchExchanges()
	for i, x := range list { // fifty callers, each with a token and an address
		x.Request.Headers[0].Value = fmt.Appendf(nil, "Bearer tok_%032d", i%50)
		x.Client = netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i % 50)}), 40000)
	}
	policies := benchPolicies(b)
	report := func(*classify.Finding) {}
	run := func(cfg classify.Config, each func(*classify.Observation)) func() {
		c := newEngineOf(b, cfg).NewClassifier()
		return func() {
			for _, x := range list {
				each(c.Classify(x, asOf, report).Observation)
			}
		}
	}
	ignore := func(*classify.Observation) {}
	alone := run(classify.Config{}, ignore)
	for _, with := range []struct {
		name string
		run  func()
	}{
		{"policy", run(classify.Config{Policy: policies["all"]}, ignore)},
		{"windows", run(classify.Config{Observe: true, ReadToken: detect.ReadCaller}, observer(report))},
		{"policy-windows", run(classify.Config{Policy: policies["all"], Observe: true, ReadToken: detect.ReadCaller}, observer(report))},
	} {
		b.Run(with.name, func(b *testing.B) {
			spent := [2]time.Duration{time.Hour, time.Hour}
			for b.Loop() {
				for i, run := range []func(){alone, with.run} {
					start := cpuTime(b)
					for range turn {
						run()
					}
					spent[i] = min(spent[i], cpuTime(b)-start)
				}
			}
			b.ReportMetric(float64(spent[0])/float64(spent[1]), "share")
			b.ReportMetric(float64(size)*turn/spent[1].Seconds()/1e6, "MB/cpu-s")
		})
	}
}

// turn is how often the exchanges are classified in one turn, which takes some milliseconds.
const turn = 5

func observer(report func(*classify.Finding)) func(*classify.Observation) {
	t := window.NewTracker(window.Limits{})
	return func(o *classify.Observation) { t.Observe(o, report) }
}

// cpuTime is the user and system time of the process.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
