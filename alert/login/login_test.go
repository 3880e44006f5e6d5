package login

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func epoch() time.Time { return time.Date(2026, 8, 1, 10, 0, 0, 0, time.UTC) }

// clock is a clock that a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// lineOf is the line of a user with one of some made-up hashes.
func lineOf(name string, n int) string {
	return fmt.Sprintf("%s:$2b$%d$%053d\n", name, minCost, n)
}

func usersOf(t testing.TB, text string) *Users {
	t.Helper()
	u, err := ParseUsers(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestParseUsers(t *testing.T) {
	hash := "$2y$" + "10$" + strings.Repeat("a", 53)
	for name, of := range map[string]struct {
		text, want string // of the error; empty for none
		users      int
	}{
		"two":            {"# people\n\nada:" + hash + "\r\n  bob.o@example.org:" + hash, "", 2},
		"nobody":         {"# none\n", "there is no user: 'leaktap page password NAME' makes a line", 0},
		"no colon":       {"ada\n", "line 1: want NAME:HASH", 0},
		"plain password": {"\nada:hunter2hunter2\n", "line 2: want NAME:HASH", 0},
		"md5":            {"ada:$apr1$12345678$abcdefghijklmnopqrstuv\n", "line 1: want NAME:HASH", 0},
		"short hash":     {"ada:" + hash[:59], "line 1: want NAME:HASH", 0},
		"long hash":      {"ada:" + hash + "a", "line 1: want NAME:HASH", 0},
		"version":        {"ada:" + strings.Replace(hash, "2y", "2x", 1), "line 1: want NAME:HASH", 0},
		"cheap":          {"ada:" + strings.Replace(hash, "10", "05", 1), "line 1: the hash has a cost of 5: want 10 to 14", 0},
		"dear":           {"ada:" + strings.Replace(hash, "10", "31", 1), "line 1: the hash has a cost of 31: want 10 to 14", 0},
		"name":           {"a da:" + hash, "line 1: want a name of 1 to 64 letters", 0},
		"no name":        {":" + hash, "line 1: want a name", 0},
		"long name":      {strings.Repeat("a", 65) + ":" + hash, "line 1: want a name", 0},
		"twice":          {"ada:" + hash + "\nbob:" + hash + "\nada:" + hash, "line 3: the name is there twice", 0},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := ParseUsers(of.text)
			switch {
			case of.want == "" && err != nil, of.want != "" && (err == nil || !strings.HasPrefix(err.Error(), of.want)):
				t.Errorf("got %v, want %q", err, of.want)
			case err == nil && len(u.hashes) != of.users:
				t.Errorf("%d users, want %d", len(u.hashes), of.users)
			case err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aaa")):
				t.Errorf("the error tells of the line: %v", err)
			}
		})
	}
	var many strings.Builder
	for i := range maxUsers + 1 {
		fmt.Fprintf(&many, "user%d:%s\n", i, hash)
	}
	if _, err := ParseUsers(many.String()); err == nil {
		t.Error("too many users are taken")
	}
}

func TestReadUsers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	if _, err := ReadUsers(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file gave %v", err)
	}
	for text, want := range map[string]string{
		"# nobody": ": there is no user", strings.Repeat("#", maxUserFile+1): "has more than 1048576 bytes",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadUsers(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestLine checks that what Line makes is taken, and lets in who knows the password.
func TestLine(t *testing.T) {
	for name, of := range map[string]struct {
		user, password string
		ok             bool
	}{
		"right":     {"ada", "twelve bytes", true},
		"longest":   {"ada", strings.Repeat("x", MaxPassword), true},
		"short":     {"ada", "eleven char", false},
		"long":      {"ada", strings.Repeat("x", MaxPassword+1), false},
		"empty":     {"ada", "", false},
		"bad name":  {"a:da", "twelve bytes", false},
		"line feed": {"ada\nbob", "twelve bytes", false},
	} {
		t.Run(name, func(t *testing.T) {
			line, err := Line(of.user, of.password)
			if (err == nil) != of.ok {
				t.Fatalf("got %v", err)
			}
			if of.password != "" && (strings.Contains(line, of.password) || err != nil && strings.Contains(err.Error(), of.password)) {
				t.Error("the password is in what is written")
			}
			if err != nil {
				return
			}
			u := usersOf(t, line)
			if !u.check(of.user, of.password) || u.check(of.user, of.password+"x") {
				t.Error("the wrong one is let in, or the right one is not")
			}
		})
	}
}

// TestEqualWork checks that the time of an answer tells nothing of a name: each takes the same
// work, of hashes that differ in cost.
func TestEqualWork(t *testing.T) {
	u := usersOf(t, "ada:"+nobody(10)+"\nbob:"+nobody(12))
	work := 0
	u.compare = func(hash, _ []byte) error {
		cost, ok := costOf(string(hash))
		if !ok {
			t.Errorf("%q is no hash", hash)
		}
		work += 1 << cost
		return bcrypt.ErrMismatchedHashAndPassword
	}
	for _, of := range [][2]string{
		{"ada", "right"}, {"bob", "wrong"}, {"nobody", "wrong"}, {"", ""}, {"nobody", strings.Repeat("x", 10_000)}, {"ada", strings.Repeat("x", 10_000)},
	} {
		work = 0
		if u.check(of[0], of[1]); work != 1<<12 {
			t.Errorf("%s: work %d, want %d", of[0], work, 1<<12)
		}
	}
	if err := bcrypt.CompareHashAndPassword([]byte(nobody(10)), []byte("")); !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		t.Errorf("the hash of nobody gives %v: it costs no work, or is one of the empty password", err)
	}
}

// TestSessions walks through sessions: from log-in to log-out, and to their ends.
func TestSessions(t *testing.T) {
	c := &clock{epoch()}
	users := func(text string) *Users {
		u := usersOf(t, text)
		u.compare = func(_, _ []byte) error { return nil }
		return u
	}
	g := NewGuard(users(lineOf("ada", 1)+lineOf("bob", 1)), c.Now)
	logIn := func(name string) string {
		t.Helper()
		id, err := g.LogIn("192.0.2.1:1000", name, "any")
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	is := func(id, want string) {
		t.Helper()
		if s, ok := g.Session(id); ok != (want != "") || s.Name != want {
			t.Errorf("session of %q, want %q", s.Name, want)
		}
	}
	ada, bob := logIn("ada"), logIn("bob")
	if len(ada) != 43 || ada == bob {
		t.Errorf("ids are %q and %q", ada, bob)
	}
	is(ada, "ada")
	is(ada+"x", "")
	is("", "")
	s, _ := g.Session(ada)
	other, _ := g.Session(bob)
	if again, _ := g.Session(ada); again.Token != s.Token || !s.Allows(s.Token) || s.Allows(other.Token) || s.Allows("") || strings.Contains(s.Token, ada) {
		t.Error("a token is not that of its session, or tells its id")
	}
	g.LogOut(bob)
	is(bob, "")
	c.now = c.now.Add(idleLimit - time.Second)
	is(ada, "ada")
	c.now = c.now.Add(idleLimit)
	is(ada, "")
	ada = logIn("ada")
	for range int(ageLimit/idleLimit) * 2 {
		is(ada, "ada")
		c.now = c.now.Add(idleLimit / 2)
	}
	is(ada, "") // however much it is used
	ada, bob = logIn("ada"), logIn("bob")
	g.SetUsers(users(lineOf("ada", 2) + lineOf("bob", 1)))
	is(ada, "") // another hash
	is(bob, "bob")
	if _, err := g.LogIn("192.0.2.1:1", "nobody", "any"); !errors.Is(err, ErrWrong) {
		t.Errorf("nobody got %v", err)
	}
}

// TestSessionsAreBounded checks that one session too many ends the one used least recently.
func TestSessionsAreBounded(t *testing.T) {
	c := &clock{epoch()}
	u := usersOf(t, lineOf("ada", 1))
	u.compare = func(_, _ []byte) error { return nil }
	g := NewGuard(u, c.Now)
	var ids []string
	for range maxSessions + 1 {
		id, err := g.LogIn("192.0.2.1:1", "ada", "any")
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		c.now = c.now.Add(2 * time.Second)
		g.Session(ids[0])
	}
	if _, ok := g.Session(ids[0]); !ok || len(g.sessions) != maxSessions {
		t.Errorf("the one that is used is gone; %d sessions", len(g.sessions))
	}
	if _, ok := g.Session(ids[1]); ok {
		t.Error("the one that was used least recently is there")
	}
}

// TestAttemptsAreLimited checks the limits of one address, of a network, of all, and that they
// pass.
func TestAttemptsAreLimited(t *testing.T) {
	c := &clock{epoch()}
	u := usersOf(t, lineOf("ada", 1))
	u.compare = func(_, password []byte) error {
		if string(password) == "right" {
			return nil
		}
		return bcrypt.ErrMismatchedHashAndPassword
	}
	g := NewGuard(u, c.Now)
	try := func(address, password string, want error) {
		t.Helper()
		_, err := g.LogIn(address, "ada", password)
		wait, limited := errors.AsType[*WaitError](err)
		if _, wanted := errors.AsType[*WaitError](want); wanted != limited || !wanted && !errors.Is(err, want) {
			t.Errorf("%s got %v, want %v", address, err, want)
		}
		if limited && (wait.Seconds() < 1 || wait.Seconds() > 13) {
			t.Errorf("it is to wait for %d seconds", wait.Seconds())
		}
	}
	for range 5 {
		try("[2001:db8::1]:1", "wrong", ErrWrong)
	}
	try("[2001:db8::ffff]:2", "right", &WaitError{}) // of the same network
	try("[2001:db8:0:1::1]:1", "wrong", ErrWrong)
	c.now = c.now.Add(12 * time.Second)
	try("[2001:db8::1]:1", "right", nil)
	for range 5 { // what was right is forgiven
		try("[2001:db8::1]:1", "wrong", ErrWrong)
	}
	c.now = c.now.Add(time.Hour)
	for i := range 30 {
		try(fmt.Sprintf("192.0.2.%d:1", i), "wrong", ErrWrong)
	}
	try("198.51.100.1:1", "right", &WaitError{})
	c.now = c.now.Add(2 * time.Second)
	try("198.51.100.1:1", "right", nil)
}

// TestAddressesAreBounded checks that addresses past the limit share one meter.
func TestAddressesAreBounded(t *testing.T) {
	a := attempts{byAddress: map[netip.Prefix]time.Time{}}
	now := epoch()
	for i := range 3 * maxAddresses {
		now = now.Add(2 * time.Millisecond)
		a.all = time.Time{}
		a.take(fmt.Sprintf("10.%d.%d.1:1", i/256, i%256), now)
	}
	if len(a.byAddress) > maxAddresses+1 {
		t.Errorf("%d addresses are kept", len(a.byAddress))
	}
	if wait := a.take("172.16.0.1:1", now); wait == 0 {
		t.Error("one more address has a meter of its own")
	}
	a.all, now = time.Time{}, now.Add(time.Hour)
	if wait := a.take("172.16.0.1:1", now); wait != 0 || len(a.byAddress) != 1 {
		t.Errorf("after an hour it waits for %v, and %d addresses are kept", wait, len(a.byAddress))
	}
}

// FuzzParseUsers checks that whatever a file holds, what is taken of it is in bounds, lets
// nobody in without a password, and that errors show nothing of it.
func FuzzParseUsers(f *testing.F) {
	hash := "$2y$" + "10$" + strings.Repeat("a", 53)
	for _, seed := range []string{"", "ada:" + hash, "# x\nada:" + hash + "\r\nbob:" + hash, "ada:secret", ":" + hash, "a:b:c", "ada:$2b$99$" + hash[7:]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseUsers(text)
		if err != nil {
			if len(err.Error()) > 200 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			return
		}
		if len(u.hashes) == 0 || len(u.hashes) > maxUsers || u.cost < minCost || u.cost > maxCost {
			t.Errorf("%d users, cost %d", len(u.hashes), u.cost)
		}
		for name, hash := range u.hashes {
			if cost, ok := costOf(hash); !isName(name) || !ok || cost > u.cost {
				t.Errorf("took %q with %q", name, hash)
			}
		}
	})
}
