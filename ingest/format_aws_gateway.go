package ingest

// awsGatewayFormat is the access log of Amazon API Gateway
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html),
// whose status is a string, and the event and answer of its Lambda integration
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html),
// whose body may be base64.
func awsGatewayFormat() jsonFormat {
	return jsonFormat{
		name: "aws-gateway",
		needs: [][]string{
			{"requestId", "httpMethod", "status"},
			{"requestId", "routeKey", "status"},
			{"resourcePath", "httpMethod"},
			{"requestContext", "headers"},
			{"statusCode", "isBase64Encoded"},
		},
		fields: joined(
			roles(roleTime, "requestTimeEpoch", "requestTime"),
			roles(rolePath, "resourcePath", "rawPath", "requestContext.http.path"),
			roles(roleQuery, "rawQueryString"),
			roles(roleHost, "domainName", "requestContext.domainName"),
			roles(roleMethod, "requestContext.http.method"),
			roles(roleService, "apiId", "requestContext.apiId"),
			roles(roleClient, "requestContext.identity.sourceIp", "requestContext.http.sourceIp")),
		opens:  []string{"requestContext", "requestContext.http", "requestContext.identity"},
		isHTTP: true,
	}
}
