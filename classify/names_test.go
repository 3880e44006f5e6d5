package classify

import "testing"

func TestVocabulary(t *testing.T) {
	v, err := newVocabulary([]FieldNames{
		{Class: "password", Names: []string{"password"}, Exact: []string{"pass"}},
		{Class: "hash", Names: []string{"password hash"}},
		{Class: "id", Exact: []string{"id"}},
		{Class: "email", Names: []string{"e mail", "email"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, want string }{
		{"password", "password"},
		{"PASSWORD", "password"},
		{"user_password", "password"},
		{"userPassword", "password"},
		{"passwordHash", "hash"},
		{"user.password-hash", "hash"},
		{"password_required", ""},
		{"nopassword", ""},
		{"pass", "password"},
		{"bypass", ""},
		{"user_pass", ""},
		{"id", "id"},
		{"_id", "id"},
		{"user_id", ""},
		{"IDHash", ""},
		{"userEMail", "email"},
		{"e-mail", "email"},
		{"CustomerEmail", "email"},
		{"email_verified", ""},
		{"", ""},
	} {
		if got := v.classes[v.lookup([]byte(c.name))]; got != c.want {
			t.Errorf("%q: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestVocabularyRefusesTwoClasses(t *testing.T) {
	_, err := newVocabulary([]FieldNames{{Class: "a", Names: []string{"x y"}}, {Class: "b", Exact: []string{"xY"}}})
	if err == nil || err.Error() != `add field "xY" to b: it is in a already` {
		t.Errorf("got error %v", err)
	}
}

func TestRoute(t *testing.T) {
	for _, c := range []struct{ target, want string }{
		{"", ""},
		{"/", "/"},
		{"/api/users", "/api/users"},
		{"/api/users/17?x=1", "/api/users/{id}"},
		{"/api/v2/Users/3f2b8c1a-9d4e-4f6a-8b2c-1d3e5f7a9b0c", "/api/v2/Users/{id}"},
		{"https://shop.test:8443/a/b#c", "/a/b"},
		{"http://shop.test", ""},
		{"/users/v1/name1'", "/users/v1/{id}"},
		{"/oauth2/token", "/oauth2/token"},
		{"/reset/AbCdEfGhIjKlMnOpQrSt", "/reset/{id}"},
		{"/reset/XQZTRBVNMKLPWSDFGHJC", "/reset/{id}"},
		{"/a//b/", "/a/b"},
		{"/files/report.pdf", "/files/report.pdf"},
		{"/u/ada@shop.test", "/u/{id}"},
		{"/v1beta1/pods", "/v1beta1/pods"},
		{"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19", "/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/…"},
	} {
		if got := RouteOf([]byte(c.target)); got != c.want {
			t.Errorf("%q: got %q, want %q", c.target, got, c.want)
		}
	}
}

func TestPointer(t *testing.T) {
	key := func(s string) frame { return frame{key: []byte(s)} }
	for _, c := range []struct {
		frames []frame
		want   string
	}{
		{nil, ""},
		{[]frame{{}, key("a"), {array: true}, {}, key("b")}, "/a/*/b"},
		{[]frame{{}, key("payload"), {layer: "#json"}, {}, key("user"), {}, key("token")}, "/payload#json/user/token"},
		{[]frame{{}, key("a/b~c")}, "/a~1b~0c"},
		{[]frame{{}, key("ada@shop.test"), {}, key("x")}, "/*/x"},
		{[]frame{{}, key("4711")}, "/*"},
		{[]frame{{}, key("a1b2c3d4e5")}, "/*"},
		{[]frame{{}, key("0123456789abcdef0123456789abcdefgh")}, "/*"},
		{[]frame{{}, key("bad\x1bname")}, "/*"},
		{[]frame{{}, key("@timestamp")}, "/@timestamp"},
	} {
		if got := pointer(c.frames); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestClean(t *testing.T) {
	for _, c := range []struct{ host, want string }{
		{"Shop.Test:8080", "shop.test"},
		{"[::1]:80", "[::1]"},
		{"203.0.113.9", "203.0.113.9"},
		{"evil\nhost", ""},
		{"<script>", ""},
	} {
		if got := cleanHost([]byte(c.host)); got != c.want {
			t.Errorf("host %q: got %q, want %q", c.host, got, c.want)
		}
	}
	if got := cleanMethod([]byte("ghp_SECRET")); got != "OTHER" {
		t.Errorf("method: got %q", got)
	}
}

func TestRedact(t *testing.T) {
	for _, c := range []struct {
		secret string
		public int
		want   string
	}{
		{"hunter2", 0, "•••"},
		{"$2b$12$abcdefghijklmnopqrstuv", 7, "$2b$12$•••"},
		{"short", 5, "sh•••"},
		{"", 3, "•••"},
		{"a\x1bcdefgh", 4, "a•••"},
	} {
		if got := redact([]byte(c.secret), c.public); got != c.want {
			t.Errorf("%q: got %q, want %q", c.secret, got, c.want)
		}
	}
}

func TestNamesRoundTrip(t *testing.T) {
	for s := Info; s <= Critical; s++ {
		var back Severity
		if err := back.UnmarshalText([]byte(s.String())); err != nil || back != s {
			t.Errorf("severity %s: got %s, %v", s, back, err)
		}
	}
	var w Where
	if err := w.UnmarshalText([]byte("nowhere")); err == nil {
		t.Error("nowhere was accepted")
	}
}
