// Package login tells who may change what the findings page shows. It takes a file of names
// and bcrypt hashes, and gives sessions to those who know a password.
//
// It keeps neither passwords nor the ids of sessions, only hashes of both, and it owns no
// goroutine and no handler. Attempts are limited per address and altogether, and an unknown
// name costs the same work as a known one.
package login

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// The bounds of passwords, in bytes. bcrypt reads no more than 72.
const (
	MinPassword = 12
	MaxPassword = 72
)

const (
	// hashCost is the cost of new hashes: about a quarter of a second.
	hashCost = 12
	// minCost and maxCost bound the costs of hashes that are read: what is cheaper is soon
	// guessed, what is dearer keeps people waiting.
	minCost, maxCost = 10, 14

	maxUsers    = 1_000
	maxUserFile = 1 << 20 // bytes
)

// Users are the names of people and the hashes of their passwords.
type Users struct {
	hashes map[string]string
	cost   int // the highest of all
	// compare is bcrypt.CompareHashAndPassword.
	compare func(hash, password []byte) error
}

// ReadUsers reads a file of users, 1 MiB at most.
func ReadUsers(file string) (*Users, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxUserFile+1))
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	if len(text) > maxUserFile {
		return nil, fmt.Errorf("read users: %s has more than %d bytes", file, maxUserFile)
	}
	users, err := ParseUsers(string(text))
	if err != nil {
		return nil, fmt.Errorf("read users: %s: %w", file, err)
	}
	return users, nil
}

// ParseUsers reads users, as htpasswd writes them: NAME:HASH a line, the hash one of bcrypt
// ($2a$, $2b$ or $2y$) with a cost of 10 to 14. Empty lines and those that begin with # are
// left out. Errors tell the number of a line, never a part of it.
func ParseUsers(text string) (*Users, error) {
	u, n := &Users{hashes: map[string]string{}, compare: bcrypt.CompareHashAndPassword}, 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := u.add(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if len(u.hashes) == 0 {
		return nil, errors.New("there is no user: 'leaktap page password NAME' makes a line")
	}
	return u, nil
}

func (u *Users) add(line string) error {
	name, hash, _ := strings.Cut(line, ":")
	cost, ok := costOf(hash)
	switch {
	case !isName(name):
		return errName
	case !ok:
		return errors.New("want NAME:HASH with a hash of bcrypt, as 'leaktap page password NAME' or 'htpasswd -B -C 12' makes it")
	case cost < minCost || cost > maxCost:
		return fmt.Errorf("the hash has a cost of %d: want %d to %d", cost, minCost, maxCost)
	case u.hashes[name] != "":
		return errors.New("the name is there twice")
	case len(u.hashes) == maxUsers:
		return fmt.Errorf("there are more than %d users", maxUsers)
	}
	u.hashes[name], u.cost = hash, max(u.cost, cost)
	return nil
}

// errName says what a name looks like.
var errName = errors.New("want a name of 1 to 64 letters, digits and . _ @ -")

func isName(name string) bool {
	const others = "._@-"
	return name != "" && len(name) <= 64 && strings.IndexFunc(name, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune(others, r)
	}) < 0
}

// costOf returns the cost of a hash of bcrypt: version, cost, 22 characters of salt and 31 of
// hash (the modular crypt format of OpenBSD's bcrypt).
func costOf(hash string) (cost int, ok bool) {
	form := regexp.MustCompile(`^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)
	cost, err := bcrypt.Cost([]byte(hash))
	return cost, err == nil && form.MatchString(hash)
}

// Line returns the line of a user for ParseUsers, without its end.
func Line(name, password string) (string, error) {
	switch {
	case !isName(name):
		return "", errName
	case len(password) < MinPassword || len(password) > MaxPassword:
		return "", fmt.Errorf("want a password of %d to %d bytes", MinPassword, MaxPassword)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), hashCost)
	if err != nil {
		return "", errors.New("hash password: it cannot be") // nothing of it in the text
	}
	return name + ":" + string(hash), nil
}

// check says whether a password is that of a name. Its work depends on neither: it is that of
// the dearest hash, for an unknown name too.
func (u *Users) check(name, password string) bool {
	hash, known := u.hashes[name]
	if !known {
		hash = nobody(u.cost)
	}
	short := password[:min(len(password), MaxPassword)]
	right := u.compare([]byte(hash), []byte(short)) == nil
	// A step of the cost doubles the work: one hash more of each cost makes up for the rest.
	for cost, _ := costOf(hash); cost < u.cost; cost++ {
		_ = u.compare([]byte(nobody(cost)), []byte(short))
	}
	return known && right && len(short) == len(password)
}

// nobody is a hash of no password that anybody knows.
func nobody(cost int) string { return fmt.Sprintf("$2b$%02d$%s", cost, strings.Repeat(".", 53)) }
