package policy

import (
	"fmt"
	"strings"
	"testing"
)

// contractHead is the start of documents in tests; % is the version.
const contractHead = `openapi: %s
info: {title: Shop, version: "1"}
servers: [{url: "https://api.example/{stage}", variables: {stage: {default: v1}}}, {url: /beta}]
paths:
`

const shopPaths = `
  /users/{id}:
    get:
      responses:
        "200": {$ref: "#/components/responses/User"}
        4XX: {description: no}
    delete:
      responses: {"204": {description: gone}}
  /users/me:
    get:
      responses:
        default:
          description: me
          content: {application/json: {schema: {type: object, properties: {name: {type: string}}}}}
  /tree:
    get:
      responses:
        "200": {description: t, content: {application/json: {schema: {$ref: "#/components/schemas/Tree"}}}}
  /pets:
    get:
      responses:
        2XX:
          description: p
          content:
            application/hal+json:
              schema:
                type: array
                items: {oneOf: [{$ref: "#/components/schemas/Cat"}, {$ref: "#/components/schemas/Dog"}]}
  /open:
    get:
      responses:
        "200": {description: o, content: {application/json: {schema: {type: object}}}}
  /labels:
    get:
      responses:
        "200":
          description: l
          content:
            "*/*":
              schema:
                type: object
                properties: {labels: {type: object, additionalProperties: {type: object, properties: {v: {}}}}}
                patternProperties: {"^x-": {type: string}}
                additionalProperties: false
  /free:
    get:
      responses:
        "200": {description: f, content: {application/json: {schema: {type: object, properties: {a: {}}, additionalProperties: true}}}}
components:
  responses:
    User:
      description: u
      content: {application/json: {schema: {$ref: "#/components/schemas/User"}}}
  schemas:
    User:
      allOf:
        - $ref: "#/components/schemas/Base"
        - type: object
          properties:
            email: {type: string}
            password: {type: string, writeOnly: true}
            manager: {$ref: "#/components/schemas/User"}
            nick: {NULL}
    Base: {type: object, required: [id], properties: {id: {type: integer, readOnly: true}, address: {type: object, properties: {city: {type: string}}}}}
    Tree: {type: object, properties: {name: {type: string}, children: {type: array, items: {$ref: "#/components/schemas/Tree"}}}}
    Cat: {type: object, properties: {meow: {type: boolean}}}
    Dog: {type: object, properties: {bark: {type: boolean}}}
`

// shop returns the contract of the tests in a version of OpenAPI, with its way to write null.
func shop(version string) string {
	nullable := "type: string, nullable: true"
	if version == "3.1.0" {
		nullable = "type: [string, 'null']"
	}
	return fmt.Sprintf(contractHead, version) + strings.ReplaceAll(shopPaths, "NULL", nullable)
}

func TestContract(t *testing.T) {
	for _, version := range []string{"3.0.3", "3.1.0"} {
		p := mustPolicy(t, Config{Contract: []*Contract{mustContract(t, shop(version))}})
		for _, tt := range []struct {
			line, body string
			want       []string
		}{
			{"GET /v1/users/7 200", `{"id":1,"email":"ada.l@lovelace.org","address":{"city":"Ulm"},"nick":"a"}`, nil},
			{"GET /beta/users/7 200", `{"id":1,"favourite":"tea"}`, []string{"undeclared-field /favourite low undeclared/openapi"}},
			{"GET /v1/users/7 200", `{"id":1,"phone":"+49 170 1234567"}`, []string{"pii-phone /phone low undeclared/openapi"}},
			{
				"GET /v1/users/7 200", `{"manager":{"manager":{"email":"ada.l@lovelace.org","favourite":1}}}`,
				[]string{"undeclared-field /manager/manager/favourite low undeclared/openapi"},
			},
			{"GET /v1/users/7 200", `{"address":{"city":"Ulm","floor":3}}`, []string{"undeclared-field /address/floor low undeclared/openapi"}},
			{"GET /v1/users/7 200", `{"password":"********"}`, []string{"write-only-field /password high denied/openapi"}},
			{"GET /v1/users/7 200", `{"password":null}`, nil},
			{"GET /v1/users/7 404", `{"error":"x"}`, nil},
			{"GET /v1/users/7 301", ``, []string{"undeclared-status /:status info undeclared/openapi"}},
			{"GET /v1/users/7 202", `{"x":1}`, []string{"undeclared-status /:status low undeclared/openapi"}},
			{"GET /v1/users/7 503", ``, nil},
			{"DELETE /v1/users/7 204", ``, nil},
			{"PUT /v1/users/7 200", `{"x":1}`, []string{"undeclared-route /path low undeclared/openapi"}},
			{"GET /v1/orders 200", `{"x":1}`, []string{"undeclared-route /path low undeclared/openapi"}},
			{"GET /v1/orders 404", `{"x":1}`, nil},
			{"GET /elsewhere 200", `{"x":1}`, nil},
			{"GET /v1/users/me 200", `{"name":"Ada"}`, nil},
			{"GET /v1/users/me 200", `{"id":7}`, []string{"undeclared-field /id low undeclared/openapi"}},
			{
				"GET /v1/tree 200", `{"name":"a","children":[{"name":"b","children":[{"name":"c","x":1}]}]}`,
				[]string{"undeclared-field /children/*/children/*/x low undeclared/openapi"},
			},
			{"GET /v1/pets 206", `[{"meow":true},{"bark":true},{"moo":true}]`, []string{"undeclared-field /*/moo low undeclared/openapi"}},
			{"GET /v1/open 200", `{"a":{"b":[1]}}`, nil},
			{"GET /v1/free 200", `{"a":{"b":[1]},"c":{"d":1}}`, nil},
			{
				"GET /v1/labels 200", `{"labels":{"one":{"v":1},"two":{"v":1,"w":1}},"x-y":"1"}`,
				[]string{"undeclared-field /labels/two/w low undeclared/openapi"},
			},
			{"GET /v1/labels 200", `{"other":1}`, []string{"undeclared-field /other low undeclared/openapi"}},
		} {
			wantFindings(t, p, exchange(tt.line, tt.body), tt.want...)
		}
	}
}

func TestContractErrors(t *testing.T) {
	head := fmt.Sprintf(contractHead, "3.1.0")
	for _, tt := range []struct{ text, want string }{
		{"swagger: '2.0'", `1:10: swagger: this is Swagger 2.0: convert it to OpenAPI 3.0 or 3.1`},
		{"openapi: 4.0.0", `1:10: openapi: want version 3.0 or 3.1`},
		{"a: 1", `there is no`},
		{"[", "1:1:"},
		{`{"openapi": "3.1.0",,}`, "1:20:"},
		{"openapi: 3.1.0\npaths: []", "2:8: paths: want a mapping, not a list"},
		{
			head + "  /x: {get: {responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Gone'}}}}}}}",
			`5:78: paths./x.get.responses.200.content.application/json.schema.$ref: the reference "#/components/schemas/Gone" leads nowhere: there is no "components"`,
		},
		{
			head + "  /x: {get: {responses: {'200': {$ref: 'https://evil.example/x.yaml#/a'}}}}",
			`5:40: paths./x.get.responses.200.$ref: the reference leads to another document, and none is fetched: bundle them to one`,
		},
		{head + "  /x: {get: {responses: {'200': {$ref: 'other.yaml'}}}}", "another document"},
		{head + "  /x: {get: {responses: {'2000': {description: x}}}}", "want a status"},
		{head + "  x: {get: {}}", "5:6: paths.x: a path starts with /"},
		{head + "  /x: {get: {responses: {'200': {$ref: '#/c'}}}}\nc: {$ref: '#/d'}\nd: {$ref: '#/c'}", "the references lead in a circle"},
	} {
		_, err := ParseContract([]byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(tt.want, "there is no")) {
			t.Errorf("got %v, want %s, for\n%s", err, tt.want, tt.text)
		}
	}
}

// largeContract makes a document of n routes with three operations each; their schemas
// refer to each other in circles.
func largeContract(n int) []byte {
	paths, schemas := make([]string, n), make([]string, n)
	for i := range n {
		var operations []string
		for j, method := range []string{"get", "put", "delete"} {
			operations = append(operations, fmt.Sprintf(`"%s":{"operationId":"o%d%d","responses":{"200":{"description":"d","content":`+
				`{"application/json":{"schema":{"$ref":"#/components/schemas/S%d"}}}},"404":{"description":"d"}}}`, method, i, j, (i+j)%n))
		}
		paths[i] = fmt.Sprintf(`"/api/v1/res%d/{id}":{%s}`, i, strings.Join(operations, ","))
		base := ""
		if i > 0 {
			base = fmt.Sprintf(`{"$ref":"#/components/schemas/S%d"},`, i/2)
		}
		var fields strings.Builder
		for j := range 20 {
			fmt.Fprintf(&fields, `"f%d_%d":{"type":"string","description":"a field of the resource, described at some length"},`, i, j)
		}
		schemas[i] = fmt.Sprintf(`"S%d":{"allOf":[%s{"type":"object","properties":{%s"next%d":{"$ref":"#/components/schemas/S%d"}}}]}`, i, base, &fields, i, (i+1)%n)
	}
	return []byte(fmt.Sprintf(`{"openapi":"3.1.0","info":{"title":"large","version":"1"},"paths":{%s},"components":{"schemas":{%s}}}`,
		strings.Join(paths, ","), strings.Join(schemas, ",")))
}

func TestContractLarge(t *testing.T) {
	c := mustContract(t, string(largeContract(400)))
	if c.Operations != 1200 {
		t.Errorf("got %d operations, want 1200", c.Operations)
	}
}

// TestContractTangled compiles schemas that redefine one member in circles: their
// combinations are endless, and the compiler has to stop and say so.
func TestContractTangled(t *testing.T) {
	var text strings.Builder
	text.WriteString(fmt.Sprintf(contractHead, "3.1.0") + "  /x: {get: {responses: {'200': {content: {application/json: {schema: {$ref: '#/s/S399'}}}}}}}\ns:\n")
	for i := range 400 {
		fmt.Fprintf(&text, "  S%d: {allOf: [{$ref: '#/s/S%d'}], properties: {next: {$ref: '#/s/S%d'}, f%d: {}}}\n", i, i/2, (i+1)%400, i)
	}
	c := mustContract(t, text.String())
	if len(c.Notes) == 0 || !strings.Contains(c.Notes[0].Text, "too many ways") {
		t.Errorf("got notes %v", c.Notes)
	}
}

func BenchmarkContract(b *testing.B) {
	doc := largeContract(400)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseContract(doc); err != nil {
			b.Fatal(err)
		}
	}
}
