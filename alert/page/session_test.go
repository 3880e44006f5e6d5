package page

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/alert/login"
	"github.com/leaktap/leaktap/classify"
)

// site is a page with a ledger in a file, users, and a log.
type site struct {
	http.Handler
	ledger *alert.Ledger
	file   string
	log    bytes.Buffer
	now    time.Time
	guard  *login.Guard
}

// passwordOf is the password of a test user.
func passwordOf(name string) string { return name + "'s own pass phrase" }

// userLines are those of ada and bob, with cheap hashes.
var userLines = sync.OnceValue(func() string {
	var lines strings.Builder
	for _, name := range []string{"ada", "bob"} {
		hash, err := bcrypt.GenerateFromPassword([]byte(passwordOf(name)), bcrypt.DefaultCost)
		if err != nil {
			panic(err)
		}
		lines.WriteString(name + ":" + string(hash) + "\n")
	}
	return lines.String()
})

// newSite returns a site of one exposure, fp0, with the users ada and bob.
func newSite(t testing.TB, change ...func(*Config)) *site {
	t.Helper()
	s := &site{file: filepath.Join(t.TempDir(), "ledger.db"), now: epoch()}
	clock := func() time.Time { return s.now }
	ledger, err := alert.OpenLedger(s.file, alert.LedgerConfig{Now: clock}, func(string) *classify.Rule { return testRule() }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ledger.Accept(finding(0))
	users, err := login.ParseUsers(userLines())
	if err != nil {
		t.Fatal(err)
	}
	s.ledger, s.guard = ledger, login.NewGuard(users, clock)
	c := Config{Exposures: ledger, Acceptances: ledger, Login: s.guard, Log: slog.New(slog.NewTextHandler(&s.log, nil)), Now: clock}
	for _, f := range change {
		f(&c)
	}
	s.Handler = New(c)
	return s
}

// visit is a request of a test, and what its answer is to be.
type visit struct {
	method, path string
	form         url.Values
	header       map[string]string
	cookie       string
	tls          bool
}

// answer is what a visit got.
type answer struct {
	StatusCode int
	Header     http.Header
	cookies    []*http.Cookie
	body       string
}

func (s *site) do(t testing.TB, v visit) answer {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), v.method, v.path, strings.NewReader(v.form.Encode()))
	if v.method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range v.header {
		req.Header.Set(name, value)
	}
	name := "leaktap"
	if v.tls {
		req.TLS, name = &tls.ConnectionState{}, "__Host-leaktap"
	}
	if v.cookie != "" {
		req.AddCookie(&http.Cookie{Name: name, Value: v.cookie})
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	res := w.Result()
	defer res.Body.Close()
	return answer{res.StatusCode, res.Header, res.Cookies(), w.Body.String()}
}

// logIn returns the id of a new session.
func (s *site) logIn(t testing.TB, name string) string {
	t.Helper()
	res := s.do(t, visit{method: "POST", path: "/login", form: url.Values{"name": {name}, "password": {passwordOf(name)}}})
	if len(res.cookies) != 1 {
		t.Fatalf("log-in gave %d and the cookies %v", res.StatusCode, res.cookies)
	}
	return res.cookies[0].Value
}

// token returns the token in the forms of a session.
func (s *site) token(t testing.TB, id string) string {
	t.Helper()
	_, behind, _ := strings.Cut(s.do(t, visit{method: "GET", path: "/findings/fp0", cookie: id}).body, `name="token" value="`)
	token, _, ok := strings.Cut(behind, `"`)
	if !ok {
		t.Fatal("the page holds no token")
	}
	return token
}

// TestLogIn checks what each attempt to log in gets, and that those that fail are alike.
func TestLogIn(t *testing.T) {
	form := func(name, password string) url.Values {
		return url.Values{"name": {name}, "password": {password}, "next": {"/findings/fp0?x=1"}}
	}
	for name, of := range map[string]struct {
		visit
		status int
	}{
		"right":           {visit{form: form("ada", passwordOf("ada"))}, 303},
		"from this page":  {visit{form: form("ada", passwordOf("ada")), header: map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "null"}}, 303},
		"plain HTTP":      {visit{form: form("ada", passwordOf("ada")), header: map[string]string{"Origin": "http://example.com"}}, 303},
		"over TLS":        {visit{form: form("ada", passwordOf("ada")), tls: true}, 303},
		"wrong password":  {visit{form: form("ada", passwordOf("bob"))}, 403},
		"unknown name":    {visit{form: form("mallory", passwordOf("mallory"))}, 403},
		"no name":         {visit{form: url.Values{}}, 403},
		"another site":    {visit{form: form("ada", passwordOf("ada")), header: map[string]string{"Sec-Fetch-Site": "cross-site"}}, 403},
		"a site beside":   {visit{form: form("ada", passwordOf("ada")), header: map[string]string{"Sec-Fetch-Site": "same-site"}}, 403},
		"another origin":  {visit{form: form("ada", passwordOf("ada")), header: map[string]string{"Origin": "https://evil.example"}}, 403},
		"too long":        {visit{form: form("ada", strings.Repeat("x", maxForm))}, 403},
		"in the address":  {visit{path: "/login?" + form("ada", passwordOf("ada")).Encode()}, 403},
		"not such a form": {visit{form: form("ada", passwordOf("ada")), header: map[string]string{"Content-Type": "text/plain"}}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			if of.method = "POST"; of.path == "" {
				of.path = "/login"
			}
			res := s.do(t, of.visit)
			body := res.body
			if res.StatusCode != of.status {
				t.Fatalf("status %d, want %d:\n%s", res.StatusCode, of.status, body)
			}
			for _, hidden := range []string{passwordOf("ada"), passwordOf("bob"), passwordOf("mallory"), "mallory"} {
				if strings.Contains(body+s.log.String(), hidden) {
					t.Errorf("%q is shown or logged", hidden)
				}
			}
			if of.status != 303 {
				if len(res.cookies) > 0 || !strings.Contains(s.log.String(), "refused") {
					t.Errorf("cookies %v; log %q", res.cookies, s.log.String())
				}
				return
			}
			c := res.cookies[0]
			if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.Secure != of.tls || strings.HasPrefix(c.Name, "__Host-") != of.tls || len(c.Value) != 43 {
				t.Errorf("cookie is %v", c)
			}
			if res.Header.Get("Location") != "/findings/fp0?x=1" || !strings.Contains(s.log.String(), "msg=\"logged in\" address=192.0.2.1:1234 user=ada") || strings.Contains(s.log.String(), c.Value) {
				t.Errorf("leads to %s; log %q", res.Header.Get("Location"), s.log.String())
			}
		})
	}
}

// TestFailedLogInsAreAlike checks that an answer does not tell whether a name is known, and
// that there are not many.
func TestFailedLogInsAreAlike(t *testing.T) {
	s := newSite(t)
	answers := map[string]int{}
	for i := range 6 {
		res := s.do(t, visit{method: "POST", path: "/login", form: url.Values{"name": {[]string{"ada", "mallory"}[i%2]}, "password": {"wrong"}}})
		answers[res.body]++
		if i == 5 && (res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "") {
			t.Errorf("the sixth got %d, %v", res.StatusCode, res.Header)
		}
	}
	if len(answers) != 2 {
		t.Errorf("there are %d answers: %v", len(answers), answers)
	}
}

// TestLogOut checks that a session ends for good, and that only its own form ends it.
func TestLogOut(t *testing.T) {
	s := newSite(t)
	id := s.logIn(t, "ada")
	token := s.token(t, id)
	if body := s.do(t, visit{method: "GET", path: "/", cookie: id}).body; !strings.Contains(body, "<span>ada</span>") || strings.Contains(body, id) {
		t.Error("the page does not show who has logged in, or shows the session")
	}
	if res := s.do(t, visit{method: "GET", path: "/login?next=/rules", cookie: id}); res.StatusCode != 303 || res.Header.Get("Location") != "/rules" {
		t.Errorf("who has logged in is led to %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	if res := s.do(t, visit{method: "POST", path: "/logout", cookie: id}); res.StatusCode != 403 {
		t.Errorf("without a token: %d", res.StatusCode)
	}
	res := s.do(t, visit{method: "POST", path: "/logout", cookie: id, form: url.Values{"token": {token}}})
	if res.StatusCode != 303 || res.Header.Get("Location") != "/" || len(res.cookies) != 1 || res.cookies[0].MaxAge >= 0 {
		t.Errorf("got %d, %v", res.StatusCode, res.Header)
	}
	if body := s.do(t, visit{method: "GET", path: "/", cookie: id}).body; strings.Contains(body, "<span>ada</span>") || !strings.Contains(body, `href="/login?next=%2f"`) {
		t.Errorf("the session goes on:\n%s", body)
	}
}

func TestLocalAddress(t *testing.T) {
	for address, want := range map[string]string{
		"/":                                   "/",
		"/findings/fp0":                       "/findings/fp0",
		"/?state=accepted&q=%2F%2Fa#x":        "/?state=accepted&q=%2F%2Fa#x",
		"":                                    "/",
		"findings":                            "/",
		"//evil.example":                      "/",
		"///evil.example":                     "/",
		`/\evil.example`:                      "/",
		`\\evil.example`:                      "/",
		"/\t/evil.example":                    "/",
		"/\n/evil.example":                    "/",
		"https://evil.example/":               "/",
		"https:/evil.example":                 "/",
		"javascript:alert(1)":                 "/",
		" /findings":                          "/",
		"/%zz":                                "/",
		"/" + strings.Repeat("a", maxAddress): "/",
	} {
		if got := localAddress(address); got != want {
			t.Errorf("%q leads to %q, want %q", address, got, want)
		}
	}
}

// TestRequireLogin checks that nobody reads a page without a session, and what all may read.
func TestRequireLogin(t *testing.T) {
	s := newSite(t, func(c *Config) { c.RequireLogin = true })
	for _, path := range []string{"/", "/findings/fp0", "/routes", "/tokens", "/pipeline", "/configuration", "/rules", "/nothing", "//login"} {
		res := s.do(t, visit{method: "GET", path: path})
		if body := res.body; res.StatusCode/100 != 3 || strings.Contains(body, "password-hash") {
			t.Errorf("%s: status %d", path, res.StatusCode)
		}
	}
	if res := s.do(t, visit{method: "GET", path: "/?q=a&state=any"}); res.Header.Get("Location") != "/login?next=%2F%3Fq%3Da%26state%3Dany" {
		t.Errorf("leads to %s", res.Header.Get("Location"))
	}
	if res := s.do(t, visit{method: "POST", path: "/findings/fp0/accept"}); res.StatusCode != 403 {
		t.Errorf("POST: status %d", res.StatusCode)
	}
	if res := s.do(t, visit{method: "HEAD", path: "/"}); res.StatusCode == 200 {
		t.Errorf("HEAD: status %d", res.StatusCode)
	}
	for _, path := range []string{"/login", "/style.css", "/live.js"} {
		if res := s.do(t, visit{method: "GET", path: path}); res.StatusCode != 200 {
			t.Errorf("%s: status %d", path, res.StatusCode)
		}
	}
	if body := s.do(t, visit{method: "GET", path: "/", cookie: s.logIn(t, "ada")}).body; !strings.Contains(body, "password-hash") {
		t.Error("who has logged in sees nothing")
	}
}

// TestNothingTellsSecrets drives log-in, acceptance and withdrawal, and searches the log, the
// pages and the ledger's file for passwords and ids of sessions.
func TestNothingTellsSecrets(t *testing.T) {
	s := newSite(t)
	id := s.logIn(t, "ada")
	token := s.token(t, id)
	var pages strings.Builder
	for _, v := range []visit{
		{method: "POST", path: "/login", form: url.Values{"name": {passwordOf("bob")}, "password": {"wrong"}}},
		{method: "POST", path: "/findings/fp0/accept", form: url.Values{"token": {"forged"}, "reason": {"r"}, "until": {"2026-09-01"}}},
		{method: "POST", path: "/findings/fp0/accept", form: url.Values{"token": {token}, "reason": {"r"}, "until": {"2026-09-01"}}},
		{method: "GET", path: "/findings/fp0"},
		{method: "GET", path: "/?state=accepted"},
		{method: "POST", path: "/findings/fp0/withdraw", form: url.Values{"token": {token}}},
		{method: "POST", path: "/logout", form: url.Values{"token": {token}}},
	} {
		v.cookie = id
		pages.WriteString(s.do(t, v).body)
	}
	file, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"the log": s.log.String(), "a page": pages.String(), "the ledger": string(file)} {
		for _, secret := range []string{passwordOf("ada"), passwordOf("bob"), url.QueryEscape(passwordOf("bob")), id, "$2a$"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds a secret", where)
			}
		}
		if where != "a page" && strings.Contains(text, token) {
			t.Errorf("%s holds a token", where)
		}
	}
	for _, line := range []string{"log-in refused", "request refused", `"exposure accepted" address=192.0.2.1:1234 user=ada fingerprint=fp0 rule=password-hash until=2026-09-01`, `"acceptance withdrawn" address=192.0.2.1:1234 user=ada fingerprint=fp0`, "logged out"} {
		if !strings.Contains(s.log.String(), line) {
			t.Errorf("the log lacks %s:\n%s", line, s.log.String())
		}
	}
}
