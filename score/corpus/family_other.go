package corpus

func personalFamilies() []family {
	return []family{
		{
			name: "card", value: cardNumber, rows: []string{"holder=«person»|card_number=«!»|expiry=12/29", "cardNumber=«!»|cvv=#«int 100 999»", "name=«person»|pan=«!»", "payment=card|cc_number=«!»|amount=#«price»", "credit_card=«!»|brand=visa"},
			lines: []string{"charging card «!» amount «price» EUR", "payment failed for card number «!»", "pan=«!» cvv=123 exp=12/29", `gateway request {"cardNumber":"«!»","cvv":"123"}`}, texts: []string{"card «!» was declined"},
		},
		{
			name: "iban", value: iban, rows: []string{"holder=«person»|iban=«!»", "account=«!»|bank=«city» Bank", "payee=«person»|bank_iban=«!»|currency=EUR", "payout_to=«!»"},
			lines: []string{"transfer «price» EUR to «!»", "sepa mandate iban=«!» accepted", "payout account «!» verified"},
		},
		{
			name: "national-id", value: ssn, rows: []string{
				"name=«person»|ssn=«!»", "name=«person»|nino=«!national-id nino»", "nombre=«person»|dni=«!national-id dni»", "nome=«person»|cpf=«!national-id cpf»", "naam=«person»|bsn=«!national-id bsn»", "imie=«first»|pesel=«!national-id pesel»",
				"namn=«person»|personnummer=«!national-id personnummer»", "nom=«person»|numero_securite_sociale=«!national-id nir»", "nimi=«person»|henkilotunnus=«!national-id hetu»", "name=«person»|aadhaar=«!national-id aadhaar»",
				"nome=«person»|codice_fiscale=«!national-id codice»", "employee=«person»|social_security_number=«!»", "name=«person»|national_id=«!national-id personnummer»", "name=«person»|taxId=«!national-id cpf»",
			},
			lines: []string{"kyc check for «person» ssn=«!»", "applicant SSN: «!» verified", "codice fiscale «!national-id codice» non valido", "cpf=«!national-id cpf» consulta ok"},
		},
		{
			name: "phone", value: phone, flags: anonymous, rows: []string{"name=«person»|phone=«!»", "contact=«person»|mobile=«!»|city=«city»", "phoneNumber=«!»|verified=#true", "telephone=«!»|name=«person»"},
			lines: []string{"sms to «!» queued", "user «login» phone=«!» updated", "calling «!» failed: busy"},
		},
		{
			name: "email", value: email, flags: anonymous, rows: []string{"name=«person»|email=«!»", "login=«login»|emailAddress=«!»|active=#true", "contact=«!»|city=«city»", "owner=«!»"},
			lines: []string{"sent welcome mail to «!»", "login failed for «!» from 203.0.113.9", "user=«!» action=export", "bounce: <«!»> mailbox full", `{"to":"«!»","template":"reset"}`}, params: []string{"email", "user", "login_hint"}, texts: []string{"user «!» is not allowed to do that"},
		},
		{
			name: "birth-date", value: birthDate, flags: anonymous, rows: []string{"name=«person»|birth_date=«!»", "patient=«person»|dateOfBirth=«!»", "dob=«!»|name=«person»", "birthday=«!»|member=#true"},
			lines: []string{"user «login» dob=«!» age check ok", "profile saved birth_date=«!» country=«country»"},
		},
		{
			name: "address", value: streetAddress, flags: anonymous, rows: []string{"name=«person»|street=«!»|city=«city»", "customer=«person»|shipping_address=«!»|zip=«d 5»", "homeAddress=«!»|country=«country»", "address_line1=«!»|postcode=«d 5»"},
			lines: []string{"order shipped to address=\"«!»\" carrier=«word»"},
		},
		{
			name: "health-id", value: nhsNumber, rows: []string{"patient=«person»|nhs_number=«!»", "patient=«person»|medical_record_number=«!health-id mrn»", "name=«person»|diagnosis_code=«!health-id icd»|diagnosed=«date»", "mrn=«!health-id mrn»|ward=«word»", "insured=«person»|health_insurance_number=«!health-id insurance»"},
			lines: []string{"admitted patient nhs_number=«!»", "lab result for mrn=«!health-id mrn» ready"},
		},
		{
			name: "bank-account", value: func(g *draw) string { return g.chars(digits, 10) }, rows: []string{"holder=«person»|account_number=«!»|routing_number=021000021", "payee=«person»|bank_account=«!»", "accountNumber=«!»|sort_code=20-30-40"},
			lines: []string{"payout to account_number=«!» routing_number=021000021"},
		},
	}
}

func debugFamilies() []family {
	trace := func(g *draw) string {
		return pick(g, []func(*draw) string{pythonTrace, javaTrace, nodeTrace, goTrace, dotnetTrace, phpTrace, rubyTrace, rustTrace, elixirTrace})(g)
	}
	return []family{
		{name: "stack-trace", value: trace, flags: responseOnly | failure, texts: []string{"«!»", "«!»", "unhandled error\n«!»"}, pages: []string{"<html><body><h1>500</h1><pre>«!»</pre></body></html>", "«!»\n", "<p>«text 3»</p>\n<!--\n«!»\n-->"}},
		{name: "sql-error", value: sqlError, flags: responseOnly | failure, texts: []string{"«!»", "query failed: «!»", "Internal error: «!» [code 17]"}, pages: []string{"<html><body><b>Database error</b>: «!»</body></html>"}},
		{name: "sql-statement", value: sqlStatement, flags: responseOnly | failure, texts: []string{"error while executing query: «!»", "exception in statement [«!»]", "[SQL: «!»]"}, documents: []string{`{"data":[],"debug":{"sql":"«!»","rows":0}}`}},
		{name: "server-path", value: serverPath, flags: responseOnly | failure, texts: []string{"failed to open stream «!»: No such file or directory", "ENOENT: no such file or directory, open '«!»'", "cannot parse «!» at line 12", "Warning: include(«!»): failed"}},
		{name: "internal-host", value: internalHost, flags: responseOnly | failure, texts: []string{"connect ECONNREFUSED «!»:5432", "upstream http://«!»:8080/v1 did not answer", "could not resolve host «!»", "dial tcp «!»:6379: i/o timeout"}, headers: []string{"Location: http://«!»:8080/login", "X-Backend-Server: «!»"}, rows: []string{"node=«!»|status=up"}},
		{name: "debug-page", value: func(*draw) string { return "" }, flags: responseOnly | failure, pages: nil},
		{name: "debugger-secret", value: debuggerSecret, flags: responseOnly | failure},
		{name: "directory-listing", value: func(*draw) string { return "" }, flags: responseOnly},
		{name: "environment", value: environment, flags: responseOnly, pages: []string{"«!»\n", "<html><body><pre>«!»</pre></body></html>"}, documents: []string{
			`{"env":{"PATH":"/usr/local/bin:/usr/bin","HOME":"/root","KUBERNETES_SERVICE_HOST":"«!environment kubehost»","LANG":"C.UTF-8","NODE_ENV":"production"}}`,
			`{"DEBUG":true,"SQLALCHEMY_TRACK_MODIFICATIONS":"«!environment true»","SESSION_COOKIE_HTTPONLY":true,"PREFERRED_URL_SCHEME":"http","TESTING":false}`,
			`{"propertySources":[{"name":"systemEnvironment","properties":{"JAVA_HOME":{"value":"«!environment jvm»"},"PATH":{"value":"/usr/bin"}}}]}`,
		}},
		{name: "debug-payload", value: func(g *draw) string { return g.sentence() }, flags: responseOnly, documents: []string{
			`{"items":[{"id":«int 1 90»,"title":"«words 2»"}],"_debug":{"note":"«!»","db_ms":«int 1 90»}}`, `{"ok":true,"debug_info":{"cache":"miss","note":"«!»","queries":«int 1 40»}}`, `{"result":[],"_internal":{"shard":«int 1 9»,"plan":"«!»"}}`,
			`{"data":{"total":«int 1 90»},"debug":{"sql_queries":[{"time":0.01}],"note":"«!»"}}`, `{"success":true,"trace":"«!»","took":«int 1 90»}`,
		}},
		{name: "version-header", value: serverVersion, flags: responseOnly, headers: []string{"Server: «!»", "X-Powered-By: «!»"}},
	}
}

func accessFamilies() []family {
	empty := func(*draw) string { return "" }
	return []family{
		{name: "privilege", value: func(g *draw) string {
			return pick(g, []string{"admin", "superuser", "ROLE_ADMIN", "moderator", "owner", "staff"})
		}, flags: responseOnly, rows: []string{
			"id=#«int 1 900»|username=«login»|role=«!»", "name=«person»|user_role=«!»", "login=«login»|is_admin=#«!privilege true»", "username=«login»|isSuperuser=#«!privilege true»|active=#true", "user=«login»|is_staff=#«!privilege true»|theme=dark",
		}, documents: []string{
			`{"user":{"login":"«login»","roles":["«!privilege role»","«!privilege role»"],"theme":"dark"}}`, `{"username":"«login»","permissions":["users:«!privilege role»","billing:write"]}`,
			`{"me":{"name":"«person»","groups":["«!privilege role»"],"locale":"en"}}`, `{"authorities":[{"authority":"«!privilege role»"}],"username":"«login»"}`,
		}},
		{name: "internal-id", value: func(g *draw) string { return g.pattern("[1-9]{1}[0-9]{2-6}") }, flags: responseOnly, rows: []string{
			"name=«person»|internal_id=#«!»", "title=«words 2»|tenant_id=«!internal-id objectid»", "name=«words 2»|_id=«!internal-id objectid»", "label=«word»|db_id=#«!»", "name=«word»|pk=#«!»", "name=«word»|row_id=#«!»|tenantId=#«!»",
		}},
		{name: "overexposed-list", value: empty, flags: responseOnly | anonymous},
		{name: "inconsistent-items", value: empty, flags: responseOnly},
		{name: "cookie-flags", value: session, flags: responseOnly, headers: []string{"Set-Cookie: sessionid=«!»; Path=/", "Set-Cookie: connect.sid=«!cookie-flags cookie»; Path=/; HttpOnly", "Set-Cookie: auth_session=«!»; Path=/; Secure", "Set-Cookie: JSESSIONID=«!»; Path=/app"}},
		{name: "mass-assignment", value: empty, flags: responseOnly},
		{name: "echoed-secret", value: empty, flags: responseOnly},
	}
}
