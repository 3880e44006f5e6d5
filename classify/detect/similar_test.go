package detect

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/leaktap/leaktap/classify"
)

// similar are contents of the public web that resemble what the rules of this
// file's families find, and are none of it: media type, body.
var similar = []struct{ media, body string }{
	// documentation and blogs about exceptions and SQL
	{"application/json", `{"title":"How to fix ORA-00942: table or view does not exist","body":"Grant the select privilege, then run SELECT id FROM orders again. The query error goes away."}`},
	{"application/json", `{"title":"SQLSTATE codes","content":"SQLSTATE[42S02] means that a table is missing."}`},
	{"application/json", `{"question":"Why do I get psycopg2.errors.UndefinedTable?","answer":"relation \"x\" does not exist means a wrong schema.","votes":4}`},
	{"application/json", `{"summary":"Select a size from the list, then update your profile and set a picture"}`},
	{"application/json", `{"text":"Delete from your basket what you do not need. Insert into the slot (left)."}`},
	{"application/json", `{"help":"please select one or more from the menu","tip":"create table reservations online"}`},
	{"text/html", `<h1>MySQL: You have an error in your SQL syntax</h1><p>What the message means.</p>`},
	{"text/html", `<p>The class <code>org.hibernate.exception.ConstraintViolationException</code> wraps it.</p>`},
	{"text/html", `<p>Use <code>SELECT id FROM users</code> to query all users.</p>`},
	{"text/html", `<li>ER_DUP_ENTRY: a duplicate</li>`},
	{"text/plain", "Changelog\n\n1.2.0\n- support for org.postgresql.Driver 42.7\n- sqlalchemy.orm is faster\n- fixed an exception in the query planner"},
	{"application/json", `{"name":"sqlalchemy","requires":["psycopg2-binary","pymysql","asyncpg"],"imports":["sqlalchemy.orm","django.db.models","java.sql.Connection"]}`},
	{"application/json", `{"message":"duplicate entry","field":"name"}`},
	{"application/json", `{"error":"could not save the order","code":"conflict"}`},
	{"application/json", `{"sort":{"column":"price"},"table":"Table 4 is free","field":"Field trip"}`},
	{"application/json", `{"message":"Msg from the captain: Level 4 is open"}`},
	{"application/json", `{"flight":"MOVED 12 minutes","relation":"aunt of the bride"}`},
	{"application/json", `{"sku":"P2002","code":"P2002","name":"Lamp"}`},
	// changelogs, translations, bundles, source maps
	{"application/json", `{"i18n":{"error":"An error occurred","exception":"Exception","stack":"Stack","trace":"Trace","role":"Role","admin":"Administrator","permissions":"Permissions","groups":"Groups"}}`},
	{"application/json", `{"de":{"role":"Rolle","roles":"Rollen","debug":"Fehlersuche","internal_id":"Interne Nummer"}}`},
	{"application/javascript", `!function(e){e.exports={isAdmin:!1,role:"admin",roles:["user","admin"],debug:{level:1}}}(this);//# sourceMappingURL=main.js.map`},
	{"application/javascript", `const routes=[{path:"/admin",role:"admin",is_admin:true},{path:"/app/settings.local"}];console.log(this.state.internal,config.local);`},
	{"application/json", `{"version":3,"file":"main.js","sources":["webpack://shop/./src/index.ts","../node_modules/react/index.js"],"mappings":"AAAA,SAASA"}`},
	{"text/css", `.role-admin{color:red}.debug:before{content:"trace"}@media (min-width:10.5em){a{margin:10.1px 2.3px}}`},
	{"text/html", `<script src="/app/static/js/main.js"></script><link href="/app/assets/site.css" rel="stylesheet"><img src="/home/img/hero.jpg">`},
	{"text/html", `<div role="main"><button role="button">Menu</button><nav role="navigation" aria-label="Admin">x</nav><ul role="listbox"></ul></div>`},
	{"text/html", `<script>window.env={"NODE_ENV":"production","API":"https://api.shop.test"}</script>`},
	{"text/html", `<p>Set JAVA_HOME and PATH before you start. See PYTHONPATH.</p>`},
	{"text/plain", "To build, run:\n    export JAVA_HOME=/usr/lib/jvm/default\n    make\n"},
	{"application/json", `{"env":"production","environment":{"name":"staging","region":"eu"},"path":"/usr/garden","home":"page","lang":"en","shell":"conch"}`},
	{"application/json", `{"NODE_ENV":"production"}`},
	// manifests
	{"application/json", `{"manifest_version":3,"permissions":["storage","tabs","activeTab","scripting"],"host_permissions":["https://*/*"]}`},
	{"application/json", `{"package":"com.shop.app","permissions":["android.permission.CAMERA","android.permission.READ_CONTACTS","com.google.android.c2dm.permission.RECEIVE"]}`},
	{"application/json", `{"name":"left-pad","files":[{"path":"/index.js","size":90},{"path":"/dist/index.min.js"}],"bin":{"x":"./bin/x.js"},"scripts":{"debug":"node --inspect"}}`},
	{"application/json", `{"tree":[{"path":"src/main.rs","mode":"100644"},{"path":"lib/router.ex"},{"path":"app/models/user.rb"},{"path":"cmd/main.go"}]}`},
	// chats, films, people
	{"application/json", `{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"hi"},{"role":"system","content":"be kind"}]}`},
	{"application/json", `{"id":"chatcmpl-1","choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}]}`},
	{"application/json", `{"contents":[{"role":"user","parts":[{"text":"hello"}]},{"role":"model","parts":[{"text":"hi"}]}]}`},
	{"application/json", `{"cast":[{"name":"A. Actor","role":"Captain Ahab"},{"name":"B. Actor","role":"Ishmael"}]}`},
	{"application/json", `{"title":"A book","contributors":[{"name":"A","role":"author"},{"name":"B","role":"editor"}]}`},
	{"application/json", `{"team":[{"name":"A","role":"Lead Engineer"},{"name":"B","role":"Head of Sales"}],"job":{"role":"Backend Engineer","stack":"Go, Kafka, Postgres"}}`},
	{"application/json", `{"player":"A","role":"midfielder","stack":["chips"],"level":4,"user_level":12}`},
	{"application/json", `{"cluster":{"nodes":[{"role":"primary"},{"role":"replica"}]}}`},
	{"application/json", `{"jobs":[{"title":"Account Manager","role":"Manager"}],"speakers":[{"role":"Engineering Manager"}],"testimonials":[{"role":"Product Owner"}]}`},
	{"application/json", `{"license":{"permissions":["commercial-use","modifications"]},"consent":{"permissions":["email","public_profile"]},"book":{"rights":"Public domain"}}`},
	{"application/json", `{"account_type":"checking","user_type":"human","menu":[{"name":"Admin","path":"/admin"}]}`},
	{"text/plain", "Name: Ada\nRole: Captain\nAdmin: Bavaria\n"},
	{"text/html", `<table><tr><th>role</th><td>Captain</td></tr></table><ul><li>Role: admin</li></ul>`},
	{"application/json", `{"place":{"admin":"Bavaria","admin1":"BY","administrative_area":"Munich","iso":"DE"}}`},
	{"application/json", `{"product":"Lamp","groups":["lighting","home"],"variants":{"groups":"size"}}`},
	{"application/json", `{"features":[{"title":"Role-based access","text":"Give admins, editors and viewers their own permissions: users:write, billing:read."}]}`},
	{"application/json", `{"plans":[{"name":"Team","includes":["admin roles","audit log"]},{"name":"admin"}]}`},
	{"application/json", `{"openapi":"3.0.3","components":{"schemas":{"User":{"properties":{"role":{"type":"string","enum":["admin","user"]},"is_admin":{"type":"boolean"},"permissions":{"type":"array"}}}}}}`},
	{"application/json", `{"role":null,"roles":[],"permissions":{},"is_admin":null,"groups":""}`},
	{"application/json", `{"file":{"mode":"0644","permissions":"rwxr-xr-x","owner":"root"}}`},
	{"application/json", `{"text":"the role of the admin is to read, write and delete","permission_text":"You may edit this page"}`},
	// numbers with dots, hosts, paths
	{"application/json", `{"version":"10.0.19045.3448","build":"10.2.3.4","firmware":"192.168.1.4","sdk":"10.1.0.2"}`},
	{"application/json", `{"ua":"Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/10.0.12.4 Safari/537.36"}`},
	{"application/json", `{"range":"10.1.2.3.4","date":"10.12.2026","size":"192.168 MB","price":10.99,"prices":[100.64,172.16,10.0]}`},
	{"application/json", `{"oid":"1.3.6.1.4.1.9","section":"10.2.4","cidr":"10.0.0.0/8","netmask":"255.255.255.0","block":"192.168.0.0/16"}`},
	{"application/json", `{"ip":"203.0.113.7","dns":"8.8.8.8","loopback":"127.0.0.1","example":"198.51.100.4"}`},
	{"application/json", `{"text":"Open http://192.168.1.1 in your browser to set the router up","host":"www.shop.test"}`},
	{"application/json", `{"content":"Add printer.local or db-1.corp.internal to /etc/hosts on 10.0.0.5"}`},
	{"application/json", `{"package":"com.sun.internal","file":".env.local","key":"errors.internal","corp":"ACME Corp. is here","code":"error.local"}`},
	{"application/json", `{"color":"fd00ab","hash":"fd12:ab","id":"fdab1234-0000-4000-8000-000000000000"}`},
	{"application/json", `{"href":"/app/static/main.js","src":"/home/garden/lamp.html","route":"/srv/{id}","breadcrumb":"home/kitchen/table","icon":"/usr/icons/user.svg","path":"/opt/in/newsletter"}`},
	{"application/json", `{"urls":["https://shop.test/home/page.php","https://cdn.test/app/build/index.js","//cdn.test/opt/x.js"]}`},
	{"application/json", `{"body":"Edit /etc/nginx/nginx.conf and restart. The log is /var/log/nginx/error.log.","slug":"nginx"}`},
	{"text/html", `<p>Open the file <code>/etc/nginx/nginx.conf</code> and restart.</p>`},
	{"application/json", `{"quote":"and/or/home/away.c","ratio":"1/2","drive":"C: is full"}`},
	// traces and debugging in prose
	{"application/json", `{"text":"we met at the station (north:12) and at noon","hint":"see line 12 of the manual"}`},
	{"application/json", `{"text":"The crowd panicked at the gate. Goroutines are cheap: goroutine 5 is no thread."}`},
	{"application/json", `{"message":"File \"report.pdf\", line 4 of the list"}`},
	{"application/json", `{"file":"main.go:42","source":"index.js:3:9","java":"Main.java"}`},
	{"application/json", `{"trace":"4bf92f3577b34da6a3ce929d0e0e4736","trace_id":"00-4bf9-01","stack":"free tier","debug":false,"sql":1}`},
	{"application/json", `{"debug":{},"trace":[],"_debug":{ },"debug_info":[ ],"ok":true}`},
	{"application/json", `{"trace":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","sampled":true},"timings":{"dns":1},"stack":["Go","Kafka"]}`},
	{"application/json", `{"debugger":"none","debug_mode":{"a":1},"profiler_enabled":false,"explain":"why it is so"}`},
	{"application/json", `{"title":"How to use the Werkzeug Debugger","body":"Never in production."}`},
	{"application/json", `{"answer":"Set DEBUG = True in settings.py to see details","votes":4}`},
	{"text/html", `<a href="/docs/phpinfo">phpinfo() explained</a><p>Whitelabel products of ours</p>`},
	{"text/html", `<h2>Spring Boot actuator</h2><p>The endpoint <code>/actuator/env</code> shows the environment.</p>`},
	{"application/json", `{"description":"Server Error in '/' Application is what ASP.NET writes","title":"Symfony Exception page"}`},
	{"text/html", `<title>Index of articles</title><h1>Index of all articles</h1><a href="/parent">Parent topics</a>`},
	{"application/json", `{"title":"Index of /r/golang","parent":"Parent directory of suppliers"}`},
	{"text/html", `<h1>Directory</h1><p>Directory listing for Bern: doctors, lawyers.</p>`},
	{"application/json", `{"message":"Did you mean \"lamp\"?","results":[]}`},
	// identifiers and lists
	{"application/json", `{"id":17,"user_id":4711,"account_id":"12","uuid":"3f2b8c1a-9d4e-4f6a-8b2c-1d3e5f7a9b0c"}`},
	{"application/json", `{"tenant_id":null,"internal_id":"","record_id":false,"primary_key":"name","shard_id":{}}`},
	{"application/json", `{"items":[{"a":1,"note":"x"},{"a":2},{"a":3},{"a":4},{"a":5}]}`},
	{"text/csv", "name,role,city\nA,Captain Ahab,Bern\nB,Ishmael,Basel\n"},
	{"text/csv", "id,price,oid\n1,10.0.0.1x,1.3.6.1.4\n"},
	{"text/plain", "role, admin and the like are words\nof a text that goes on"},
	{"application/xml", `<film><role>Captain Ahab</role><admin>Bavaria</admin><id>17</id></film>`},
	{"application/json", `{"levels":["debug","info"],"logger":"io.lettuce.core","driver":"org.postgresql.Driver","dialect":"org.hibernate.dialect.MySQLDialect"}`},
	{"application/json", `{"status":404,"error":"Not Found","path":"/v1/orders","timestamp":"2026-01-01T00:00:00Z"}`},
}

// TestSimilarStaysSilent checks that nothing above information is found there.
func TestSimilarStaysSilent(t *testing.T) {
	if len(similar) < 80 {
		t.Errorf("%d contents, want 80", len(similar))
	}
	e := newEngine(t)
	for i, text := range []string{
		"Please select an item from the list", "Delete from cart failed", "Update failed: set a name first", "Cannot GET /app/orders/17", "route /home/user/profile not found",
		"User does not exist", "The table does not exist in this restaurant", "Invalid column name, please use letters", "syntax error in your search query",
		"upload of C:\\fakepath\\me.jpg failed", "Query failed: update your filter and set a limit = 10",
	} {
		for _, f := range findings(e, answer(400, "application/json", fmt.Sprintf(`{"error":%s}`, quoteJSON(text)))) {
			if f.Severity > classify.Info {
				t.Errorf("error %d: %s in %s", i, f.Rule.ID, text)
			}
		}
	}
	for i, s := range similar {
		for _, f := range findings(e, answer(200, s.media, s.body)) {
			if f.Severity > classify.Info {
				t.Errorf("%d: %s at %q (%s) in %s", i, f.Rule.ID, f.Pointer, f.Evidence.Redacted, s.body)
			}
		}
	}
}

// answer is an exchange of a known caller with that response.
func answer(status int, media, body string) *classify.Exchange {
	return &classify.Exchange{
		Method: []byte("GET"), Target: []byte("/api/x"), Status: status,
		Request:  classify.Message{Headers: []classify.Header{{Name: []byte("Authorization"), Value: []byte("Bearer of-the-caller")}}},
		Response: classify.Message{Headers: []classify.Header{{Name: []byte("Content-Type"), Value: []byte(media)}}, Body: []byte(body)},
	}
}

// documented are forms that runtimes, engines and frameworks document or whose
// templates they are, with the rule that has to find them in each place.
var documented = []struct{ rule, text string }{
	{"stack-trace-python", "Traceback (most recent call last):\n  File \"/srv/x.py\", line 3, in <module>\n    f()\n    ~^^\nKeyError: 'a'"},
	{"stack-trace-python", "  + Exception Group Traceback (most recent call last):\n  |   File \"<stdin>\", line 2, in <module>"},
	{"stack-trace-python", "  File \"C:\\svc\\x.py\", line 3, in load"},
	{"stack-trace-java", "java.lang.IllegalStateException: boom\n\tat com.shop.Orders.load(Orders.java:12)\n\t... 12 more"},
	{"stack-trace-java", "Caused by: x\n\tat app//org.junit.Foo$1.lambda$run$0(Foo.java:3) ~[app.jar:1.0]"},
	{"stack-trace-java", "\tat java.base/java.lang.Thread.run(Unknown Source)"},
	{"stack-trace-java", "\tat shop.OrdersKt.main(Orders.kt:7)"},
	{"stack-trace-node", "TypeError: x is not a function\n    at Object.<anonymous> (/srv/app/index.js:3:9)\n    at node:internal/main/run_main_module:28:49"},
	{"stack-trace-node", "Error: boom\n    at async load (file:///srv/app/orders.mjs:12:3)"},
	{"stack-trace-node", "Error: boom\n    at t (https://shop.test/_next/static/chunks/main-1.js:1:2345)"},
	{"stack-trace-node", "Error: boom\n    at Page (webpack-internal:///(rsc)/./app/page.tsx:12:9)"},
	{"stack-trace-node", "boom\n    at https://deno.land/std@0.200.0/http/server.ts:12:3"},
	{"stack-trace-node", "load@https://shop.test/app.js:12:3\n@https://shop.test/app.js:1:1"},
	{"stack-trace-go", "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\nmain.main()\n\t/tmp/x.go:8 +0x1d"},
	{"stack-trace-go", "goroutine 34 gp=0xc000103880 m=nil [chan receive, 3 minutes]:"},
	{"stack-trace-go", "boom\nmain.load\n\t/srv/app/main.go:12\nruntime.main"},
	{"stack-trace-dotnet", "System.NullReferenceException: Object reference not set\n   at Shop.Orders.Load(Int32 id) in C:\\src\\Orders.cs:line 12"},
	{"stack-trace-dotnet", "   at Microsoft.AspNetCore.Mvc.Infrastructure.ControllerActionInvoker.InvokeAsync()"},
	{"stack-trace-dotnet", "   at Shop.Orders.<Load>d__3.MoveNext()"},
	{"stack-trace-dotnet", "   bei System.Number.ParseInt32(String s, NumberStyles style)"},
	{"stack-trace-php", "PHP Fatal error:  Uncaught Exception: boom in /var/www/html/x.php:3\nStack trace:\n#0 {main}\n  thrown in /var/www/html/x.php on line 3"},
	{"stack-trace-php", "#0 /var/www/html/vendor/x/Kernel.php(120): App\\Http\\Kernel->handle(Object(Request))"},
	{"stack-trace-php", "Call Stack:\n    0.0003     391176   1. {main}() /var/www/html/x.php:0"},
	{"stack-trace-ruby", "app/models/order.rb:3:in 'Order#total': boom (RuntimeError)"},
	{"stack-trace-ruby", "app/models/order.rb:3:in `block in total'"},
	{"stack-trace-rust", "thread 'main' panicked at src/main.rs:4:5:\nindex out of bounds"},
	{"stack-trace-elixir", "** (KeyError) key :a not found in: %{}\n    (shop 0.1.0) lib/shop.ex:3: Shop.load/1"},
	{"stack-trace-native", "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000014"},
	{"stack-trace-other", "Died at /srv/app/x.pl line 3."},
	{"error-sql", "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version"},
	{"error-sql", "Duplicate entry 'ada@shop.test' for key 'users.email'"},
	{"error-sql", "Table 'shop.orders' doesn't exist"},
	{"error-sql", "Error 1062 (23000): Duplicate entry 'a' for key 'b'"},
	{"error-sql", "SQLSTATE[HY000] [2002] Connection refused"},
	{"error-sql", "ERROR: relation \"orders\" does not exist (SQLSTATE 42P01)"},
	{"error-sql", "pq: invalid input syntax for type integer: \"a\""},
	{"error-sql", "psycopg.errors.UniqueViolation: duplicate key value violates unique constraint \"u\""},
	{"error-sql", "Msg 208, Level 16, State 1, Line 1\nInvalid object name 'orders'."},
	{"error-sql", "Conversion failed when converting the varchar value 'a' to data type int."},
	{"error-sql", "ORA-01756: quoted string not properly terminated"},
	{"error-sql", "PLS-00201: identifier 'X' must be declared"},
	{"error-sql", "SQLITE_CONSTRAINT: UNIQUE constraint failed: users.email"},
	{"error-sql", "near \"FROM\": syntax error"},
	{"error-sql", "DB2 SQL Error: SQLCODE=-204, SQLSTATE=42704, SQLERRMC=X"},
	{"error-sql", "E11000 duplicate key error collection: shop.users index: email_1 dup key: { email: \"a\" }"},
	{"error-sql", "MongoServerError: bad auth : Authentication failed."},
	{"error-sql", "WRONGTYPE Operation against a key holding the wrong kind of value"},
	{"error-sql", "NOAUTH Authentication required."},
	{"error-sql", "all shards failed: search_phase_execution_exception"},
	{"error-sql", "Code: 60. DB::Exception: Unknown table expression identifier 'x'. (UNKNOWN_TABLE)"},
	{"error-sql", "InvalidRequest: Error from server: code=2200 [Invalid query] message=\"unconfigured table x\""},
	{"error-sql", "SQL compilation error: Object 'X' does not exist or not authorized."},
	{"error-sql", "Syntax error: Unexpected identifier \"x\" at [1:8]"},
	{"error-sql", "org.hibernate.exception.SQLGrammarException: could not extract ResultSet"},
	{"error-sql", "SequelizeUniqueConstraintError: Validation error"},
	{"error-sql", "Invalid `prisma.user.create()` invocation:\nUnique constraint failed"},
	{"error-sql", "QueryFailedError: boom"},
	{"error-sql", "ActiveRecord::RecordNotUnique: boom"},
	{"error-sql", "** (Ecto.NoResultsError) expected at least one result"},
	{"error-sql", "(sqlite3.IntegrityError) boom\n(Background on this error at: https://sqlalche.me/e/20/gkpj)"},
	{"error-sql-statement", "query failed: UPDATE orders SET total = 3 WHERE id = 4"},
	{"error-sql-statement", "query failed: SELECT \"a\".\"id\" FROM \"a\" WHERE 1=1"},
	{"error-sql-statement", "query failed: MERGE INTO orders USING x ON 1=1"},
	{"error-path", "ENOENT: no such file or directory, open '/etc/shop/shop.conf'"},
	{"error-path", "cannot open C:\\inetpub\\wwwroot\\shop\\Web.config"},
	{"error-path", "failed to read /proc/self/environ"},
	{"error-path", "include(/var/lib/shop/templates/a.twig): failed to open stream"},
	{"internal-host", "upstream http://10.20.30.40:8080/v1 did not answer"},
	{"internal-host", "connect ECONNREFUSED 172.17.0.3:5432"},
	{"internal-host", "getaddrinfo ENOTFOUND orders-db.corp.internal"},
	{"internal-host", "dial tcp: lookup orders.default.svc.cluster.local: no such host"},
	{"internal-host", "connect to ip-10-0-0-12.eu-west-1.compute.internal failed"},
	{"internal-host", "no route to [fd12:3456:789a::1]:443"},
}

// TestDocumentedIsFound looks for them in running text, in a member, and in a
// document that was written into a string.
func TestDocumentedIsFound(t *testing.T) {
	e := newEngine(t)
	for _, d := range documented {
		for how, x := range map[string]*classify.Exchange{
			"text":   answer(500, "text/plain", d.text),
			"html":   answer(500, "text/html", "<html><body><pre>"+d.text+"</pre></body></html>"),
			"member": answer(500, "application/json", fmt.Sprintf(`{"ok":false,"message":%s}`, quoteJSON(d.text))),
			"nested": answer(500, "application/json", fmt.Sprintf(`{"payload":%s}`, quoteJSON(fmt.Sprintf(`{"message":%s}`, quoteJSON(d.text))))),
			"ok":     answer(200, "application/json", fmt.Sprintf(`{"ok":false,"message":%s}`, quoteJSON(d.text))),
		} {
			found := false
			for _, f := range findings(e, x) {
				found = found || f.Rule.ID == d.rule
			}
			if !found {
				t.Errorf("%s is not found in %s: %s", d.rule, how, d.text)
			}
		}
	}
}

func quoteJSON(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}
