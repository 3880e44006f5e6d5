package window_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/detect"
	"github.com/leaktap/leaktap/classify/window"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// traffic feeds exchanges to an engine and a tracker, and keeps what the tracker finds.
type traffic struct {
	t          testing.TB
	classifier *classify.Classifier
	tracker    *window.Tracker
	now        time.Time
	line       int64
	found      []*classify.Finding
}

func newTraffic(t testing.TB, limits window.Limits) *traffic {
	t.Helper()
	vocabulary, err := detect.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	e, err := classify.NewEngine(classify.Config{
		Detectors: detect.All(vocabulary), Fields: vocabulary.Fields, Key: []byte("0123456789abcdef"), Observe: true, ReadToken: detect.ReadCaller,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &traffic{t: t, classifier: e.NewClassifier(), tracker: window.NewTracker(limits), now: start}
}

// call is one exchange; empty fields take what is usual.
type call struct {
	method, path, token, address, body string
	status                             int
}

// send feeds a call, a second after the one before.
func (tr *traffic) send(c call) {
	tr.now = tr.now.Add(time.Second)
	tr.line++
	x := &classify.Exchange{
		Source: classify.Source{Kind: classify.SourceFile, Name: "test", Line: tr.line}, Time: tr.now,
		Method: []byte("GET"), Host: []byte("api.shop.test"), Target: []byte(c.path), Status: 200,
		Response: classify.Message{Headers: []classify.Header{{Name: []byte("Content-Type"), Value: []byte("application/json")}}, Body: []byte(c.body)},
	}
	if c.method != "" {
		x.Method = []byte(c.method)
	}
	if c.status != 0 {
		x.Status = c.status
	}
	if c.token != "" {
		x.Request.Headers = []classify.Header{{Name: []byte("Authorization"), Value: []byte("Bearer " + c.token)}}
	} else {
		x.Request.Headers = []classify.Header{{Name: []byte("Accept"), Value: []byte("*/*")}}
	}
	if c.address != "" {
		x.Client = netip.AddrPortFrom(netip.MustParseAddr(c.address), 4711)
	}
	in := tr.classifier.Classify(x, tr.now, func(*classify.Finding) {})
	tr.tracker.Observe(in.Observation, func(f *classify.Finding) { tr.found = append(tr.found, f) })
}

// rules lists what was found, each rule once.
func (tr *traffic) rules() string {
	var ids []string
	for _, f := range tr.found {
		if !slices.Contains(ids, f.Rule.ID) {
			ids = append(ids, f.Rule.ID)
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func (tr *traffic) want(rules string) {
	tr.t.Helper()
	if got := tr.rules(); got != rules {
		tr.t.Errorf("found %q, want %q", got, rules)
		for _, f := range tr.found {
			tr.t.Logf("%s %s: %s", f.Rule.ID, f.HTTP.Route, f.Evidence.Redacted)
		}
	}
}

func part(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// token makes a JSON Web Token of a subject; more are further claims.
func token(subject, more string) string {
	signed := part(`{"alg":"HS256","typ":"JWT"}`) + "." + part(fmt.Sprintf(`{"sub":%q,"exp":1800000000%s}`, subject, more))
	sum := sha256.Sum256([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(sum[:])
}

// person is a row about somebody.
func person(n int) string {
	return fmt.Sprintf(`{"id":%d,"username":"user%d","email":"user.%d@mailbox%d.org","phone":"+49 30 90%06d"}`, n, n, n, n%7, n)
}

// spread gives numbers that are far apart.
func spread(n int) int { return int(uint32(n+1)*2654435761) % 100_000_000 }

// TestAlarms holds sequences in which something is to be found.
func TestAlarms(t *testing.T) {
	for name, c := range map[string]struct {
		send func(tr *traffic)
		want string
	}{
		"steps through profiles": {func(tr *traffic) {
			for n := range 60 {
				tr.send(call{path: fmt.Sprintf("/api/profile/%d", 1000+n), token: token("7", ""), body: person(1000 + n)})
			}
		}, "enumeration guessable-id"},
		"steps by parallel workers, the identifier in the query": {func(tr *traffic) {
			for n := range 60 {
				tr.send(call{path: fmt.Sprintf("/api/profile?user_id=%d", 1000+n^5), token: token("7", ""), body: person(1000 + n ^ 5)})
			}
		}, "enumeration guessable-id"},
		"private objects in no order": {func(tr *traffic) {
			for n := range 150 {
				tr.send(call{path: fmt.Sprintf("/api/profile/%d", spread(n)), token: token("7", ""), body: person(spread(n))})
			}
		}, "enumeration"},
		"tries numbers that are not there": {func(tr *traffic) {
			for n := range 80 {
				tr.send(call{path: fmt.Sprintf("/api/invoices/%d", 500+n), token: token("7", ""), status: 404, body: `{"error":"not found"}`})
			}
		}, "enumeration"},
		"tries names with numbers, and nobody knows who": {func(tr *traffic) {
			for n := range 40 {
				tr.send(call{path: fmt.Sprintf("/users/v1/name%d", n+1), status: 404, body: `{"message":"User not found"}`})
			}
		}, "enumeration"},
		"a harvest of four hours from 200 addresses": {func(tr *traffic) {
			for n := range 480 {
				tr.now = tr.now.Add(29 * time.Second)
				tr.send(call{path: fmt.Sprintf("/api/profile/%d", spread(n)), token: token("7", ""), body: person(spread(n)), address: fmt.Sprintf("192.0.2.%d", n%200)})
			}
		}, "harvest"},
		"one address with 200 tokens": {func(tr *traffic) {
			for n := range 4000 {
				tr.now = tr.now.Add(2 * time.Second)
				tr.send(call{path: fmt.Sprintf("/api/profile/%d", spread(n)), token: token(fmt.Sprintf("u%d", n%200), ""), body: person(spread(n)), address: "192.0.2.9"})
			}
		}, "harvest"},
		"somebody else's order": {func(tr *traffic) {
			order := func(owner int) string { return fmt.Sprintf(`{"user_id":%d,"total":3,"address":"x"}`, owner) }
			for n := 1; n < 6; n++ {
				tr.send(call{path: fmt.Sprintf("/api/orders/%d", spread(n)), token: token(strconv.Itoa(n), ""), body: order(n)})
			}
			tr.send(call{path: fmt.Sprintf("/api/orders/%d", spread(3)), token: token("2", ""), body: order(3)})
		}, "cross-principal"},
		"a document that names its owner": {func(tr *traffic) {
			body := `{"data":{"owner":"alice","title":"x","email":"alice.liddell@mailbox.org","password":"Tr0ub4dor&3"}}`
			tr.send(call{path: "/api/documents/81", token: token("bob", ""), body: body})
		}, "cross-principal"},
		"a token that nobody issued": {func(tr *traffic) {
			tr.send(call{path: "/api/profile/7", token: token("7", ""), body: person(7)})
			tr.send(call{path: "/api/profile/7", token: "garbage", body: person(7)})
		}, "token-not-validated"},
		"no token, before the good one": {func(tr *traffic) {
			tr.send(call{path: "/api/profile/7", body: person(7), address: "192.0.2.1"})
			tr.send(call{path: "/api/profile/7", token: token("7", ""), body: person(7), address: "192.0.2.2"})
		}, "token-not-validated"},
		"another signature": {func(tr *traffic) {
			good := token("7", "")
			tr.send(call{path: "/api/profile/7", token: good, body: person(7)})
			tr.send(call{path: "/api/profile/7", token: good[:len(good)-8] + "AAAAAAAA", body: person(7)})
		}, "token-not-validated"},
		"the signature of other claims": {func(tr *traffic) {
			good, other := token("7", ""), token("8", "")
			tr.send(call{path: "/api/profile/7", token: good, body: person(7)})
			tr.send(call{path: "/api/profile/8", token: other[:strings.LastIndexByte(other, '.')] + good[strings.LastIndexByte(good, '.'):], body: person(8)})
		}, "token-not-validated"},
		"a token that could write": {func(tr *traffic) {
			for n := range 300 {
				tr.now = tr.now.Add(20 * time.Second)
				tr.send(call{path: "/api/books", token: token("7", `,"scope":"books:read books:write"`), body: fmt.Sprintf(`[{"title":"book %d"}]`, n)})
			}
		}, "overbroad-scope"},
		"two refusals": {func(tr *traffic) {
			tr.send(call{method: "POST", path: "/api/login", status: 401, body: `{"error":"User not found"}`})
			tr.send(call{method: "POST", path: "/api/login", status: 401, body: `{"error":"Wrong password"}`})
		}, "auth-oracle"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTraffic(t, window.Limits{})
			c.send(tr)
			tr.want(c.want)
			for _, f := range tr.found {
				if f.ID == "" || f.Fingerprint == "" || f.Evidence.Redacted == "" || f.HTTP.Method == "" || f.Where == 0 {
					t.Errorf("finding is incomplete: %+v", f)
				}
			}
		})
	}
}

// TestClean holds sequences in which nothing is to be found, or no more than that numbers
// can be counted.
func TestClean(t *testing.T) {
	for name, c := range map[string]struct {
		send func(tr *traffic)
		want string
	}{
		"a crawler of public objects": {func(tr *traffic) {
			for n := range 500 {
				tr.send(call{path: fmt.Sprintf("/api/books/%d", n), body: fmt.Sprintf(`{"id":%d,"title":"book","price":12}`, n), address: "192.0.2.1"})
			}
		}, ""},
		"an administrator's export": {func(tr *traffic) {
			for n := range 500 {
				tr.send(call{path: fmt.Sprintf("/api/profile/%d", spread(n)), token: token("1", `,"scope":"users:read admin"`), body: person(spread(n))})
			}
		}, ""},
		"a role that may": {func(tr *traffic) {
			for n := range 500 {
				tr.send(call{path: fmt.Sprintf("/api/profile/%d", n), token: token("1", `,"realm_access":{"roles":["ROLE_ADMIN"]}`), body: person(n)})
			}
		}, "guessable-id"},
		"a health check": {func(tr *traffic) {
			for range 2000 {
				tr.send(call{path: "/healthz", body: `{"ok":true}`, address: "192.0.2.1"})
			}
		}, ""},
		"many people behind one address": {func(tr *traffic) {
			for n := range 900 {
				tr.send(call{path: fmt.Sprintf("/api/profile/%d", spread(n/3)), token: token(strconv.Itoa(spread(n/3)), ""), body: person(spread(n / 3)), address: "192.0.2.1"})
			}
		}, ""},
		"a client that polls itself": {func(tr *traffic) {
			for range 2000 {
				tr.send(call{path: "/api/profile/7", token: token("7", ""), body: person(7)})
			}
		}, ""},
		"a customer who opens his orders": {func(tr *traffic) {
			for n := range 60 {
				tr.send(call{path: fmt.Sprintf("/api/orders/%d", 7000+n), token: token("7", ""), body: fmt.Sprintf(`{"id":%d,"user_id":7,"email":"user.7@mailbox.org"}`, 7000+n)})
			}
		}, "guessable-id"},
		"tickets that are not there, asked for by nobody known": {func(tr *traffic) {
			for n := range 100 {
				tr.send(call{path: fmt.Sprintf("/api/tickets/%d", spread(n)), status: 404, body: `{"message":"not found"}`})
			}
		}, ""},
		"a document of somebody else that is no secret": {func(tr *traffic) {
			tr.send(call{path: "/api/documents/81", token: token("bob", ""), body: `{"data":{"owner":"alice","title":"x"}}`})
		}, ""},
		"pages that are not there": {func(tr *traffic) {
			for n := range 300 {
				tr.send(call{path: "/wp-" + strings.Repeat("ab", n%40), status: 404, body: "<html>not found</html>", address: "192.0.2.1"})
			}
		}, ""},
		"articles that everybody reads": {func(tr *traffic) {
			for n := range 300 {
				tr.send(call{path: fmt.Sprintf("/api/articles/%d", spread(n%20)), token: token(strconv.Itoa(n), ""), body: fmt.Sprintf(`{"id":%d,"user_id":%d,"text":"x"}`, spread(n%20), n%5+5000)})
			}
		}, ""},
		"a token that was refreshed": {func(tr *traffic) {
			for n := range 300 {
				tr.send(call{path: "/api/profile/7", token: token("7", fmt.Sprintf(`,"iat":%d`, n/10)), body: person(7)})
			}
		}, ""},
		"a refusal of the bad token": {func(tr *traffic) {
			tr.send(call{path: "/api/profile/7", token: token("7", ""), body: person(7)})
			tr.send(call{path: "/api/profile/7", token: "garbage", status: 401, body: `{"error":"unauthorized"}`})
		}, ""},
		"a token that writes": {func(tr *traffic) {
			for n := range 300 {
				tr.now = tr.now.Add(20 * time.Second)
				method := "GET"
				if n == 100 {
					method = "POST"
				}
				tr.send(call{method: method, path: "/api/books", token: token("7", `,"scope":"books:write"`), body: `[]`})
			}
		}, ""},
		"one refusal for all": {func(tr *traffic) {
			for range 5 {
				tr.send(call{method: "POST", path: "/api/login", status: 401, body: `{"error":"Invalid username or password"}`})
				tr.send(call{method: "POST", path: "/api/forgot", status: 200, body: `{"message":"If there is an account, an email sent to it tells more"}`})
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTraffic(t, window.Limits{})
			c.send(tr)
			tr.want(c.want)
		})
	}
}

// TestFlood checks that a harvester is found among a million made-up callers, ten for each
// request of his.
func TestFlood(t *testing.T) {
	tracker := window.NewTracker(window.Limits{Callers: 20_000, Families: 100, Objects: 1000})
	found := map[uint64]int{}
	made := uint64(0)
	observe := func(caller uint64, n int) {
		o := &classify.Observation{
			Time: start.Add(time.Duration(n) * time.Second), HTTP: classify.HTTP{Method: "GET", Status: 200, Route: "/u/{id}"},
			Caller: classify.Caller{ID: caller}, Object: classify.Object{Family: 1 + made%1000, ID: uint64(n)*7919 + caller},
			Answer: classify.Answer{Private: true, Values: []uint64{hash(caller, n), hash(caller, -n)}, Body: 1},
		}
		tracker.Observe(o, func(*classify.Finding) { found[caller]++ })
	}
	const harvester = 42
	for n := range 10_000 {
		for range 100 {
			made++
			observe(made*0x9e3779b97f4a7c15|1<<20, n)
		}
		observe(harvester, n)
	}
	if len(found) != 1 || found[harvester] == 0 {
		t.Errorf("found %d callers, the harvester %d times", len(found), found[harvester])
	}
	stats := tracker.Stats()
	if stats.Callers > 20_000 || stats.Families > 100 || stats.Objects > 1000 || stats.EvictedCallers == 0 || stats.EvictedFamilies == 0 || stats.EvictedObjects == 0 {
		t.Errorf("limits are not kept, or what went is not counted: %+v", stats)
	}
}

// TestMemory measures what 100,000 callers take who each read 30 objects with two values.
func TestMemory(t *testing.T) {
	tracker := window.NewTracker(window.Limits{})
	before := heap()
	const callers = 100_000
	for n := range 30 {
		for caller := range uint64(callers) {
			object := caller<<20 + uint64(n)
			tracker.Observe(&classify.Observation{
				Time: start.Add(time.Duration(n) * time.Minute), HTTP: classify.HTTP{Method: "GET", Status: 200, Route: "/u/{id}"},
				Caller: classify.Caller{ID: caller + 1}, Object: classify.Object{Family: 1 + object%3, ID: object},
				Answer: classify.Answer{Private: n%3 == 0, Values: []uint64{object * 3, object * 5}[:2*(1-min(1, n%3))], Body: 1},
			}, func(*classify.Finding) {})
		}
	}
	took := heap() - before
	t.Logf("%d callers and %d objects: %d MiB, %d bytes a caller", tracker.Stats().Callers, tracker.Stats().Objects, took>>20, took/callers)
	if tracker.Stats().Callers != callers || took > 128<<20 {
		t.Errorf("%d callers take %d MiB, want at most 128", tracker.Stats().Callers, took>>20)
	}
	runtime.KeepAlive(tracker)
}

// hash makes a value that looks like one.
func hash(caller uint64, n int) uint64 {
	z := caller*0x9e3779b97f4a7c15 + uint64(n)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkObserve is the cost of one observation of steady traffic.
func BenchmarkObserve(b *testing.B) {
	tracker := window.NewTracker(window.Limits{})
	b.ReportAllocs()
	n := uint64(0)
	o := &classify.Observation{HTTP: classify.HTTP{Method: "GET", Status: 200, Route: "/u/{id}"}}
	for b.Loop() {
		n++
		o.Time = start.Add(time.Duration(n) * time.Millisecond)
		o.Caller = classify.Caller{ID: n%10_000 + 1, Client: n%3000 + 1}
		o.Object = classify.Object{Family: 1 + n%5, ID: n % 1000, Number: int64(n % 1000), Numeric: true}
		o.Answer.Private = n%2 == 0
		tracker.Observe(o, func(*classify.Finding) {})
	}
}
