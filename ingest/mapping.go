package ingest

import (
	"fmt"
	"slices"
	"strings"
)

// Mapping says where records of the user's own JSON format have what. It is made by
// [NewMapping] and not changed afterwards.
type Mapping struct {
	names  *nameTable
	fields []mapped
}

// MappedField says where one field of an exchange stands.
type MappedField struct {
	// Name is one of MappingFields.
	Name string
	// Paths are the names down to the value, with dots; the first that is there
	// counts. Case and separators of names do not matter.
	Paths []string
	// Decode are the steps, of MappingSteps, by which the value is decoded.
	Decode []string
}

// mapped is a field with the number of its first path.
type mapped struct {
	role  role
	steps []string
	slot  int
	paths int
}

// MappingError is what is wrong with a field of a mapping.
type MappingError struct {
	// Field is the field's name, with the member of the list that is wrong behind it.
	Field, Text string
	// Unknown is a word that is not among Known.
	Unknown string
	Known   []string
}

func (e *MappingError) Error() string { return e.Field + ": " + e.Text }

// The steps by which values are decoded.
const (
	stepJSON   = "json"   // JSON in a string: a JSON string becomes its text
	stepBase64 = "base64" // RFC 4648, sections 4 and 5
	stepGzip   = "gzip"   // or zstd
	stepHTTP   = "http"   // a whole HTTP/1 message
)

// MappingSteps returns the names of the steps that decode a value.
func MappingSteps() []string { return []string{stepJSON, stepBase64, stepGzip, stepHTTP} }

// mappingFields are the names of the fields with their roles. A query stands behind
// its path, a message behind both: so they are filled in.
func mappingFields() []namedRole {
	return []namedRole{
		{"time", roleTime},
		{"service", roleService},
		{"method", roleMethod},
		{"url", roleURL},
		{"path", rolePath},
		{"query", roleQuery},
		{"host", roleHost},
		{"status", roleStatus},
		{"client", roleClient},
		{"request_headers", roleRequestHeaders},
		{"request_body", roleRequestBody},
		{"response_headers", roleResponseHeaders},
		{"response_body", roleResponseBody},
		{"request", roleRawRequest},
		{"response", roleRawResponse},
	}
}

// MappingFields returns the names of the fields that can be mapped; request and
// response are whole HTTP messages.
func MappingFields() (names []string) {
	for _, f := range mappingFields() {
		names = append(names, f.path)
	}
	return names
}

// maxMappedPaths bounds the paths of a mapping: they are numbered in a byte.
const maxMappedPaths = 64

// NewMapping checks the fields. An error is a *[MappingError].
func NewMapping(fields []MappedField) (*Mapping, error) {
	m := &Mapping{names: newNameTable(&jsonFormat{}, nil)}
	slots := 0
	order := MappingFields()
	fields = slices.Clone(fields)
	slices.SortStableFunc(fields, func(a, b MappedField) int {
		return slices.Index(order, a.Name) - slices.Index(order, b.Name)
	})
	for _, f := range fields {
		i := slices.Index(order, f.Name)
		if i < 0 {
			return nil, &MappingError{Field: f.Name, Text: "is no field of an exchange", Unknown: f.Name, Known: order}
		}
		r := mappingFields()[i].role
		if err := checkField(&f, r); err != nil {
			return nil, err
		}
		m.fields = append(m.fields, mapped{role: r, steps: f.Decode, slot: slots, paths: len(f.Paths)})
		for _, path := range f.Paths {
			if slots++; slots > maxMappedPaths {
				return nil, &MappingError{Field: f.Name, Text: fmt.Sprintf("is past the limit of %d paths", maxMappedPaths)}
			}
			if err := m.enter(f.Name, path, slots); err != nil {
				return nil, err
			}
		}
	}
	if len(m.fields) == 0 {
		return nil, &MappingError{Text: "there is no field: map at least one of " + strings.Join(MappingFields(), ", ")}
	}
	return m, nil
}

func checkField(f *MappedField, r role) error {
	if len(f.Paths) == 0 {
		return &MappingError{Field: f.Name, Text: "has no path"}
	}
	for i, step := range f.Decode {
		if !slices.Contains(MappingSteps(), step) {
			return &MappingError{Field: fmt.Sprintf("%s.decode[%d]", f.Name, i), Text: fmt.Sprintf("unknown step %q", step), Unknown: step, Known: MappingSteps()}
		}
	}
	isMessage := r == roleRawRequest || r == roleRawResponse
	if slices.Index(f.Decode, stepHTTP) >= 0 && !isMessage {
		return &MappingError{Field: f.Name, Text: "step http makes a request or a response: map it to one of these"}
	}
	return nil
}

// enter gives a path the number of its slot, and opens the objects above it.
func (m *Mapping) enter(field, path string, slot int) error {
	e := m.names.entry(path)
	if e.path == "" {
		return &MappingError{Field: field, Text: fmt.Sprintf("path %q has no letters", path)}
	}
	if e.role != roleNone {
		return &MappingError{Field: field, Text: fmt.Sprintf("path %q is mapped twice", path)}
	}
	e.role = role(slot)
	for i := range path {
		if path[i] == '.' {
			m.names.entry(path[:i]).open = true
		}
	}
	return nil
}
