package corpus

import (
	"fmt"
	"strings"
)

// camel joins a verb and nouns as Java and Go write names.
func (g *draw) camel() string { return pick(g, verbs) + capital(pick(g, identifiers)) }

// class is a type's name.
func (g *draw) class() string {
	return capital(pick(g, identifiers)) + pick(g, []string{"Service", "Controller", "Repository", "Handler", "Client"})
}

// lines joins n lines that f makes.
func lines(g *draw, lo, hi int, f func() string) string {
	list := make([]string, g.between(lo, hi))
	for i := range list {
		list[i] = f()
	}
	return strings.Join(list, "\n")
}

// pythonTrace has the form of traceback.format_exception
// (docs.python.org/3/library/traceback.html).
func pythonTrace(g *draw) string {
	root := pick(g, []string{"/srv/" + pick(g, identifiers), "/usr/lib/python3.12/site-packages/flask", "/opt/venv/lib/python3.11/site-packages/django/core", "/app", "C:\\svc\\api"})
	return "Traceback (most recent call last):\n" + lines(g, 2, 9, func() string {
		return fmt.Sprintf("  File \"%s/%s.py\", line %d, in %s_%s\n    %s = self.%s(%s)", root, pick(g, identifiers), g.between(3, 900), pick(g, verbs), pick(g, identifiers),
			pick(g, identifiers), pick(g, verbs), pick(g, identifiers))
	}) + "\n" + pick(g, []string{"KeyError: '" + pick(g, identifiers) + "'", "ValueError: invalid literal for int() with base 10: '" + pick(g, plainWords) + "'", "AttributeError: 'NoneType' object has no attribute '" + pick(g, identifiers) + "'", "django.core.exceptions.ImproperlyConfigured: " + g.sentence()})
}

// javaTrace has the form of Throwable.printStackTrace.
func javaTrace(g *draw) string {
	pkg := pick(g, []string{"com.", "org.", "io."}) + g.chars(lower, 6) + "." + pick(g, identifiers)
	frame := func() string {
		class := g.class()
		return pick(g, []string{
			fmt.Sprintf("\tat %s.%s.%s(%s.java:%d)", pkg, class, g.camel(), class, g.between(10, 800)),
			"\tat java.base/java.lang.reflect.Method.invoke(Method.java:580)", "\tat java.base/java.lang.Thread.run(Unknown Source)",
			fmt.Sprintf("\tat org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java:%d)", g.between(100, 999)),
			fmt.Sprintf("\tat %s.%sKt.%s(%s.kt:%d)", pkg, class, g.camel(), class, g.between(10, 800)),
		})
	}
	trace := pick(g, []string{"java.lang.NullPointerException: Cannot invoke \"String.length()\" because \"<local1>\" is null", "java.lang.IllegalStateException: " + g.sentence(), pkg + "." + g.class() + "Exception: " + g.sentence()}) + "\n" + lines(g, 3, 20, frame)
	if g.chance(3) {
		trace += "\nCaused by: java.io.IOException: " + g.sentence() + "\n" + lines(g, 1, 4, frame) + "\n\t... 27 more"
	}
	return trace
}

// nodeTrace has the form of V8's Error.stack (v8.dev/docs/stack-trace-api).
func nodeTrace(g *draw) string {
	return pick(g, []string{"TypeError: Cannot read properties of undefined (reading '" + pick(g, identifiers) + "')", "ReferenceError: " + pick(g, identifiers) + " is not defined", "Error: " + g.sentence()}) + "\n" +
		lines(g, 2, 8, func() string {
			at := fmt.Sprintf("%d:%d", g.between(2, 900), g.between(3, 60))
			return pick(g, []string{
				"    at " + g.class() + "." + g.camel() + " (/usr/src/app/src/" + pick(g, identifiers) + ".js:" + at + ")", "    at /home/node/app/routes/" + pick(g, identifiers) + ".js:" + at,
				"    at async " + g.camel() + " (file:///srv/api/dist/" + pick(g, identifiers) + ".mjs:" + at + ")", "    at Layer.handle [as handle_request] (/app/node_modules/express/lib/router/layer.js:95:5)",
				"    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)", "    at new " + g.class() + " (/app/src/" + pick(g, identifiers) + ".ts:" + at + ")",
			})
		})
}

// goTrace has the form of runtime/debug.Stack and of an uncaught panic.
func goTrace(g *draw) string {
	head := pick(g, []string{"panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x" + g.chars(hexa, 6) + "]\n\n", "panic: runtime error: index out of range [4] with length 3\n\n", ""})
	return head + fmt.Sprintf("goroutine %d [running]:\n", g.between(1, 900)) + lines(g, 2, 8, func() string {
		file := pick(g, identifiers)
		return fmt.Sprintf("%s/internal/%s.(*%s).%s(0xc000%s, {0x%s, 0x10})\n\t/go/src/%s/internal/%s/%s.go:%d +0x%s", "example.test/"+file, file, g.class(), capital(g.camel()),
			g.chars(hexa, 6), g.chars(hexa, 6), "example.test/"+file, file, file, g.between(10, 700), g.chars(hexa, 3))
	})
}

// dotnetTrace has the form of Exception.ToString.
func dotnetTrace(g *draw) string {
	return pick(g, []string{"System.NullReferenceException: Object reference not set to an instance of an object.", "System.InvalidOperationException: " + g.sentence(), "Microsoft.Data.SqlClient.SqlException (0x80131904): " + g.sentence()}) + "\n" +
		lines(g, 2, 9, func() string {
			class := g.class()
			return pick(g, []string{
				fmt.Sprintf("   at %s.Api.Controllers.%s.%s(Int32 id, String name) in C:\\build\\src\\%s.cs:line %d", capital(pick(g, identifiers)), class, capital(g.camel()), class, g.between(10, 500)),
				fmt.Sprintf("   at %s.Data.%s.<%s>d__%d.MoveNext() in /src/Data/%s.cs:line %d", capital(pick(g, identifiers)), class, capital(g.camel()), g.between(1, 30), class, g.between(10, 500)),
				"   at Microsoft.AspNetCore.Mvc.Infrastructure.ControllerActionInvoker.InvokeAsync()", "   at System.Threading.Tasks.Task.ThrowAsync(Exception exception)",
			})
		})
}

// phpTrace has the form of an uncaught exception (php.net, Exception::__toString).
func phpTrace(g *draw) string {
	file := func() string {
		return "/var/www/html/" + pick(g, []string{"app/Http/Controllers/", "src/", "vendor/laravel/framework/src/Illuminate/"}) + g.class() + ".php"
	}
	n := -1
	return "PHP Fatal error:  Uncaught " + pick(g, []string{"TypeError: " + g.camel() + "(): Argument #1 ($id) must be of type int, string given", "Exception: " + g.sentence(), "PDOException: " + g.sentence()}) +
		fmt.Sprintf(" in %s:%d\nStack trace:\n", file(), g.between(5, 600)) + lines(g, 2, 9, func() string {
		n++
		return fmt.Sprintf("#%d %s(%d): App\\%s->%s()", n, file(), g.between(5, 900), g.class(), g.camel())
	}) + "\n#10 {main}\n  thrown in " + file() + " on line 42"
}

// rubyTrace has the form of Exception#full_message, up to 3.3 and since 3.4.
func rubyTrace(g *draw) string {
	quote := pick(g, []string{"`", "'"})
	path := func() string {
		return pick(g, []string{"/app/app/models/", "app/controllers/", "/usr/local/bundle/gems/activerecord-7.1.3/lib/active_record/", "lib/"}) + pick(g, identifiers) + ".rb"
	}
	return fmt.Sprintf("%s:%d:in %s%s': %s\n", path(), g.between(3, 300), quote, pick(g, verbs), pick(g, []string{"undefined method '" + pick(g, verbs) + "' for nil (NoMethodError)", g.sentence() + " (ArgumentError)"})) +
		lines(g, 2, 9, func() string {
			return fmt.Sprintf("\tfrom %s:%d:in %s%s%s'", path(), g.between(3, 300), quote, pick(g, []string{"", "block in ", "rescue in "}), pick(g, verbs)+"_"+pick(g, identifiers))
		})
}

// rustTrace has the form of a panic with RUST_BACKTRACE=1 (std::backtrace).
func rustTrace(g *draw) string {
	n := -1
	return fmt.Sprintf("thread '%s' panicked at src/%s.rs:%d:%d:\ncalled `Result::unwrap()` on an `Err` value: %s\nstack backtrace:\n", pick(g, []string{"main", "tokio-runtime-worker", "actix-rt|system:0|arbiter:1"}), pick(g, identifiers), g.between(3, 400), g.between(3, 60), capital(g.camel())) +
		lines(g, 3, 9, func() string {
			n++
			return pick(g, []string{
				fmt.Sprintf("   %d: rust_begin_unwind\n             at /rustc/%s/library/std/src/panicking.rs:652:5", n, g.chars(hexa, 40)),
				fmt.Sprintf("   %d: %s::%s::%s\n             at ./src/%s.rs:%d:%d", n, pick(g, identifiers), pick(g, identifiers), pick(g, verbs), pick(g, identifiers), g.between(3, 400), g.between(3, 60)),
				fmt.Sprintf("   %d: core::ops::function::FnOnce::call_once\n             at /rustc/%s/library/core/src/ops/function.rs:250:5", n, g.chars(hexa, 40)),
			})
		})
}

// elixirTrace has the form of Exception.format/3.
func elixirTrace(g *draw) string {
	app := pick(g, identifiers)
	return pick(g, []string{"** (RuntimeError) " + g.sentence(), "** (KeyError) key :" + pick(g, identifiers) + " not found in: %{}", "** (FunctionClauseError) no function clause matching in " + capital(app) + "." + capital(pick(g, identifiers)) + "." + pick(g, verbs) + "/2"}) + "\n" +
		lines(g, 2, 8, func() string {
			return pick(g, []string{
				fmt.Sprintf("    (%s 0.1.0) lib/%s_web/controllers/%s_controller.ex:%d: %sWeb.%sController.%s/2", app, app, pick(g, identifiers), g.between(3, 200), capital(app), capital(pick(g, identifiers)), pick(g, verbs)),
				fmt.Sprintf("    (phoenix 1.7.14) lib/phoenix/router.ex:%d: Phoenix.Router.__call__/5", g.between(100, 500)), fmt.Sprintf("    (elixir 1.17.2) lib/enum.ex:%d: Enum.\"-map/2-lists^map/1-1-\"/2", g.between(100, 2000)),
				fmt.Sprintf("    (stdlib 6.0) gen_server.erl:%d: :gen_server.try_handle_call/4", g.between(100, 1200)),
			})
		})
}

// sqlError is what a database's driver says, of eight engines.
func sqlError(g *draw) string {
	table, word := pick(g, identifiers)+"s", pick(g, plainWords)
	return pick(g, []string{
		"ERROR: syntax error at or near \"" + word + "\" at character 15", "pq: duplicate key value violates unique constraint \"" + table + "_pkey\"",
		"ERROR:  column \"" + word + "\" does not exist\nLINE 1: SELECT " + word + " FROM " + table, "psycopg2.errors.UndefinedTable: relation \"" + table + "\" does not exist",
		"You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near '" + word + "' at line 1",
		"SQLSTATE[42S02]: Base table or view not found: 1146 Table 'prod." + table + "' doesn't exist", "ER_BAD_FIELD_ERROR: Unknown column '" + word + "' in 'where clause'",
		"Duplicate entry '17' for key '" + table + ".PRIMARY'", "SQLITE_ERROR: no such table: " + table, "sqlite3.OperationalError: near \"" + word + "\": syntax error", "UNIQUE constraint failed: " + table + ".id",
		"ORA-00942: table or view does not exist", "ORA-00001: unique constraint (APP." + strings.ToUpper(table) + "_PK) violated", "ORA-01722: invalid number",
		"Incorrect syntax near '" + word + "'.", "Unclosed quotation mark after the character string '" + word + "'.", "Msg 208, Level 16, State 1, Line 1\nInvalid object name '" + table + "'.",
		"DB2 SQL Error: SQLCODE=-204, SQLSTATE=42704, SQLERRMC=APP." + strings.ToUpper(table), "MongoServerError: E11000 duplicate key error collection: app." + table + " index: _id_ dup key",
		"CannotGetJdbcConnectionException; nested exception is java.sql.SQLException: " + g.sentence(), "ERROR: insert or update on table \"" + table + "\" violates foreign key constraint \"fk_" + word + "\"",
		"com.mysql.cj.jdbc.exceptions.MySQLSyntaxErrorException: Unknown column '" + word + "'", "Code: 60. DB::Exception: Table default." + table + " does not exist. (UNKNOWN_TABLE)",
		"line 1:7 no viable alternative at input '" + word + "' (com.datastax.oss.driver.api.core.servererrors.SyntaxError)", "CQL: InvalidRequest: Error from server: code=2200 [Invalid query] message=\"unconfigured table " + table + "\"",
	})
}

// sqlStatement is a statement in an error.
func sqlStatement(g *draw) string {
	table := pick(g, identifiers) + "s"
	return pick(g, []string{
		"SELECT id, " + pick(g, identifiers) + " FROM " + table + " WHERE id = '" + g.chars(digits, 3) + "'", "INSERT INTO " + table + " (id, name) VALUES (17, 'x')",
		"UPDATE " + table + " SET " + pick(g, identifiers) + " = 1 WHERE id = 4", "DELETE FROM " + table + " WHERE id = 9",
		"select u.id, u.name from " + table + " u join orders o on o.user_id = u.id",
	})
}

// serverPath is a file on a server.
func serverPath(g *draw) string {
	name := pick(g, identifiers)
	return pick(g, []string{
		"/var/www/html/" + name + "/" + pick(g, identifiers) + ".php", "/home/deploy/" + name + "/config/settings.py", "/srv/" + name + "/app/" + pick(g, identifiers) + ".rb", "C:\\inetpub\\wwwroot\\" + name + "\\Web.config",
		"/opt/" + name + "/conf/application.yml", "/usr/local/lib/python3.11/site-packages/" + name + "/core.py", "/etc/" + name + "/" + name + ".conf", "/app/src/" + name + "/" + pick(g, identifiers) + ".ts", "D:\\Sites\\" + name + "\\bin\\" + name + ".dll",
	})
}

// internalHost is a private address or name (RFC 1918, RFC 4193, Kubernetes and
// cloud names).
func internalHost(g *draw) string {
	n := func() string { return g.pattern("[1-9]{1}[0-9]{1}") }
	return pick(g, []string{
		"10." + n() + "." + n() + "." + n(), "192.168." + n() + "." + n(), "172.2" + g.chars(digits, 1) + "." + n() + "." + n(), pick(g, identifiers) + ".prod.svc.cluster.local",
		"ip-10-0-" + n() + "-" + n() + ".ec2.internal", pick(g, identifiers) + "-db.corp.internal", pick(g, identifiers) + "01.intranet.local",
	})
}
