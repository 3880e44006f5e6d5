package corpus

func secretFamilies() []family {
	tokenLines := []string{
		"DEBUG «ident»: request headers: {'Authorization': 'Bearer «!»', 'Accept': '*/*'}", "refreshing token «!» for user «login»", "Authorization: Bearer «!»",
		"curl -H 'Authorization: Bearer «!»' https://api.«ident».test/v1/«ident»", "got access_token=«!» expires_in=3600", `upstream replied {"access_token":"«!»","token_type":"bearer"}`,
	}
	return []family{
		{
			name: "vendor-token", value: vendorToken,
			rows:  []string{"name=«ident»|token=«!»", "service=«ident»|api_key=«!»|enabled=#true", "provider=«word»|secret=«!»", "id=#«int 1 900»|credential=«!»|note=«words 3»", "integration=«ident»|value=«!»"},
			lines: []string{"using key «!» for «ident»", "ERROR 401 from provider, key=«!»", "loaded «ident» config: token: «!», retries: 3", "export TOKEN=«!»", "sending with «!»"},
			texts: []string{"Invalid API key provided: «!»", "request to provider with key «!» failed"},
			pages: []string{`<html><head><script>window.config={"apiKey":"«!»","env":"prod"}</script></head><body><p>«text 3»</p></body></html>`, "«ident»:\n  token: «!»\n  region: eu\n"},
		},
		{
			name: "jwt", value: jwt, lines: append(tokenLines, "session restored «!»"), params: []string{"token", "access_token", "jwt", "id_token"},
			rows:    []string{"user=«login»|token=«!»", "id=#«int 1 900»|device=«word»|session_jwt=«!»", "jwt=«!»|updated_at=«iso»", "name=«person»|accessToken=«!»", "message=«words 3»|data=«!»"},
			headers: []string{"Location: https://app.«ident».test/cb#access_token=«!»", "X-Auth-Token: «!»"}, asked: []string{"Authorization: Bearer «!»", "Cookie: theme=dark; access_token=«!»", "X-Access-Token: «!»"},
			pages: []string{`<html><body><script>localStorage.setItem("token","«!»");</script><p>«text 4»</p></body></html>`, `<html><body><div id="app" data-user-token="«!»"></div><p>«text 4»</p></body></html>`},
		},
		{
			name: "jwt-none", value: algNone, lines: tokenLines[:4], params: []string{"token"}, rows: []string{"user=«login»|token=«!»"}, asked: []string{"Authorization: Bearer «!»"},
		},
		{
			name: "bearer", value: opaque, lines: tokenLines, rows: []string{"user=«login»|access_token=«!»", "device=«word»|refreshToken=«!»|seen=«iso»", "auth_token=«!»|name=«words 2»", "id=#«int 1 900»|session_token=«!»"},
			params: []string{"access_token", "auth_token", "token", "api_key"}, asked: []string{"Authorization: Bearer «!»", "X-Auth-Token: «!»", "Authorization: Token «!»", "X-Api-Key: «!»"},
			pages: []string{`<html><body><script>var cfg={accessToken:"«!»",debug:false};</script><p>«text 3»</p></body></html>`},
		},
		{
			name: "basic", value: basic, asked: []string{"Authorization: «!»", "Proxy-Authorization: «!»"},
			lines: []string{"Authorization: «!»", "upstream request headers={\"authorization\": \"«!»\"}", "curl -H 'Authorization: «!»' http://«ident».test/"},
			rows:  []string{"service=«ident»|authorization=«!»"},
		},
		{
			name: "session", value: session, asked: []string{"Cookie: PHPSESSID=«!»; lang=en", "Cookie: lang=en; connect.sid=«!session cookie»", "Cookie: JSESSIONID=«!»", "Cookie: sessionid=«!»; theme=dark", "Cookie: _shop_session=«!session cookie»"},
			lines: []string{"session started sessionid=«!» user=«login»", "Set-Cookie: JSESSIONID=«!»; Path=/; HttpOnly", "cookies: {'sessionid': '«!»'}"}, params: []string{"sessionid", "PHPSESSID", "sid"},
			rows: []string{"user=«login»|session_id=«!»", "sessionId=«!»|last_seen=«iso»|agent=«ua»"},
		},
		{
			name: "reset-token", value: opaque, params: []string{"reset_token", "reset_password_token", "confirmation_token", "invitation_token"},
			rows:  []string{"user=«login»|reset_token=«!»|expires=«iso»", "id=#«int 1 900»|reset_password_token=«!»", "verificationToken=«!»|verified=#false", "invite_token=«!»|team=«word»"},
			lines: []string{"mail queued: https://app.«ident».test/reset?token=«!»", "password reset requested, reset_token=«!» user=«login»"},
		},
		{
			name: "private-key", value: privateKey, rows: []string{"name=«ident»|private_key=«!»", "host=«word»|key=«!»|type=ssh", "tls_key=«!»"}, lines: nil,
			pages: []string{"«!»\n"}, texts: []string{"could not load key: «!»"},
		},
		{
			name: "connection-string", value: connection, rows: []string{"env=prod|DATABASE_URL=«!»", "url=«!»|pool=#«int 2 40»", "dsn=«!»", "broker_url=«!»|queue=«ident»"},
			lines: []string{"connecting to «!»", "ERROR could not connect: «!» timed out after 30s", "SQLALCHEMY_DATABASE_URI=«!»", "datasource.url=«!» pool=10"},
			texts: []string{"(OperationalError) could not connect to «!»", "connect ECONNREFUSED «!»"},
		},
		{
			name: "cloud-connection-string", value: azureConnection, rows: []string{"storage=«!»|container=«word»"}, lines: []string{"using storage account «!»", "AzureWebJobsStorage=«!»"},
		},
		{
			name: "signed-url", value: signedURL, lines: []string{"export ready: «!»", "GET «!» 200 in 48ms", "uploading to «!»"},
		},
	}
}

func credentialFamilies() []family {
	return []family{
		{
			name: "password", value: password, rows: []string{"username=«login»|password=«!»", "user=«login»|plain_password=«!»|active=#true", "login=«login»|pwd=«!»", "smtp_host=mail.«ident».test|smtp_password=«!»", "id=#«int 1 900»|temporaryPassword=«!»", "email_verified=#true|passwd=«!»|name=«person»"},
			lines:  []string{"login attempt username=«login» password=«!»", "creating user {'username': '«login»', 'password': '«!»'}", `request body: {"username":"«login»","password":"«!»"}`, "mysql -u app -p --password=«!» «ident»", "POST /login username=«login»&password=«!»"},
			params: []string{"password", "passwd", "pwd"},
		},
		{
			name: "password-hash", value: passwordHash, rows: []string{"username=«login»|password_hash=«!»", "name=«person»|password=«!»|created=«iso»", "id=#«int 1 900»|passwordHash=«!»", "login=«login»|encrypted_password=«!»|sign_in_count=#4", "user=«login»|digest=«!»", "uid=«login»|userPassword=«!»"},
			lines: []string{"user row: ('«login»', '«!»', True)", "INFO loaded account «login» hash=«!»", "UPDATE users SET password_hash='«!»' WHERE login='«login»'", "«login»:«!»:19700:0:99999:7:::"},
		},
		{
			name: "bare-digest", value: digest, rows: []string{"username=«login»|password_hash=«!»", "login=«login»|password=«!»", "user=«login»|passwd_md5=«!bare-digest md5»", "id=#«int 1 900»|passwordSha256=«!bare-digest sha256»", "name=«person»|hashed_password=«!»|salt_rounds=#10"},
			lines: []string{"user «login» password_hash=«!»"},
		},
		{
			name: "secret-field", value: apiKey, rows: []string{"app=«ident»|client_secret=«!»", "webhook=«word»|webhook_secret=«!»", "name=«ident»|apiKey=«!»", "id=#«int 1 900»|api_secret=«!»|active=#true", "signing_secret=«!»|rotated=«date»", "encryption_key=«!»", "partner=«word»|x-api-key=«!»", "consumerSecret=«!»|consumer=«ident»"},
			lines: []string{"client_id=«ident» client_secret=«!»", "calling partner with api_key=«!»", "loaded encryption_key=«!» from disk", "config: {webhook_secret: «!», retries: 3}"}, params: []string{"api_key", "apikey", "client_secret"}, asked: []string{"X-Api-Key: «!»", "Ocp-Apim-Subscription-Key: «!»"},
		},
		{
			name: "totp", value: totpSeed, rows: []string{"user=«login»|totp_secret=«!»", "mfa_secret=«!»|mfa_enabled=#true", "otpSecret=«!»|digits=#6", "two_factor_secret=«!»|two_factor=#true", "user=«login»|otpauth_url=«!»"},
			lines: []string{"enrolled «login» otp_secret=«!»", "totp_secret=«!» created for «login»"}, documents: []string{`{"user":"«login»","recovery_codes":["«!totp recovery»","«!totp recovery»","«!totp recovery»"]}`},
		},
		{
			name: "config-secret", value: signingKey, rows: []string{"DEBUG=#true|SECRET_KEY=«!»", "JWT_SECRET=«!»|PORT=8080", "APP_KEY=«!»|APP_ENV=production", "secret_key_base=«!»", "REDIS_PASSWORD=«!»|REDIS_HOST=cache", "AWS_SECRET_ACCESS_KEY=«!»|AWS_REGION=eu-west-1"},
			lines: []string{"config loaded: SECRET_KEY='«!»' DEBUG=False", "JWT_SECRET=«!»", "env SECRET_KEY_BASE=«!» RAILS_ENV=production"},
		},
	}
}
