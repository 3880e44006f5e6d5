package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// TestAskPassword checks that a terminal is asked twice.
func TestAskPassword(t *testing.T) {
	failed := errors.New("no terminal")
	for name, of := range map[string]struct {
		answers []string
		err     error
		want    string // the password, or the error
	}{
		"same":    {[]string{"one two three", "one two three"}, nil, "one two three"},
		"differ":  {[]string{"one two three", "one two"}, nil, "the two differ"},
		"failing": {nil, failed, "no terminal"},
	} {
		t.Run(name, func(t *testing.T) {
			var prompts strings.Builder
			got, err := askPassword(&prompts, func() ([]byte, error) {
				if of.err != nil {
					return nil, of.err
				}
				answer := of.answers[0]
				of.answers = of.answers[1:]
				return []byte(answer), nil
			})
			if err != nil {
				got = err.Error()
			}
			if got != of.want || strings.Contains(prompts.String(), "one") || !strings.HasPrefix(prompts.String(), "Password: \n") {
				t.Errorf("got %q, asked %q", got, prompts.String())
			}
		})
	}
}

// testPassword is that of all test users.
const testPassword = "a secret of many words"

// userLine is the line of a user with a cheap hash.
func userLine(t *testing.T, name string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(testPassword), bcrypt.DefaultCost)
	if err != nil {
		t.Fatal(err)
	}
	return name + ":" + string(hash) + "\n"
}

// who is the name that the page shows to a client.
func (d *daemon) who(client *http.Client) string {
	d.t.Helper()
	res, err := client.Get(d.base + "/")
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	_, behind, _ := strings.Cut(string(text), `action="/logout"><span>`)
	name, _, _ := strings.Cut(behind, "</span>")
	return name
}

// TestUsersAreReadAnew runs a daemon whose file of users changes: sessions outlast a reload,
// until their user is gone or the file is no more named.
func TestUsersAreReadAnew(t *testing.T) {
	d := startDaemon(t, 10*time.Millisecond)
	users := filepath.Join(d.dir, "users")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(users, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ada, bob := userLine(t, "ada"), userLine(t, "bob")
	write(ada)
	d.write(daemonConfig[:len(daemonConfig)-2] + ", users_file: " + users + "}\nsinks: {ledger: {path: " + filepath.Join(d.dir, "ledger.db") + "}}\n")
	d.awaitServing(2)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	logIn := func(name string) string {
		t.Helper()
		res, err := client.PostForm(d.base+"/login", url.Values{"name": {name}, "password": {testPassword}})
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return d.who(client)
	}
	if got := logIn("bob"); got != "" {
		t.Errorf("bob, who is no user, is %q", got)
	}
	if got := logIn("ada"); got != "ada" {
		t.Errorf("ada is %q", got)
	}
	served := 3
	for _, step := range []struct{ text, want string }{{bob + ada, "ada"}, {bob, ""}} {
		write(step.text)
		d.awaitServing(served)
		served++
		if got := d.who(client); got != step.want {
			t.Errorf("after a reload it is %q, want %q", got, step.want)
		}
	}
	if got := logIn("bob"); got != "bob" {
		t.Errorf("bob is %q", got)
	}
	write("nonsense") // changes nothing
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(d.log.String(), "not reloaded"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the mistake is not noticed; log:\n%s", d.log)
		}
	}
	if got := d.who(client); got != "bob" {
		t.Errorf("after a mistake it is %q, want bob", got)
	}
	d.write(daemonConfig)
	d.awaitServing(served)
	if strings.Contains(d.get("/"), "/login") {
		t.Error("without a file people can log in")
	}
	if strings.Contains(d.log.String(), testPassword) {
		t.Error("the log holds the password")
	}
}
