package policy

import (
	"slices"
	"strconv"
	"strings"
)

// Contract is an OpenAPI 3.0 or 3.1 document, compiled: what each operation's responses may
// hold (spec.openapis.org/oas/v3.1.1). It is immutable.
type Contract struct {
	router router
	// Title is the API's, Operations how many were compiled.
	Title      string
	Operations int
	// Notes are what the document says that is not judged.
	Notes []*Problem
}

// operation is what one operation of a contract may answer with.
type operation struct {
	statuses map[int]*response
	ranges   [6]*response // 2 is 2XX
	other    *response    // default
}

// response is what may be answered with one status.
type response struct {
	content []content
}

// content is the shape of a media type, which may end in *; the shape is nil where none is
// described.
type content struct {
	media string
	shape *shape
}

// answer returns the response for a status, nil if there is none.
func (o *operation) answer(status int) *response {
	if r := o.statuses[status]; r != nil {
		return r
	}
	if class := status / 100; class < len(o.ranges) && o.ranges[class] != nil {
		return o.ranges[class]
	}
	return o.other
}

// methods are the fixed fields of a Path Item Object that hold operations.
var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}

// maxServers bounds the base paths of one operation.
const maxServers = 16

// ParseContract compiles an OpenAPI document, YAML or JSON. Errors are [Problem]s with line
// and column: among them references to other documents, which are never fetched, and
// references that lead nowhere.
func ParseContract(doc []byte) (*Contract, error) {
	root, err := parse(doc)
	if err != nil {
		return nil, err
	}
	version := root.get("openapi")
	switch {
	case root.get("swagger") != nil:
		return nil, problemAt(root.get("swagger"), "swagger", "this is Swagger 2.0: convert it to OpenAPI 3.0 or 3.1")
	case version == nil:
		return nil, problemAt(root, "", "this is no OpenAPI document: it has no openapi")
	case !strings.HasPrefix(version.text, "3.0") && !strings.HasPrefix(version.text, "3.1") && !strings.HasPrefix(version.text, "3.2"):
		return nil, problemAt(version, "openapi", "want version 3.0 or 3.1")
	}
	c := &compiler{root: root, contract: &Contract{}, shapes: map[string]*shape{}, ids: map[*node]int{}, besides: map[*node]*node{}}
	if title := root.get("info").get("title"); title != nil {
		c.contract.Title = title.text
	}
	if c.paths(root.get("paths")); c.failed != nil {
		return nil, c.failed
	}
	return c.contract, nil
}

// compiler compiles one document; failed is the first problem.
type compiler struct {
	root     *node
	contract *Contract
	failed   *Problem
	// shapes are made once for the same schemas, by the ids of their nodes.
	shapes map[string]*shape
	ids    map[*node]int
	// todo are shapes whose members are not made yet.
	todo []task
	// besides are what stands beside references.
	besides  map[*node]*node
	patterns int
	// work counts schemas that were joined, tooMuch those that were not.
	work, tooMuch int
}

func (c *compiler) fail(n *node, key, format string, args ...any) {
	if c.failed == nil {
		c.failed = problemAt(n, key, format, args...)
	}
}

func (c *compiler) note(n *node, key, format string, args ...any) {
	const most = 100
	if len(c.contract.Notes) < most {
		c.contract.Notes = append(c.contract.Notes, problemAt(n, key, format, args...))
	}
}

func (c *compiler) paths(paths *node) {
	if paths == nil { // 3.1: a document of components or webhooks only
		c.note(c.root, "paths", "there are no paths, so that nothing is judged")
		return
	}
	if paths.kind != mapping {
		c.fail(paths, "paths", "want a mapping, not %s", paths.kind)
		return
	}
	base := c.bases(c.root.get("servers"), []string{""})
	for _, m := range paths.members {
		if strings.HasPrefix(m.key, "x-") {
			continue
		}
		key := "paths." + m.key
		if !strings.HasPrefix(m.key, "/") {
			c.fail(m.value, key, "a path starts with /")
			return
		}
		if text := checkTemplate(m.key); text != "" {
			c.note(m.value, key, "%s: the path is not judged", text)
			continue
		}
		c.path(m, key, base)
	}
}

func (c *compiler) path(m member, key string, base []string) {
	item := c.resolve(m.value, key)
	if item == nil || item.kind != mapping {
		return
	}
	base = c.bases(item.get("servers"), base)
	for _, method := range methods {
		op := item.get(method)
		if op == nil || op.kind != mapping || c.failed != nil {
			continue
		}
		compiled := c.operation(op, key+"."+method)
		for _, b := range c.bases(op.get("servers"), base) {
			template := cleanTemplate(b + m.key)
			r := &route{method: strings.ToUpper(method), template: template, by: byOpenAPI, fields: true, operation: compiled}
			c.contract.router.add(template, r)
		}
		c.contract.Operations++
	}
}

// bases returns the paths of servers, with the defaults of their variables; above if there
// are none.
func (c *compiler) bases(servers *node, above []string) []string {
	if servers == nil || servers.kind != list || len(servers.items) == 0 {
		return above
	}
	var list []string
	for _, s := range servers.items {
		url := s.get("url")
		if url == nil || len(list) == maxServers {
			continue
		}
		path := url.text
		if vars := s.get("variables"); vars != nil {
			for _, v := range vars.members {
				if def := v.value.get("default"); def != nil {
					path = strings.ReplaceAll(path, "{"+v.key+"}", def.text)
				}
			}
		}
		if _, rest, ok := strings.Cut(path, "//"); ok {
			_, rest, _ = strings.Cut(rest, "/")
			path = "/" + rest
		}
		path, _, _ = strings.Cut(path, "?")
		if path = "/" + strings.Trim(path, "/"); path == "/" {
			path = ""
		}
		if checkTemplate("/"+path) == "" && !slices.Contains(list, path) {
			list = append(list, path)
		}
	}
	if len(list) == 0 {
		return above
	}
	return list
}

func (c *compiler) operation(op *node, key string) *operation {
	o := &operation{statuses: map[int]*response{}}
	responses := op.get("responses")
	if responses == nil {
		return o
	}
	for _, m := range responses.members {
		if strings.HasPrefix(m.key, "x-") {
			continue
		}
		r := c.response(m.value, key+".responses."+m.key)
		status, err := strconv.Atoi(m.key)
		switch {
		case m.key == "default":
			o.other = r
		case len(m.key) == 3 && strings.EqualFold(m.key[1:], "xx") && m.key[0] >= '1' && m.key[0] <= '5':
			o.ranges[m.key[0]-'0'] = r
		case err == nil && status >= 100 && status <= 599:
			o.statuses[status] = r
		default:
			c.fail(m.value, key+".responses."+m.key, "want a status, a range such as 2XX, or default")
		}
	}
	return o
}

func (c *compiler) response(n *node, key string) *response {
	r := &response{}
	n = c.resolve(n, key)
	if n == nil {
		return r
	}
	described := n.get("content")
	if described == nil || described.kind != mapping {
		return r
	}
	for _, m := range described.members {
		media, _, _ := strings.Cut(strings.ToLower(m.key), ";")
		r.content = append(r.content, content{strings.TrimSpace(media), c.schema(m.value.get("schema"), key+".content."+m.key+".schema")})
	}
	return r
}

// shapeFor returns the shape for a media type; ok is false where the response does not
// describe it.
func (r *response) shapeFor(media string) (s *shape, ok bool) {
	if len(r.content) == 0 {
		return &shape{}, true // no body is declared: a rare case, which may allocate
	}
	for _, match := range []func(string) bool{
		func(m string) bool { return m == media },
		func(m string) bool { return strings.HasSuffix(m, "/*") && strings.HasPrefix(media, m[:len(m)-1]) },
		func(m string) bool { return m == "*/*" || media == "" && isJSONMedia(m) },
		func(m string) bool { return isJSONMedia(m) && isJSONMedia(media) },
	} {
		for i := range r.content {
			if match(r.content[i].media) {
				return r.content[i].shape, true
			}
		}
	}
	return nil, false
}

// isJSONMedia knows application/json and what ends in +json (RFC 6839, section 3.1).
func isJSONMedia(m string) bool {
	return strings.HasSuffix(m, "/json") || strings.HasSuffix(m, "+json")
}
