package ingest

import "bytes"

// kubernetesAuditFormat is an event of the audit log of Kubernetes
// (https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/). A request
// has an event for each stage, with one auditID; the first holds no response. It is
// written down, whatever it holds.
func kubernetesAuditFormat() jsonFormat {
	return jsonFormat{
		name:  "k8s-audit",
		needs: [][]string{{"auditID", "verb", "requestURI"}, {"auditID", "stage"}},
		fields: joined(
			roles(roleTime, "requestReceivedTimestamp"),
			roles(roleStatus, "responseStatus.code"),
			roles(roleRequestBody, "requestObject"),
			roles(roleResponseBody, "responseObject"),
			roles(roleClient, "sourceIPs"),
			roles(roleService, "objectRef.resource")),
		opens:  []string{"responseStatus", "objectRef"},
		isHTTP: true,
		finish: func(dec *decoding, d *jsonDecoder) {
			x := &dec.x
			if x.Method == nil {
				x.Method = methodOfVerb(d.walk.raw(roleMethod))
			}
			if !x.Client.IsValid() {
				first, _, _ := bytes.Cut(bytes.Trim(d.walk.raw(roleClient), `[" ]`), []byte(`"`))
				x.Client, _ = parseAddr(first)
			}
			x.Persisted = true
		},
	}
}

// methodOfVerb returns the method that a verb stands for
// (https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb).
func methodOfVerb(verb []byte) []byte {
	switch string(verb) {
	case "get", "list", "watch", "proxy":
		return []byte("GET")
	case "create":
		return []byte("POST")
	case "update":
		return []byte("PUT")
	case "patch":
		return []byte("PATCH")
	case "delete", "deletecollection":
		return []byte("DELETE")
	}
	return nil
}
