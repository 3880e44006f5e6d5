package ingest

// role is what a field of a record says about its exchange.
type role uint8

const (
	roleNone role = iota
	roleTime
	roleService
	roleServiceID // taken if no name is told
	roleMethod
	rolePath // path, mostly without query
	roleURI  // path with query
	roleURL  // most complete: often absolute
	roleLine // method, target and version in one string
	roleQuery
	roleHost
	roleScheme
	roleStatus
	roleClient
	roleRequestHeaders
	roleResponseHeaders
	roleHeaders // side not told
	roleRequestBody
	roleResponseBody
	roleBody // side not told
	roleEncoding
	roleRequestCookies
	roleResponseCookies
	roleCount
)

// headers says whether the role's value is header fields.
func (r role) headers() bool {
	return r == roleRequestHeaders || r == roleResponseHeaders || r == roleHeaders
}

// appendCompact writes the letters and digits of key, in lower case, behind the
// first length bytes of path and returns the new length. So request_headers,
// requestHeaders, request.headers and headers inside request are one name. What
// does not fit is left out: no known name is that long.
func appendCompact(path *[64]byte, length int, key []byte) int {
	for _, c := range key {
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		default:
			continue
		}
		if length == len(path) {
			break
		}
		path[length] = c
		length++
	}
	return length
}

// opens says whether the object at a compact path is looked into.
func opens(path string) bool {
	switch path {
	case "request", "response", "req", "resp", "res", "http", "httprequest", "httpresponse",
		"httprequestbody", "httpresponsebody", "requestpostdata", "responsecontent",
		"url", "client", "source", "service":
		return true
	}
	return false
}

// roleOf returns the role of the value at a compact path. The names are those
// of APISIX kafka-logger (https://apisix.apache.org/docs/apisix/plugins/kafka-logger/),
// Kong http-log (https://docs.konghq.com/hub/kong-inc/http-log/), Elastic Common
// Schema (https://www.elastic.co/guide/en/ecs/current/ecs-http.html), Envoy,
// Traefik, pino-http, HAR, and the plain spellings.
func roleOf(path string) role {
	if r := roleOfMessage(path); r != roleNone {
		return r
	}
	if r := roleOfTarget(path); r != roleNone {
		return r
	}
	switch path {
	case "time", "timestamp", "ts", "starttime", "startedat", "starteddatetime", "datetime",
		"eventtime", "timelocal", "timeiso8601", "startutc":
		return roleTime
	case "service", "servicename", "app", "application", "appname", "upstreamservice":
		return roleService
	case "serviceid":
		return roleServiceID
	case "status", "statuscode", "responsecode", "code", "httpstatus", "httpstatuscode",
		"responsestatus", "responsestatuscode", "httpresponsestatuscode", "respstatus",
		"respstatuscode", "resstatuscode", "resstatus", "downstreamstatus":
		return roleStatus
	case "clientip", "remoteaddr", "remoteip", "remoteaddress", "clientaddress", "sourceip", "ip",
		"requestremoteaddress", "reqremoteaddress", "clientaddr", "clienthost", "downstreamremoteaddress":
		return roleClient
	}
	return roleNone
}

// roleOfTarget knows the fields that say what was asked for.
func roleOfTarget(path string) role {
	switch path {
	case "method", "httpmethod", "requestmethod", "reqmethod", "verb", "httprequestmethod", "requestverb":
		return roleMethod
	case "path", "urlpath", "requestpath", "httppath", "reqpath", "httprequestpath":
		return rolePath
	case "uri", "target", "requesturi", "requesttarget", "httptarget", "requri", "httprequesturi":
		return roleURI
	case "url", "requesturl", "fullurl", "httpurl", "urlfull", "urloriginal", "requrl", "httprequesturl":
		return roleURL
	case "request", "requestline", "httprequestline":
		return roleLine
	case "query", "querystring", "urlquery", "requestquery", "requestquerystring", "reqquery", "args":
		return roleQuery
	case "host", "httphost", "requesthost", "reqhost", "servername", "authority", "requestauthority", "urldomain":
		return roleHost
	case "scheme", "urlscheme", "requestscheme":
		return roleScheme
	}
	return roleNone
}

// roleOfMessage knows the fields that hold headers and bodies.
func roleOfMessage(path string) role {
	switch path {
	case "reqheaders", "reqheader", "requestheaders", "requestheader", "httprequestheaders":
		return roleRequestHeaders
	case "respheaders", "respheader", "responseheaders", "responseheader", "resheaders", "httpresponseheaders":
		return roleResponseHeaders
	case "headers", "httpheaders":
		return roleHeaders
	case "reqbody", "requestbody", "requestpayload", "requestpostdata", "requestpostdatatext",
		"httprequestbody", "httprequestbodycontent":
		return roleRequestBody
	case "respbody", "responsebody", "resbody", "responsepayload", "responsecontent", "responsecontenttext",
		"httpresponsebody", "httpresponsebodycontent":
		return roleResponseBody
	case "body":
		return roleBody
	case "responsecontentencoding":
		return roleEncoding
	case "requestcookies":
		return roleRequestCookies
	case "responsecookies":
		return roleResponseCookies
	}
	return roleNone
}
