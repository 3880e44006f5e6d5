package ingest

// azureFormat is what Azure's diagnostic settings write to an event hub
// (https://learn.microsoft.com/azure/azure-monitor/platform/resource-logs-schema):
// an array records, or one of them. What is told of HTTP stands in properties, as
// in API Management's gateway logs
// (https://learn.microsoft.com/azure/azure-monitor/reference/tables/apimanagementgatewaylogs).
func azureFormat() jsonFormat {
	return jsonFormat{
		name:  "azure",
		needs: [][]string{{"resourceId", "operationName", "category"}, {"resourceId", "properties"}, {"records"}},
		fields: joined(
			roles(roleRecords, "records"),
			roles(roleClient, "callerIpAddress", "clientIP"),
			roles(roleService, "apiId"),
			roles(roleServiceID, "resourceId"),
			roles(roleHost, "hostname", "originalHost")),
		inherits: []string{"properties"},
	}
}
