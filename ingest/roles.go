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
	roleBody     // side not told
	roleEncoding // of the response's body
	roleBase64   // true if bodies are base64
	roleRequestBytes
	roleResponseBytes // bodies as base64
	roleRequestCut
	roleResponseCut // true if the body is not all that was sent
	roleRequestCookies
	roleResponseCookies
	roleRawRequest
	roleRawResponse // whole HTTP messages as base64
	roleDate        // a day whose time stands elsewhere
	roleSide        // request or response
	rolePair        // what the two records of an exchange share
	roleMessage     // a text that may be a record
	roleData        // a value that is a record
	roleDataBase64
	roleRecords // an array of records
	roleLogs    // resourceLogs of OTLP
	roleCount
)

// headers says whether the role's value is header fields.
func (r role) headers() bool {
	return r == roleRequestHeaders || r == roleResponseHeaders || r == roleHeaders
}

// roles gives many paths one role.
func roles(r role, paths ...string) (list []namedRole) {
	for _, path := range paths {
		list = append(list, namedRole{path, r})
	}
	return list
}

// joined puts lists of names together.
func joined(lists ...[]namedRole) (all []namedRole) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// sharedNames are the names that mean the same in every format: the plain
// spellings, those of pino-http and of the formats that agree with them.
func sharedNames() *jsonFormat {
	return &jsonFormat{
		fields: joined(namesOfOrigin(), namesOfTarget(), namesOfMessages(), namesOfEnvelopes()),
		opens: []string{
			"request", "response", "req", "resp", "res", "http", "httprequest", "httpresponse",
			"httprequestbody", "httpresponsebody", "requestpostdata", "responsecontent",
			"url", "client", "source", "service",
		},
	}
}

// namesOfOrigin tell where and when a record was made, and the status.
func namesOfOrigin() []namedRole {
	return joined(
		roles(roleTime, "time", "timestamp", "ts", "starttime", "startedat", "starteddatetime", "datetime",
			"eventtime", "timelocal", "timeiso8601", "startutc"),
		roles(roleService, "service", "servicename", "app", "application", "appname", "upstreamservice"),
		roles(roleServiceID, "serviceid"),
		roles(roleStatus, "status", "statuscode", "responsecode", "code", "httpstatus", "httpstatuscode",
			"responsestatus", "responsestatuscode", "httpresponsestatuscode", "respstatus",
			"respstatuscode", "resstatuscode", "resstatus", "downstreamstatus", "resp"),
		roles(roleClient, "clientip", "remoteaddr", "remoteip", "remoteaddress", "clientaddress", "sourceip", "ip",
			"requestremoteaddress", "reqremoteaddress", "clientaddr", "clienthost", "downstreamremoteaddress", "srcip"))
}

// namesOfTarget tell what was asked for.
func namesOfTarget() []namedRole {
	return joined(
		roles(roleMethod, "method", "httpmethod", "requestmethod", "reqmethod", "verb", "httprequestmethod", "requestverb"),
		roles(rolePath, "path", "urlpath", "requestpath", "httppath", "reqpath", "httprequestpath"),
		roles(roleURI, "uri", "target", "requesturi", "requesttarget", "httptarget", "requri", "httprequesturi"),
		roles(roleURL, "url", "requesturl", "fullurl", "httpurl", "urlfull", "urloriginal", "requrl", "httprequesturl"),
		roles(roleLine, "request", "requestline", "httprequestline"),
		roles(roleQuery, "query", "querystring", "urlquery", "requestquery", "requestquerystring", "reqquery", "args"),
		roles(roleHost, "host", "httphost", "requesthost", "reqhost", "servername", "authority", "requestauthority", "urldomain"),
		roles(roleScheme, "scheme", "urlscheme", "requestscheme"))
}

// namesOfMessages hold headers and bodies.
func namesOfMessages() []namedRole {
	return joined(
		roles(roleRequestHeaders, "reqheaders", "reqheader", "requestheaders", "requestheader", "httprequestheaders",
			"httprequestheader"),
		roles(roleResponseHeaders, "respheaders", "respheader", "responseheaders", "responseheader", "resheaders",
			"httpresponseheaders", "httpresponseheader"),
		roles(roleHeaders, "headers", "httpheaders"),
		roles(roleRequestBody, "reqbody", "requestbody", "requestpayload", "requestpostdata", "requestpostdatatext",
			"httprequestbody", "httprequestbodycontent"),
		roles(roleResponseBody, "respbody", "responsebody", "resbody", "responsepayload", "responsecontent",
			"responsecontenttext", "httpresponsebody", "httpresponsebodycontent"),
		roles(roleBody, "body"),
		roles(roleEncoding, "responsecontentencoding"),
		roles(roleBase64, "isbase64encoded"),
		roles(roleRequestCookies, "requestcookies"),
		roles(roleResponseCookies, "responsecookies"))
}

// namesOfEnvelopes hold records.
func namesOfEnvelopes() []namedRole {
	return roles(roleMessage, "message", "log", "msg")
}
