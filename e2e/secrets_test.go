//go:build e2e

package e2e

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// user is a row of the application's table, and the password.
type user struct {
	ID           int    `json:"id"`
	InternalID   string `json:"internal_id"`
	Username     string `json:"username"`
	FullName     string `json:"full_name"`
	Email        string `json:"email"`
	Phone        string `json:"phone"`
	PasswordHash string `json:"password_hash"`
	Role         string `json:"role"`
	IsAdmin      bool   `json:"is_admin"`
	Password     string `json:"password"`
}

// secrets is what a run plants in the application, and what it makes of it.
type secrets struct {
	Users       []user `json:"users"`
	SigningKey  string `json:"signing_key"`
	DatabaseURL string `json:"database_url"`
	// planted names each secret, tokens included, for the report of a leak.
	planted map[string]string
}

const userCount = 4

// newSecrets makes users and secrets that no other run has.
func newSecrets() *secrets {
	databasePassword := random(alphanumeric, 20)
	s := &secrets{
		SigningKey:  random(alphanumeric, 40),
		DatabaseURL: "postgresql://reports:" + databasePassword + "@db.internal:5432/reports",
		planted:     map[string]string{},
	}
	s.plant("signing key", s.SigningKey)
	s.plant("database URL", s.DatabaseURL)
	s.plant("database password", databasePassword)
	for i := range userCount {
		s.Users = append(s.Users, s.newUser(i+1))
	}
	return s
}

func (s *secrets) newUser(id int) user {
	first := []string{"Ada", "Bo", "Cy", "Dee"}[(id-1)%4]
	name := strings.ToLower(first) + random(letters, 6)
	salt, digest := random(alphanumeric, 16), random(hexDigits, 64)
	u := user{
		ID: id, InternalID: uuid(), Username: name, FullName: first + " Ashe",
		Email:        name + "@" + random(letters, 8) + ".test",
		Phone:        "+4915" + random(digits, 9),
		PasswordHash: "pbkdf2:sha256:600000$" + salt + "$" + digest,
		Role:         "user", Password: random(alphanumeric, 18),
	}
	if id == 1 {
		u.Role, u.IsAdmin = "admin", true
	}
	for what, secret := range map[string]string{
		"password hash": u.PasswordHash, "salt": salt, "digest": digest, "e-mail": u.Email, "phone": u.Phone,
		"password": u.Password, "internal id": u.InternalID,
	} {
		s.plant(fmt.Sprintf("%s of user %d", what, id), secret)
	}
	return u
}

// token makes a JSON Web Token (RFC 7519) that the application accepts until then.
func (s *secrets) token(u user, until time.Time) string {
	encode := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"iss":"accounts","sub":"%d","scope":"profile:read","exp":%d}`, u.ID, until.Unix())
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, []byte(s.SigningKey))
	mac.Write([]byte(text))
	token := text + "." + encode(mac.Sum(nil))
	s.plantToken(token)
	return token
}

// plantToken adds a token, and its claims and its signature alone.
func (s *secrets) plantToken(token string) {
	n := len(s.planted)
	parts := strings.Split(token, ".")
	s.plant(fmt.Sprintf("token %d", n), token)
	s.plant(fmt.Sprintf("claims of token %d", n), parts[1])
	s.plant(fmt.Sprintf("signature of token %d", n), parts[2])
}

func (s *secrets) plant(what, secret string) { s.planted[what] = secret }

// forms maps each text that must not turn up to what it is.
func (s *secrets) forms() map[string]string {
	all := map[string]string{}
	for what, secret := range s.planted {
		for form, text := range formsOf(secret) {
			all[text] = what + " " + form
		}
	}
	return all
}

// formsOf lists the forms in which a secret may leak: as it is, encoded, or under a
// hash without a key, which tells whoever can guess.
func formsOf(secret string) map[string]string {
	quoted, _ := json.Marshal(secret) // a string always marshals
	b := []byte(secret)
	md5sum, sha1sum, sha256sum := md5.Sum(b), sha1.Sum(b), sha256.Sum256(b)
	forms := map[string]string{
		"in clear": secret, "in JSON": strings.Trim(string(quoted), `"`), "in HTML": html.EscapeString(secret),
		"in a query": url.QueryEscape(secret), "in a path": url.PathEscape(secret), "in hex": hex.EncodeToString(b),
		"as MD5": hex.EncodeToString(md5sum[:]), "as SHA-1": hex.EncodeToString(sha1sum[:]),
		"as SHA-256": hex.EncodeToString(sha256sum[:]), "as SHA-256 in base64": base64.StdEncoding.EncodeToString(sha256sum[:]),
	}
	// In a larger base64 text a secret stands at one of three alignments; only the
	// groups that it fills alone look the same everywhere.
	for shift := range 3 {
		padded := append(make([]byte, shift), b...)
		whole := padded[3*((shift+2)/3) : len(padded)/3*3]
		forms[fmt.Sprintf("in base64 +%d", shift)] = base64.StdEncoding.EncodeToString(whole)
		forms[fmt.Sprintf("in base64url +%d", shift)] = base64.RawURLEncoding.EncodeToString(whole)
	}
	return forms
}

// pile is the outputs of a run, by name.
type pile map[string]string

// keep adds an output.
func (p pile) keep(name, text string) { p[name] += text + "\n" }

// keepProcess adds what a process wrote.
func (p pile) keepProcess(proc *process) {
	p.keep(proc.name+" standard output", proc.stdout.text())
	p.keep(proc.name+" standard error", proc.stderr.text())
}

// keepFile adds a file.
func (p pile) keepFile(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p.keep(filepath.Base(path), string(text))
}

// search fails the test for each planted secret in the pile, in any form. The report
// says what leaked and where, and not the secret.
func (p pile) search(t *testing.T, s *secrets) {
	t.Helper()
	forms := s.forms()
	bytes := 0
	for _, name := range slices.Sorted(maps.Keys(p)) {
		text := p[name]
		bytes += len(text)
		for form, what := range forms {
			if strings.Contains(text, form) {
				t.Errorf("%s holds %s", name, what)
			}
		}
	}
	if bytes == 0 {
		t.Error("no output was collected")
	}
	t.Logf("searched %d outputs of %d bytes for %d secrets in %d forms", len(p), bytes, len(s.planted), len(forms))
}

const (
	digits       = "0123456789"
	hexDigits    = digits + "abcdef"
	letters      = "abcdefghijklmnopqrstuvwxyz"
	alphanumeric = digits + letters + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// random returns n characters of an alphabet.
func random(alphabet string, n int) string {
	text := make([]byte, n)
	for i := range text {
		at, _ := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet)))) // never fails: crypto/rand
		text[i] = alphabet[at.Int64()]
	}
	return string(text)
}

// uuid returns a random identifier in the text form of RFC 9562.
func uuid() string {
	h := random(hexDigits, 32)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// TestPileSearch proves that the search finds each form, in the middle of a text.
func TestPileSearch(t *testing.T) {
	s := newSecrets()
	secret := s.Users[0].PasswordHash
	outputs := map[string]string{
		"base64 of a larger text": base64.StdEncoding.EncodeToString([]byte(`{"h":"` + secret + `"}`)),
		"query":                   "/x?h=" + url.QueryEscape(secret) + "&y=1",
		"JSON":                    `{"hash":"` + secret + `"}`,
		"SHA-256":                 fmt.Sprintf("digest=%x", sha256.Sum256([]byte(secret))),
	}
	for name, output := range outputs {
		found := false
		for form := range s.forms() {
			found = found || strings.Contains(output, form)
		}
		if !found {
			t.Errorf("search does not find a secret as %s", name)
		}
	}
	for form := range s.forms() {
		if len(form) < 8 {
			t.Errorf("a form of %d bytes would match by chance", len(form))
		}
	}
}
