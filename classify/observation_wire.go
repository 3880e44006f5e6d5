package classify

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ObservationSchema is the value of every observation's "schema" member.
const ObservationSchema = "leaktap/observation/v1"

// wireObservation is the JSON form of an observation.
type wireObservation struct {
	Schema      string       `json:"schema"`
	Time        time.Time    `json:"time"`
	Source      wireSource   `json:"source"`
	Coordinates []byte       `json:"coordinates"`
	HTTP        HTTP         `json:"http"`
	Part        Part         `json:"part,omitempty"`
	Caller      wireCaller   `json:"caller"`
	Object      wireObject   `json:"object,omitzero"`
	Answer      wireResponse `json:"answer,omitzero"`
}

// Hashes are strings: numbers of 64 bits are not safe in JSON (RFC 8259, section 6).
type wireCaller struct {
	Principal string `json:"principal,omitempty"`
	Token     string `json:"token,omitempty"`
	ID        uint64 `json:"id,string,omitempty"`
	Client    uint64 `json:"client,string,omitempty"`
	Anonymous bool   `json:"anonymous,omitempty"`
	Malformed bool   `json:"malformed,omitempty"`
	Broad     bool   `json:"broad,omitempty"`
	Writes    bool   `json:"writes,omitempty"`
	Signed    uint64 `json:"signed,string,omitempty"`
	Signature uint64 `json:"signature,string,omitempty"`
}

type wireObject struct {
	Family  uint64 `json:"family,string,omitempty"`
	ID      uint64 `json:"id,string,omitempty"`
	Number  int64  `json:"number,string,omitempty"`
	Numeric bool   `json:"numeric,omitempty"`
	Named   bool   `json:"named,omitempty"`
}

type wireResponse struct {
	Body      uint64    `json:"body,string,omitempty"`
	Private   bool      `json:"private,omitempty"`
	Values    []byte    `json:"values,omitempty"` // eight bytes each, little-endian
	Ownership Ownership `json:"ownership,omitempty"`
	Hint      Hint      `json:"hint,omitempty"`
}

// AppendJSON appends the observation as one JSON value.
func (o *Observation) AppendJSON(dst []byte) ([]byte, error) {
	a := &o.Answer
	values := make([]byte, 0, 8*len(a.Values))
	for _, v := range a.Values {
		values = binary.LittleEndian.AppendUint64(values, v)
	}
	c := &o.Caller
	text, err := json.Marshal(&wireObservation{
		Schema: ObservationSchema, Time: o.Time, Source: newWireSource(&o.Source), Coordinates: o.coordinates, HTTP: o.HTTP, Part: o.Part,
		Caller: wireCaller{c.Principal, c.Token, c.ID, c.Client, c.Anonymous, c.Malformed, c.Broad, c.Writes, c.Signed, c.Signature},
		Object: wireObject(o.Object),
		Answer: wireResponse{a.Body, a.Private, values, a.Ownership, a.Hint},
	})
	if err != nil {
		return dst, fmt.Errorf("encode observation: %w", err)
	}
	return append(dst, text...), nil
}

// UnmarshalJSON reads what AppendJSON writes.
func (o *Observation) UnmarshalJSON(text []byte) error {
	var w wireObservation
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("read observation: %w", err)
	}
	if w.Schema != ObservationSchema {
		return fmt.Errorf("read observation: its schema is %q, want %q", w.Schema, ObservationSchema)
	}
	if w.Part > PartClient || w.Answer.Ownership > ForeignNamed || w.Answer.Hint > WrongPassword || len(w.Answer.Values)%8 != 0 ||
		len(w.Answer.Values) > 8*maxValues {
		return errors.New("read observation: a member is out of its range")
	}
	*o = Observation{
		Time: w.Time, Source: w.Source.source(), coordinates: w.Coordinates, HTTP: w.HTTP, Part: w.Part,
		Caller: Caller{
			Principal: w.Caller.Principal, Token: w.Caller.Token, ID: w.Caller.ID, Client: w.Caller.Client, Anonymous: w.Caller.Anonymous,
			TokenTraits: TokenTraits{w.Caller.Malformed, w.Caller.Broad, w.Caller.Writes}, Signed: w.Caller.Signed, Signature: w.Caller.Signature,
		},
		Object: Object(w.Object),
		Answer: Answer{Body: w.Answer.Body, Private: w.Answer.Private, Ownership: w.Answer.Ownership, Hint: w.Answer.Hint},
	}
	for values := w.Answer.Values; len(values) > 0; values = values[8:] {
		o.Answer.Values = append(o.Answer.Values, binary.LittleEndian.Uint64(values))
	}
	return nil
}
