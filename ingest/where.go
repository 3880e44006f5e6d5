package ingest

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/leaktap/leaktap/classify"
)

// where is what an expression can ask for.
type where struct {
	Method  string `expr:"method"`
	Host    string `expr:"host"`
	Target  string `expr:"target"`
	Path    string `expr:"path"`
	Service string `expr:"service"`
	Scheme  string `expr:"scheme"`
	Client  string `expr:"client"`
	Status  int    `expr:"status"`
	// HTTP is false for a record that is no exchange.
	HTTP bool `expr:"http"`
	// The names of headers are in lower case; of several fields of one name the
	// first counts.
	Request  map[string]string `expr:"request_headers"`
	Response map[string]string `expr:"response_headers"`
}

// CompileWhere compiles an expression of the language Expr
// (https://expr-lang.org/docs/language-definition) that says which exchanges are
// handed over, for Config.Where: method, host, target, path, service, scheme,
// client, status, http, request_headers and response_headers stand for what their
// names say. An exchange for which it fails is handed over. The function may be
// used by several goroutines.
func CompileWhere(expression string) (func(*classify.Exchange) bool, error) {
	program, err := expr.Compile(expression, expr.Env(where{}), expr.AsBool(), expr.MaxNodes(1000))
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n") // the rest draws an arrow
		return nil, fmt.Errorf("compile expression: %s", line)
	}
	return func(x *classify.Exchange) bool {
		result, err := vm.Run(program, newWhere(x))
		keep, isBool := result.(bool)
		return err != nil || !isBool || keep
	}, nil
}

func newWhere(x *classify.Exchange) where {
	path, _, _ := bytes.Cut(x.Target, []byte("?"))
	w := where{
		Method: string(x.Method), Host: string(x.Host), Target: string(x.Target), Path: string(path),
		Service: x.Service, Scheme: x.Scheme, Status: x.Status,
		HTTP:    x.Method != nil || x.Status != 0,
		Request: headerMap(&x.Request), Response: headerMap(&x.Response),
	}
	if x.Client.IsValid() {
		w.Client = x.Client.Addr().String()
	}
	return w
}

func headerMap(m *classify.Message) map[string]string {
	fields := make(map[string]string, len(m.Headers))
	for i := range m.Headers {
		name := string(bytes.ToLower(m.Headers[i].Name))
		if _, ok := fields[name]; !ok {
			fields[name] = string(m.Headers[i].Value)
		}
	}
	return fields
}
