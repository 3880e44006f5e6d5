package ingest

// formatJournald is the name of journald's format.
const formatJournald = "journald"

// journaldFormat is what journalctl -o json writes
// (https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format,
// https://www.freedesktop.org/software/systemd/man/latest/systemd.journal-fields.html).
// MESSAGE is a string, or the numbers of its bytes.
func journaldFormat() jsonFormat {
	return jsonFormat{
		name:  formatJournald,
		needs: [][]string{{"MESSAGE", "__REALTIME_TIMESTAMP"}, {"MESSAGE", "_SYSTEMD_UNIT"}, {"MESSAGE", "SYSLOG_IDENTIFIER"}},
		fields: joined(
			roles(roleTime, "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP"),
			roles(roleService, "_SYSTEMD_UNIT"),
			roles(roleServiceID, "SYSLOG_IDENTIFIER")),
	}
}
