package classify

import (
	"bytes"
	"strings"
	"time"
)

// Observation is what one exchange tells those who look at many: who asked for what, and
// what was answered. It holds cleaned names and keyed hashes of 64 bits, no plaintext, so
// that it may leave the machine. Its slices are valid until the next exchange.
type Observation struct {
	// Time is that of the exchange or, if its source does not tell, the agent's.
	Time   time.Time
	Source Source
	HTTP   HTTP
	Caller Caller
	Object Object
	Answer Answer
	// Part says whose windows it is for.
	Part Part
	// coordinates tell the exchange from all others of its source.
	coordinates []byte
}

// Part says which windows an observation is for: where several machines look together, those
// of one caller meet at one place, and those of one address at another.
type Part uint8

// The parts.
const (
	PartAll Part = iota
	PartCaller
	PartClient
)

// Object is what a request asks for.
type Object struct {
	// Family is the hash of the service and the template of all objects of the kind: the
	// route with {id} or, where none stands in it, without its last segment. 0 is none.
	Family uint64
	// ID is the hash of the identifiers in path and query, 0 if there are none.
	ID uint64
	// Number is the last identifier if it is a number (Numeric): shifted by an amount that
	// the key and the family fix, so that only differences of numbers mean something.
	Number  int64
	Numeric bool
	// Named says that the identifier is a word of the path: it may be no object but a part of the API.
	Named bool
}

// Ownership says whether an answer belongs to who asked.
type Ownership uint8

// The ownerships. Own means that a name of the caller's token stands in the object as its
// owner or as its identifier; Foreign that only others do; Named that the object says "owner"
// of another one, of the same kind of name.
const (
	UnknownOwner Ownership = iota
	Own
	Foreign
	ForeignNamed
)

// Hint is what a refusal tells of accounts.
type Hint uint8

// The hints: that there is no such account, and that only the password is wrong.
const (
	NoHint Hint = iota
	NoAccount
	WrongPassword
)

// Answer is what a response holds.
type Answer struct {
	// Body is the hash of the body, 0 unless the answer is private.
	Body uint64
	// Private says that it holds data about people, or secrets.
	Private bool
	// Values are the hashes of those data, maxValues at most.
	Values    []uint64
	Ownership Ownership
	Hint      Hint
}

// maxValues bounds the values of one observation; more say nothing more of one exchange.
const maxValues = 1024

// observer makes observations.
type observer struct {
	key     sipKey
	callers map[uint64]*callerFacts
	// hosts are the clean names of hosts.
	hosts map[string]string
	buf   []byte // the start of a body without escapes
	obs   Observation
}

func newObserver(key []byte) *observer {
	return &observer{key: newSipKey(key), callers: map[uint64]*callerFacts{}, hosts: map[string]string{}}
}

// maxRemembered bounds maps of names; then all are forgotten.
const maxRemembered = 1024

// remember keeps what clean returns for a name.
func remember(m map[string]string, name []byte, clean func() string) string {
	if known, ok := m[string(name)]; ok {
		return known
	}
	if len(m) >= maxRemembered {
		clear(m)
	}
	made := clean()
	m[string(name)] = made
	return made
}

// begin empties the observation for the next exchange.
func (o *observer) begin() {
	o.obs = Observation{Answer: Answer{Values: o.obs.Answer.Values[:0]}}
}

// observes says whether findings of that kind make an answer private.
func observes(where Where, category Category) bool {
	switch category {
	case CategoryPersonal, CategoryFinancial, CategoryCredential, CategoryToken:
		return where == InResponseBody
	}
	return false
}

// value notes a private value of the answer, whether or not a policy allows it.
func (o *observer) value(text []byte) {
	o.obs.Answer.Private = true
	if len(o.obs.Answer.Values) < maxValues {
		o.obs.Answer.Values = append(o.obs.Answer.Values, sipHash(o.key, text))
	}
}

// observe completes the observation of the exchange.
func (c *Classifier) observe(asOf time.Time) *Observation {
	x, o := c.x, &c.seen.obs
	o.Time, o.Source, o.HTTP = x.Time, x.Source, c.http(x)
	if o.Time.IsZero() {
		o.Time = asOf
	}
	who, facts := c.caller(x)
	o.Caller = who
	o.Object = c.seen.object(x.Target, &c.view.paths.path, c.view.route, o.HTTP.service())
	if o.Answer.Private {
		o.Answer.Body = sipHash(c.seen.key, x.Response.Body)
	}
	if facts != nil && len(facts.names) > 0 && o.Object.ID != 0 && x.Status/100 == 2 {
		o.Answer.Ownership = c.ownership(facts.names)
	}
	if x.Status >= 200 && (c.view.TokenRoute || c.view.paths.accounts) {
		o.Answer.Hint = c.hint()
	}
	if o.mayTell() {
		o.coordinates, o.Caller.Principal = c.coordinates(x), c.principalOf(&who, facts)
	}
	return o
}

// mayTell says whether the exchange may be one that completes a finding over many; most may
// not, and need neither coordinates nor a principal.
func (o *Observation) mayTell() bool {
	status := o.HTTP.Status
	return o.Answer.Private || o.Answer.Ownership > Own || o.Answer.Hint != NoHint || o.Caller.Writes || status == 401 || status == 403 || status == 404
}

// queryIDs are the names of parameters that identify objects, folded.
var queryIDs = map[string]bool{
	"id": true, "uid": true, "uuid": true, "userid": true, "accountid": true, "customerid": true, "orderid": true, "user": true,
	"account": true, "username": true, "email": true, "memberid": true, "profileid": true, "documentid": true, "fileid": true,
	"invoiceid": true, "patientid": true, "employeeid": true, "clientid": false,
}

// object finds the identifiers of a target. The segments of a path that its template does
// not keep are identifiers.
func (o *observer) object(target []byte, p *path, route, service string) (obj Object) {
	if route == "" {
		return obj
	}
	var buf [128]byte
	ids, last := append(buf[:0], p.ids...), p.last
	if _, query, ok := bytes.Cut(target, []byte("?")); ok {
		for name, value := range queryPairs(query) {
			if is, _ := lookUpFolded(queryIDs, name); is && len(value) > 0 {
				ids, last = append(append(ids, '?'), value...), value
			}
		}
	}
	if i := bytes.LastIndexByte(p.text, '/'); last == nil && i >= 0 && i+1 < len(p.text) {
		obj.Named, last = true, p.text[i+1:]
		ids = append(ids, last...)
		route = route[:strings.LastIndexByte(route, '/')+1]
	}
	obj.Family = o.family(service, route)
	if last != nil {
		obj.ID = sipHash(o.key, ids)
	}
	if n, ok := number(digitsOf(last)); ok {
		obj.Numeric, obj.Number = true, n+int64(obj.Family>>1)
	}
	return obj
}

// digitsOf returns the number that ends an identifier: the 17 of user17 and inv-17. An
// identifier with digits before that is none that is counted.
func digitsOf(id []byte) []byte {
	name := bytes.TrimRight(id, "0123456789")
	if len(name) > maxCounted || bytes.ContainsAny(name, "0123456789") {
		return nil
	}
	return id[len(name):]
}

// maxCounted bounds the letters before a number that is counted.
const maxCounted = 24

// family is the hash of a service's template.
func (o *observer) family(service, template string) uint64 {
	var buf [maxRoute + 64]byte
	return sipHash(o.key, append(append(append(buf[:0], service...), 0), template...))
}

// queryPairs yields the names and values of a query, as they stand.
func queryPairs(query []byte) func(yield func(name, value []byte) bool) {
	return func(yield func(name, value []byte) bool) {
		for pair := range bytes.SplitSeq(query, []byte("&")) {
			name, value, _ := bytes.Cut(pair, []byte("="))
			if len(name) > 0 && !yield(name, value) {
				return
			}
		}
	}
}

// maxFolded is the length of the longest name, with signs, that is looked up in tables of folded names.
const maxFolded = 24

// lookUpFolded looks a name up without case and signs.
func lookUpFolded(table map[string]bool, name []byte) (value, known bool) {
	if len(name) > maxFolded {
		return false, false
	}
	var buf [maxFolded]byte
	folded := buf[:0]
	for _, b := range name {
		if f := foldByte[b]; f != 0 {
			folded = append(folded, f)
		}
	}
	value, known = table[string(folded)]
	return value, known
}

// maxNumber bounds the digits of an identifier that is a number.
const maxNumber = 18

func number(text []byte) (n int64, ok bool) {
	if len(text) == 0 || len(text) > maxNumber {
		return 0, false
	}
	for _, b := range text {
		if !isDigit(b) {
			return 0, false
		}
		n = n*10 + int64(b-'0')
	}
	return n, true
}
