package detect

import (
	"regexp"

	"github.com/leaktap/leaktap/classify"
)

// databaseTexts are what servers and drivers write in an error and nothing else
// does, by engine.
var databaseTexts = []string{
	// MySQL and MariaDB: dev.mysql.com/doc/mysql-errors, messages of the server
	"Cannot add or update a child row: a foreign key constraint", "Cannot delete or update a parent row: a foreign key",
	"Lock wait timeout exceeded; try restarting", "Deadlock found when", "The used SELECT statements have a different number of columns",
	"Illegal mix of collations (", "MySQL server has gone away", "Lost connection to MySQL server", "Can't connect to MySQL server", "MySQL server version for the right", "is not a valid MySQL result",
	// PostgreSQL: www.postgresql.org/docs/current/errcodes-appendix.html, and its sources
	"syntax error at or near", "unterminated quoted string at or near", "syntax error at end of input", "violates unique constraint", "violates foreign key constraint",
	"violates not-null constraint", "violates check constraint", "violates exclusion constraint", "invalid input syntax for ", "current transaction is aborted, commands ignored",
	"password authentication failed for user", "no pg_hba.conf entry for host", "remaining connection slots are reserved", "value too long for ",
	"match value count at row ", "could not serialize ", "must appear in the GROUP BY clause or be used", "pg_query(): ", "pg_exec(): ",
	// SQL Server: sys.messages
	"Incorrect syntax near ", "Unclosed quotation mark after the character string", "Conversion failed when ", "Violation of PRIMARY KEY constraint",
	"Violation of UNIQUE KEY constraint", "Cannot insert duplicate key ", "binary data would be truncated", "conflicted with the FOREIGN KEY constraint",
	"conflicted with the REFERENCE constraint", "Cannot insert the value NULL into column", "Microsoft OLE DB Provider", "ODBC SQL Server Driver", "for SQL Server][SQL Server]",
	"[Microsoft][ODBC", "JET Database Engine", "SQL Native Client error",
	// SQLite: sqlite.org/rescode.html, sqlite3.c
	"UNIQUE constraint failed: ", "NOT NULL constraint failed: ", "CHECK constraint failed: ", "FOREIGN KEY constraint failed", "SQLITE_ERROR", "SQLITE_CONSTRAINT", "SQLITE_BUSY",
	"SQLITE_MISMATCH", "SQLITE_CANTOPEN", "SQLITE_READONLY", "attempt to write a readonly database",
	// DB2, Informix, Sybase, SAP, Teradata, Firebird, Hive
	"DB2 SQL Error", "DB2 SQL error", "SQLERRMC=", "SQLCODE=-", "SQLCODE: -", "[IBM][CLI Driver]", "[Informix][", "Sybase message: ", "SAP DBTech JDBC", "[Teradata ",
	"Dynamic SQL Error", "FAILED: SemanticException",
	// MongoDB, its drivers and Mongoose
	"E11000 duplicate key", "unknown top level operator: $", "unknown operator: $",
	"BSONObj size: ", "input must be a 24 character hex string, 12 byte",
	// Redis: redis.io/docs, error replies
	"WRONGTYPE Operation against a key", "NOAUTH Authentication required", "WRONGPASS invalid username", "MISCONF Redis is configured", "OOM command not allowed when used memory",
	"CROSSSLOT Keys in request", "READONLY You can't write against", "LOADING Redis is loading", "NOSCRIPT No matching script", "EXECABORT Transaction discarded",
	// Elasticsearch and OpenSearch: types of errors
	"search_phase_execution_exception", "index_not_found_exception", "mapper_parsing_exception", "x_content_parse_exception",
	"query_shard_exception", "document_missing_exception", "es_rejected_execution_exception", "circuit_breaking_exception", "cluster_block_exception",
	"document_parsing_exception", "parsing_exception", "script_exception", "too_many_clauses", "illegal_argument_exception",
	// Cassandra, ClickHouse, Snowflake, Neo4j
	"unconfigured table ", "no viable alternative at input ", "Error from server: code=", "might involve data filtering and thus may have unpredictable", "DB::Exception: ",
	"SQL compilation error:", "Neo.ClientError.",
	// frameworks: Spring, JPA, MyBatis, Doctrine, SQLAlchemy, Prisma, Drizzle, go-sql-driver, database/sql, ASP.NET
	"bad SQL grammar [", "PreparedStatementCallback; ", "JDBC exception executing SQL", "could not extract ResultSet", "could not execute statement; SQL [",
	"Could not open JPA EntityManager", "### Error querying database", "### Error updating database", "An exception occurred while executing a query", "An exception occurred while executing '",
	"(Background on this error at: https://sqlalche.me", "Invalid `prisma.", "sql: no rows in result set", "sql: Scan error on column", "sql: converting argument $",
	"error returned from database: ", "An error occurred while updating the entries. See the inner", "Unable to connect to any of the specified MySQL hosts",
}

// databaseForms are anchors that need the rest of their message behind them.
var databaseForms = map[string]*regexp.Regexp{
	"You have an error in your SQL syntax": regexp.MustCompile(`^You have an error in your SQL syntax(?:$|[;:.,\s\\<])`), // in quotes it is cited
	"Duplicate entry ":                     regexp.MustCompile(`^Duplicate entry ` + tickRE + `[^\n]{0,200} for key`),
	"Unknown column ":                      regexp.MustCompile(`^Unknown column ` + tickRE),
	"Unknown database ":                    regexp.MustCompile(`^Unknown database ` + tickRE),
	"Access denied for user":               regexp.MustCompile(`^Access denied for user ` + tickRE + `[^\n]{0,80}` + tickRE + `@`),
	"too long for column ":                 regexp.MustCompile(`^too long for column ` + tickRE),
	"Cast to ":                             regexp.MustCompile(`^Cast to \w{1,20} failed for value`),
	"Out of range value ":                  regexp.MustCompile(`^Out of range value for column ` + tickRE),
	"Incorrect integer ":                   regexp.MustCompile(`^Incorrect integer value: ` + tickRE),
	"Incorrect datetime ":                  regexp.MustCompile(`^Incorrect datetime value: ` + tickRE),
	"Table '":                              regexp.MustCompile(`^Table ` + tickRE + `[\w$-]{1,64}\.[\w$-]{1,64}` + tickRE + ` doesn` + tickRE + `t exist`),
	"Table &#":                             regexp.MustCompile(`^Table ` + tickRE + `[\w$-]{1,64}\.[\w$-]{1,64}` + tickRE + ` doesn` + tickRE + `t exist`),
	"Error 1":                              regexp.MustCompile(`^Error 1\d{3} ?(?:\([0-9A-Z]{5}\))?: `),
	"ER_":                                  regexp.MustCompile(`^ER_(?:PARSE_ERROR|DUP_\w+|BAD_\w+|NO_\w+|ACCESS_DENIED\w*|ROW_IS_REF\w+|DATA_TOO_LONG|TRUNCATED\w+|LOCK_\w+|UNKNOWN_\w+|SYNTAX_ERROR|WRONG_\w+|CON_COUNT\w*|NON_UNIQ\w+|DBACCESS\w+|HOST_\w+|SUBQUERY\w+|WARN_\w+)\b`),
	"operator does not exist":              regexp.MustCompile(`^operator does not exist: `),
	"duplicate key ":                       regexp.MustCompile(`^duplicate key value violates `),
	"null value in ":                       regexp.MustCompile(`^null value in column `),
	"permission denied for":                regexp.MustCompile(`^permission denied for (?:table|relation|schema|sequence|function|database) \w`),
	"SQLSTATE":                             regexp.MustCompile(`^SQLSTATE ?[\[:=(]? ?(?:[0-9A-Z]{5}|HY000)\b`),
	"pq: ":                                 regexp.MustCompile(`^pq: [a-z]`),
	"Msg ":                                 regexp.MustCompile(`^Msg \d{1,6}, Level \d{1,2}, State \d`),
	"Invalid object ":                      regexp.MustCompile(`^Invalid object name ` + tickRE),
	"Invalid column ":                      regexp.MustCompile(`^Invalid column name ` + tickRE),
	"Login failed for ":                    regexp.MustCompile(`^Login failed for user ` + tickRE),
	"Cannot open database ":                regexp.MustCompile(`^Cannot open database ` + quoteRE),
	"ORA-":                                 regexp.MustCompile(`^ORA-\d{5}\b`),
	"PLS-":                                 regexp.MustCompile(`^PLS-\d{5}\b`),
	"TNS-":                                 regexp.MustCompile(`^TNS-\d{5}\b`),
	"DPY-":                                 regexp.MustCompile(`^DPY-\d{4}\b`),
	"DPI-":                                 regexp.MustCompile(`^DPI-\d{4}\b`),
	"SQL0":                                 regexp.MustCompile(`^SQL0\d{3}N `),
	"no such table":                        regexp.MustCompile(`^no such table: \S`),
	"no such column":                       regexp.MustCompile(`^no such column: \S`),
	"no such index [":                      regexp.MustCompile(`^no such index \[\S`),
	"near \"":                              regexp.MustCompile(`^near ` + quoteRE + `[^"\n]{1,80}` + quoteRE + `: syntax error`),
	"near &":                               regexp.MustCompile(`^near ` + quoteRE + `[^"\n]{1,80}` + quoteRE + `: syntax error`),
	"MOVED ":                               regexp.MustCompile(`^MOVED \d{1,5} [\d.]{7,15}:\d`),
	"Syntax error: ":                       regexp.MustCompile(`^Syntax error: (?:Unexpected|Expected) [^\n]{1,200} at \[\d+:\d+\]`),
	"Unrecognized name: ":                  regexp.MustCompile(`^Unrecognized name: \S{1,80}[^\n]{0,80} at \[\d+:\d+\]`),
	"ERR ":                                 regexp.MustCompile(`^ERR (?:wrong number of arguments for|unknown command|value is not an integer|invalid (?:expire|password)|DB index)`),
	"mysqli_":                              regexp.MustCompile(`^mysqli_\w{1,40}\(\)`),
	"mysql_":                               regexp.MustCompile(`^mysql_\w{1,40}\(\)`),
	"unrecognized token: ":                 regexp.MustCompile(`^unrecognized token: ` + quoteRE),
	"does not exist":                       nil, // judged by what stands before it
	"P20":                                  nil, // judged by what stands around it
}

// databaseNames start the names of drivers' exceptions; the same names without
// an exception are those of packages, in documentation and in imports.
var databaseNames = []string{
	"psycopg", "asyncpg.", "pymysql.", "MySQLdb.", "mysql.connector.", "aiomysql.", "sqlite3.", "sqlalchemy.", "django.db.", "peewee.", "pymongo.errors.", "redis.exceptions.",
	"elasticsearch.", "cassandra.", "snowflake.", "google.cloud.bigquery", "pyodbc.", "cx_Oracle.", "oracledb.", "asyncmy.", "tortoise.exceptions.", "PG::", "Mysql2::", "SQLite3::", "TinyTds::", "Sequel::",
	"ActiveRecord::", "Mongo::Error::", "Mongoid::Errors::", "Redis::", "PDOException", "mysqli_sql_exception", "Doctrine\\DBAL\\", "Doctrine\\ORM\\", "Illuminate\\Database\\", "java.sql.", "javax.persistence.", "jakarta.persistence.",
	"org.postgresql.", "com.mysql.", "org.mariadb.jdbc.", "oracle.jdbc.", "com.microsoft.sqlserver.", "com.ibm.db2.", "com.sybase.", "org.h2.jdbc.", "org.hsqldb.", "org.sqlite.",
	"org.hibernate.", "org.springframework.jdbc.", "org.springframework.dao.", "org.apache.ibatis.", "org.jooq.", "com.datastax.", "io.lettuce.", "redis.clients.jedis.",
	"org.elasticsearch.", "org.neo4j.", "net.snowflake.", "PSQLException", "SQLSyntaxErrorException", "JdbcSQLSyntaxErrorException", "CannotGetJdbcConnectionException", "BadSqlGrammarException",
	"System.Data.", "Microsoft.Data.", "MySql.Data.", "MySqlConnector.", "Npgsql.", "Microsoft.EntityFrameworkCore.", "Oracle.ManagedDataAccess.", "StackExchange.Redis.",
	"SequelizeDatabaseError", "SequelizeUniqueConstraintError", "SequelizeForeignKeyConstraintError", "SequelizeConnection", "SequelizeValidationError", "QueryFailedError", "EntityNotFoundError", "DrizzleQueryError", "KnexTimeoutError",
	"Mongo", "PrismaClient", "BSONError", "BSONTypeError", "ReplyError", "SqliteError",
	"Ecto.", "Postgrex.", "MyXQL.", "DBConnection.", "diesel::", "sqlx::", "SqlException",
}

func sqlError() classify.Detector {
	// the name of an exception as its runtime writes it; psycopg and pg name
	// theirs by SQLSTATE, psycopg2.errors.UndefinedTable
	named := regexp.MustCompile(`^(?:Mongo\w{0,60}(?:Error|Exception)|[\w.$\\:]{0,120}(?:Error|Exception|Violation|exception)(?:\b|Event|s\.\w)|psycopg2?\.errors\.[A-Z]\w+|PG::[A-Z]\w+|Mongoid::Errors::[A-Z]\w+|` +
		`ActiveRecord::(?:Record[A-Z]\w+|Statement[A-Z]\w+|Deadlocked|NotNull\w+|ValueTooLong|InvalidForeignKey|ConnectionNotEstablished)|Ecto\.\w+(?:Error|Results)|Sequelize\w+Error)`)
	// what PostgreSQL misses, errcodes 42P01 and 42703
	missing := regexp.MustCompile(`(?:relation|column) (?:` + quoteRE + `?[\w.]{1,130}` + quoteRE + `?)(?: of relation ` + quoteRE + `[^"\n]{1,130}` + quoteRE + `)? $`)
	anchors := append([]string{}, databaseTexts...)
	for text := range databaseForms {
		anchors = append(anchors, text)
	}
	names := map[string]bool{}
	for _, name := range databaseNames {
		names[name] = true
	}
	return &detector{errorRule("error-sql", "A response holds a database error",
		"Only texts that drivers and servers write match; names of packages, and pages about SQL without an error, stay silent.",
		[]string{"CWE-209"},
		classify.Trigger{Anchors: append(anchors, databaseNames...), Parts: inResponse()},
	), func(c *classify.Candidate) {
		if c.Lo > 0 && isWordByte(c.Text[c.Lo-1]) && isWordByte(c.Anchor[0]) && !behindEscape(c) {
			return
		}
		behind := c.Text[c.Lo:min(len(c.Text), c.Lo+320)]
		re, form := databaseForms[c.Anchor]
		switch {
		case c.Anchor == "P20":
			if !isPrismaCode(c) {
				return
			}
		case c.Anchor == "does not exist":
			if !missing.Match(c.Before(200)) || inProse(c) {
				return
			}
		case form && !re.Match(behind), names[c.Anchor] && !named.Match(behind), inProse(c):
			return
		}
		c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Show: c.Anchor, Confidence: classify.HighConfidence})
	}}
}

// behindEscape says whether the letter before the candidate is the end of an
// escape: "\nERROR".
func behindEscape(c *classify.Candidate) bool {
	return c.Lo > 1 && c.Text[c.Lo-2] == '\\' && (c.Text[c.Lo-1] == 'n' || c.Text[c.Lo-1] == 't' || c.Text[c.Lo-1] == 'r')
}

// isPrismaCode matches an error code of Prisma's query engine (P2000-P2037) that
// an error response gives as its code.
func isPrismaCode(c *classify.Candidate) bool {
	return c.X.Status >= 400 && c.Lo == 0 && len(c.Text) == 5 && allDigits(c.Text[1:]) && string(c.Key) == "code"
}

func sqlStatement() classify.Detector {
	const name = "[\"'`\\[\\w.$\\\\&;]"
	re := regexp.MustCompile(`(?i)^(?:select\s[^;<]{1,400}?\sfrom\s+` + name + `|insert\s+(?:ignore\s+)?into\s+\S{1,80}?\s*(?:\(|values|select)|delete\s+from\s+` + name +
		`|update\s+(?:only\s+)?\S{1,80}\s+(?:as\s+\w{1,30}\s+|\w{1,30}\s+)?set\s+[^=<]{1,100}=|merge\s+into\s+` + name + `|(?:create|alter|drop)\s+(?:temporary\s+)?table\s+` + name + `|truncate\s+table\s+` + name + `)`)
	// without capitals a statement reads as prose: nothing but columns and what may
	// follow a table makes it one
	const column, follows = "[\\w.*\"'`\\[\\]()]+(?:\\s+as\\s+\\w+)?", `\s(?:where|(?:inner |left |cross )?join|order by|group by|limit|having|union)\s`
	const end = `\s*(?:$|[;)\]'"]|` + follows + `|\s(?:as\s+)?\w{1,30}` + follows + `)`
	plain := regexp.MustCompile(`(?i)^(?:select\s+(?:distinct\s+)?` + column + `(?:\s*,\s*` + column + `)*\s+from\s+[^\s;)]{1,80}` + end + `|delete\s+from\s+[^\s;)]{1,80}` + end +
		`|create\s+table\s+(?:if\s+not\s+exists\s+)?[^\s(]{1,80}\s*\(|insert\s+into\s+\S{1,80}?\s*(?:\(|values)|update\s+\S{1,80}\s+set\s+[^=<\s]{1,100}\s*=)`)
	return &detector{errorRule("error-sql-statement", "A response holds an SQL statement",
		"A whole statement with its keywords in order is needed, in a message that speaks of an error or under a telling name.",
		[]string{"CWE-209"},
		classify.Trigger{Words: []string{
			"select ", "insert into ", "insert ignore ", "delete from ", "update ", "merge into ", "create table ", "alter table ", "drop table ", "truncate table ", "select\n", "update\n",
		}, Parts: inResponseBody()},
	), func(c *classify.Candidate) {
		if !freeBefore(c) && !behindEscape(c) || !inError(c) || inProse(c) { // cheaper than the expression
			return
		}
		form := re
		if !isCapital(c.Text[c.Lo:min(len(c.Text), c.Lo+4)]) {
			form = plain
		}
		if end, _, ok := matchAt(form, c, 512); ok {
			c.Report(classify.Match{Lo: c.Lo, Hi: end, Show: "SQL statement"})
		}
	}}
}
