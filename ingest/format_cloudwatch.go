package ingest

// formatCloudWatch is the name of CloudWatch Logs' format.
const formatCloudWatch = "cloudwatch"

// cloudWatchFormat is what a subscription of CloudWatch Logs delivers, gzip and
// mostly base64 around it
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html):
// each of logEvents is a record.
func cloudWatchFormat() jsonFormat {
	return jsonFormat{
		name:  formatCloudWatch,
		needs: [][]string{{"logGroup", "logEvents"}},
		fields: joined(
			roles(roleRecords, "logEvents"),
			roles(roleService, "logGroup")),
	}
}
