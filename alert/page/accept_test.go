package page

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/leaktap/leaktap/alert"
)

// TestAcceptForm checks what each form gets, and what it leaves in the ledger.
func TestAcceptForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ada, bob := s.logIn(t, "ada"), s.logIn(t, "bob")
	token, other := s.token(t, ada), s.token(t, bob)
	form := func(token, reason, until string) url.Values {
		return url.Values{"token": {token}, "reason": {reason}, "until": {until}}
	}
	right := form(token, "the <demo>", "2026-08-31")
	const path = "/findings/fp0/accept"
	for name, of := range map[string]struct {
		visit
		status int
		text   string // that the page shows
	}{
		"right":             {visit{form: right, cookie: ada}, 303, ""},
		"its own origin":    {visit{form: right, cookie: ada, header: map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "null"}}, 303, ""},
		"no session":        {visit{form: right}, 403, "You are not logged in"},
		"made-up session":   {visit{form: right, cookie: "x"}, 403, "You are not logged in"},
		"no token":          {visit{form: form("", "r", "2026-08-31"), cookie: ada}, 403, "not one of your session"},
		"token of another":  {visit{form: form(other, "r", "2026-08-31"), cookie: ada}, 403, "not one of your session"},
		"token in address":  {visit{path: path + "?token=" + token, form: form("", "r", "2026-08-31"), cookie: ada}, 403, "not one of your session"},
		"another site":      {visit{form: right, cookie: ada, header: map[string]string{"Sec-Fetch-Site": "cross-site"}}, 403, "comes from another site"},
		"a site beside":     {visit{form: right, cookie: ada, header: map[string]string{"Sec-Fetch-Site": "same-site"}}, 403, "comes from another site"},
		"another origin":    {visit{form: right, cookie: ada, header: map[string]string{"Origin": "https://evil.example"}}, 403, "comes from another site"},
		"no reason":         {visit{form: form(token, " ", "2026-08-31"), cookie: ada}, 422, "Not accepted: reason is needed"},
		"long reason":       {visit{form: form(token, strings.Repeat("x", 501), "2026-08-31"), cookie: ada}, 422, "Not accepted: reason has at most 500 bytes"},
		"long form":         {visit{form: form(token, strings.Repeat("x", maxForm), "2026-08-31"), cookie: ada}, 403, "too long"},
		"no day":            {visit{form: form(token, "r", "soon"), cookie: ada}, 422, "Not accepted: until is a day from 2026-08-02 to 2027-08-01"},
		"past":              {visit{form: form(token, "r", "2026-08-01"), cookie: ada}, 422, "Not accepted: until is a day"},
		"too far":           {visit{form: form(token, "r", "2027-08-02"), cookie: ada}, 422, "Not accepted: until is a day"},
		"no exposure":       {visit{path: "/findings/none/accept", form: right, cookie: ada}, 404, "Not found"},
		"by address":        {visit{method: "GET", path: path + "?" + right.Encode(), cookie: ada}, 404, ""},
		"nothing to take":   {visit{path: "/findings/fp0/withdraw", form: right, cookie: ada}, 404, "Not found"},
		"withdraw, forged":  {visit{path: "/findings/fp0/withdraw", form: form("x", "", ""), cookie: ada}, 403, "not one of your session"},
		"withdraw, nowhere": {visit{path: "/findings/fp0/withdraw", form: right}, 403, "You are not logged in"},
	} {
		t.Run(name, func(t *testing.T) {
			if of.path == "" {
				of.path = path
			}
			if of.method == "" {
				of.method = http.MethodPost
			}
			res := s.do(t, of.visit)
			body := res.body
			if res.StatusCode != of.status || !strings.Contains(body, of.text) {
				t.Errorf("status %d, want %d with %q:\n%s", res.StatusCode, of.status, of.text, body)
			}
			x, _ := s.ledger.Exposure("fp0")
			if (x.State == alert.StateAccepted) != (of.status == 303) {
				t.Errorf("the state is %s", x.State)
			}
			if of.status != 303 {
				return
			}
			want := alert.Acceptance{Fingerprint: "fp0", Reason: "the <demo>", By: "ada", At: epoch(), Until: time.Date(2026, 8, 31, 0, 0, 0, 0, time.UTC)}
			if *x.Acceptance != want || res.Header.Get("Location") != "/findings/fp0" {
				t.Errorf("accepted %+v, led to %s", x.Acceptance, res.Header.Get("Location"))
			}
			res = s.do(t, visit{method: "POST", path: "/findings/fp0/withdraw", form: url.Values{"token": {token}}, cookie: ada})
			if x, _ := s.ledger.Exposure("fp0"); res.StatusCode != 303 || x.State != alert.StateOpen {
				t.Errorf("the withdrawal gave %d; the state is %s", res.StatusCode, x.State)
			}
		})
	}
}

// TestAcceptSection checks what a finding's page says of its acceptance to whom.
func TestAcceptSection(t *testing.T) {
	const (
		needsLedger = "set <code>sinks.ledger.path</code>"
		needsUsers  = "set <code>http.users_file</code>"
		logIn       = `<a href="/login?next=%2ffindings%2ffp0">Log in to accept this`
		form        = `action="/findings/fp0/accept"`
		withdraw    = `action="/findings/fp0/withdraw"`
	)
	all := []string{needsLedger, needsUsers, logIn, form, withdraw, "Was accepted by", ">Accepted by", "<dd>seen, last <time", "<dd>not seen</dd>", "<details><summary>Change the reason"}
	s := newSite(t)
	id := s.logIn(t, "ada")
	memory := newSite(t, func(c *Config) { c.Acceptances = nil })
	nobody := newSite(t, func(c *Config) { c.Login = nil })
	check := func(name string, s *site, cookie string, want ...string) {
		t.Helper()
		body := s.do(t, visit{method: "GET", path: "/findings/fp0", cookie: cookie}).body
		for _, part := range all {
			wanted := false
			for _, w := range want {
				wanted = wanted || w == part
			}
			if strings.Contains(body, part) != wanted {
				t.Errorf("%s: %q is there: %v, want %v", name, part, !wanted, wanted)
			}
		}
		if !strings.Contains(body, "accept:\n  - { rule: password-hash") {
			t.Errorf("%s: there is no policy text", name)
		}
	}
	check("no file", memory, "", needsLedger)
	check("no users", nobody, "", needsUsers)
	check("reader", s, "", logIn)
	check("user", s, id, form)
	err := s.ledger.AcceptExposure(alert.Acceptance{Fingerprint: "fp0", Reason: "r", By: "ada", Until: epoch().AddDate(0, 0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	check("accepted, reader", s, "", logIn, ">Accepted by", "<dd>not seen</dd>")
	check("accepted, user", s, id, form, withdraw, "<details><summary>Change the reason", ">Accepted by", "<dd>not seen</dd>")
	s.now = epoch().Add(2 * time.Hour)
	again := finding(0)
	again.ID = "lt-again"
	s.ledger.Accept(again)
	check("accepted and seen again", s, "", logIn, ">Accepted by", "<dd>seen, last <time")
	s.now = epoch().AddDate(0, 0, 3)
	check("ended", s, "", logIn, "Was accepted by", "<dd>seen, last <time")
}

// failing is a ledger that cannot be written.
type failing struct{}

func (failing) AcceptExposure(alert.Acceptance) error { return errors.New("disk is full") }
func (failing) WithdrawAcceptance(string) (*alert.Acceptance, error) {
	return &alert.Acceptance{}, errors.New("disk is full")
}

// TestAcceptanceThatIsNotKept checks that the page says so, and the log why.
func TestAcceptanceThatIsNotKept(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"disk is full":           func(c *Config) { c.Acceptances = failing{} },
		alert.ErrNotKept.Error(): func(c *Config) { c.Acceptances = nil },
	} {
		s := newSite(t, change)
		id := s.logIn(t, "ada")
		token := s.token(t, id)
		for _, path := range []string{"/findings/fp0/accept", "/findings/fp0/withdraw"} {
			res := s.do(t, visit{method: "POST", path: path, cookie: id, form: url.Values{"token": {token}, "reason": {"r"}, "until": {"2026-08-31"}}})
			if body := res.body; res.StatusCode != 500 || !strings.Contains(body, "Nothing was changed") || strings.Contains(body, name) {
				t.Errorf("%s: %s: status %d\n%s", name, path, res.StatusCode, body)
			}
		}
		if strings.Count(s.log.String(), name) != 2 {
			t.Errorf("%s: the log is %s", name, s.log.String())
		}
	}
}

// TestAcceptedAreListedApart checks which states each address lists, and the counts.
func TestAcceptedAreListedApart(t *testing.T) {
	s := newSite(t)
	s.ledger.Accept(finding(1))
	err := s.ledger.AcceptExposure(alert.Acceptance{Fingerprint: "fp1", Reason: "r", By: "ada", Until: epoch().AddDate(0, 0, 30)})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"": "0", "state=open": "0", "state=accepted": "1", "state=any": "0 1", "state=resolved": "", "state=nonsense": "", "state=accepted&severity=high": "1",
	} {
		body := s.do(t, visit{method: "GET", path: "/?" + query}).body
		var got []string
		for n := range parse(t, body).Descendants() {
			if number, ok := strings.CutPrefix(attr(n, "href"), "/findings/fp"); ok {
				got = append(got, number)
			}
		}
		if strings.Join(got, " ") != want || !strings.Contains(body, `<a href="/?state=accepted">1 accepted</a>`) {
			t.Errorf("%q lists %v, want %s", query, got, want)
		}
		if shown := strings.Contains(body, "accepted until <time"); shown != strings.Contains(want, "1") {
			t.Errorf("%q shows the end of an acceptance: %v", query, shown)
		}
	}
	if body := s.do(t, visit{method: "GET", path: "/routes"}).body; !strings.Contains(body, "0 open, 1 accepted") {
		t.Errorf("routes: %s", body)
	}
}

// FuzzAcceptForm checks that whatever a form holds, what is accepted is in bounds, the answer
// is one of a few, and the page shows text as text.
func FuzzAcceptForm(f *testing.F) {
	for _, seed := range [][2]string{
		{"the demo's own", "2026-08-31"}, {"", ""}, {"<script>alert(1)</script>\"'", "2026-09-31"}, {"\x00\u202e\xff", "9999-12-31"}, {strings.Repeat("é", 400), "0000-00-00"},
	} {
		f.Add(seed[0], seed[1])
	}
	s := newSite(f)
	id := s.logIn(f, "ada")
	token := s.token(f, id)
	first, last := alert.AcceptedDays(epoch())
	f.Fuzz(func(t *testing.T, reason, until string) {
		res := s.do(t, visit{method: "POST", path: "/findings/fp0/accept", cookie: id, form: url.Values{"token": {token}, "reason": {reason}, "until": {until}}})
		switch res.StatusCode {
		case http.StatusSeeOther:
			x, _ := s.ledger.Exposure("fp0")
			if a := x.Acceptance; a == nil || a.Reason == "" || len(a.Reason) > alert.MaxReason || a.Reason != alert.Clean(a.Reason) || a.Until.Before(first) || a.Until.After(last) || a.By != "ada" {
				t.Errorf("accepted %+v", a)
			}
		case http.StatusUnprocessableEntity, http.StatusForbidden:
		default:
			t.Errorf("status %d", res.StatusCode)
		}
		body := res.body + s.do(t, visit{method: "GET", path: "/findings/fp0", cookie: id}).body
		for n := range parse(t, body).Descendants() {
			if n.Type == html.ElementNode && n.Data == "script" && (attr(n, "src") != "/live.js" || n.FirstChild != nil) || n.Type == html.ElementNode && n.Data == "img" {
				t.Errorf("the page holds a %s element", n.Data)
			}
		}
	})
}
