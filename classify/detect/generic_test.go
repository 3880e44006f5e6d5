package detect

import (
	"testing"

	"github.com/leaktap/leaktap/classify"
)

// TestGenericErrorsStayClean is S23: the errors that APIs should send raise
// nothing at all, whatever the status and the caller.
func TestGenericErrorsStayClean(t *testing.T) {
	e := newEngine(t)
	for _, body := range []string{
		`{"error":"internal error"}`,
		`{"error":{"code":"not_found","message":"The requested resource was not found."}}`,
		`{"type":"about:blank","title":"Unauthorized","status":401,"detail":"No authorization token provided"}`,
		`{"status":"fail","message":"Invalid token. Please log in again."}`,
		`{"message":"'password' is a required property"}`,
		`{"errors":[{"field":"password","code":"too_short","message":"must be at least 8 characters"}]}`,
		`{"error":"invalid_grant","error_description":"The access token expired"}`,
		`{"error":"rate limited","retry_after":30,"request_id":"3f2b8c1a-9d4e-4f6a-8b2c-1d3e5f7a9b0c"}`,
		`{"code":16,"message":"Request had invalid authentication credentials.","details":[]}`,
		`{"ok":false,"error":"E1042","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}`,
		`<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>`,
		`Not Found`, ``, `null`, `{}`, `[]`,
	} {
		for _, status := range []int{200, 400, 401, 404, 500, 502} {
			for _, headers := range [][]classify.Header{nil, {{Name: []byte("Authorization"), Value: []byte("Bearer xx.yy.zz")}}} {
				x := &classify.Exchange{
					Method: []byte("POST"), Target: []byte("/api/orders/17"), Status: status,
					Request:  classify.Message{Headers: headers},
					Response: classify.Message{Headers: []classify.Header{{Name: []byte("Server"), Value: []byte("nginx")}}, Body: []byte(body)},
				}
				for _, f := range findings(e, x) {
					t.Errorf("%d %s: %s at %s %q", status, body, f.Rule.ID, f.Where, f.Pointer)
				}
			}
		}
	}
}
