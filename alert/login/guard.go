package login

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

const (
	// idleLimit ends a session that is not used, ageLimit any.
	idleLimit = 30 * time.Minute
	ageLimit  = 12 * time.Hour
	// maxSessions bounds the sessions at a time: one more ends the one that was used least
	// recently.
	maxSessions = 100
	// idBytes is the length of a session's id: 256 bits of chance.
	idBytes = 32
)

// ErrWrong says that name and password do not belong together.
var ErrWrong = errors.New("the name or the password is wrong")

// WaitError says that there were too many attempts.
type WaitError struct {
	// After is how long to wait for the next one.
	After time.Duration
}

func (e *WaitError) Error() string {
	return fmt.Sprintf("too many attempts: try again in %d seconds", e.Seconds())
}

// Seconds is the time to wait, at least 1.
func (e *WaitError) Seconds() int { return int(e.After/time.Second) + 1 }

// Session is that of somebody who has logged in.
type Session struct {
	// Name is the user's.
	Name string
	// Token is to come with each request that changes something. It is a function of the
	// session's id, and does not tell it.
	Token string
}

// Allows says whether a token is that of the session.
func (s Session) Allows(token string) bool {
	return subtle.ConstantTimeCompare([]byte(s.Token), []byte(token)) == 1
}

// session is what is kept of one.
type session struct {
	name, hash  string // of the user when it began
	began, used time.Time
}

func (s *session) ended(now time.Time) bool {
	return now.Sub(s.used) >= idleLimit || now.Sub(s.began) >= ageLimit
}

// Guard holds sessions, by the hashes of their ids. It is safe for concurrent use.
type Guard struct {
	now func() time.Time
	// working is held while a password is checked: guessing uses one core at most.
	working sync.Mutex

	mu       sync.Mutex
	users    *Users
	sessions map[[sha256.Size]byte]*session
	attempts attempts
}

// NewGuard returns a guard that knows these users, by a clock.
func NewGuard(users *Users, now func() time.Time) *Guard {
	return &Guard{
		now: now, users: users, sessions: map[[sha256.Size]byte]*session{}, attempts: attempts{byAddress: map[netip.Prefix]time.Time{}},
	}
}

// SetUsers puts others in the place of the users. The sessions of those who are gone, or have
// another password, end.
func (g *Guard) SetUsers(users *Users) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users = users
	for key, s := range g.sessions {
		if users.hashes[s.name] != s.hash {
			delete(g.sessions, key)
		}
	}
}

// LogIn begins a session and returns its id, 256 random bits in base64 (RFC 4648, section 5).
// address is HOST:PORT of who asks. It returns ErrWrong or a *WaitError.
func (g *Guard) LogIn(address, name, password string) (id string, err error) {
	g.mu.Lock()
	wait, users := g.attempts.take(address, g.now()), g.users
	g.mu.Unlock()
	if wait > 0 {
		return "", &WaitError{wait}
	}
	g.working.Lock()
	right := users.check(name, password)
	g.working.Unlock()
	if !right {
		return "", ErrWrong
	}
	key := make([]byte, idBytes)
	rand.Read(key) // it has no error since Go 1.24
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.users.hashes[name] != users.hashes[name] { // changed while the password was checked
		return "", ErrWrong
	}
	g.attempts.forgive(address)
	now := g.now()
	g.makeRoom(now)
	id = base64.RawURLEncoding.EncodeToString(key)
	g.sessions[sha256.Sum256([]byte(id))] = &session{name, users.hashes[name], now, now}
	return id, nil
}

// makeRoom ends sessions until one more may begin.
func (g *Guard) makeRoom(now time.Time) {
	oldest, used := [sha256.Size]byte{}, now
	for key, s := range g.sessions {
		if s.ended(now) {
			delete(g.sessions, key)
		} else if !s.used.After(used) {
			oldest, used = key, s.used
		}
	}
	if len(g.sessions) >= maxSessions {
		delete(g.sessions, oldest)
	}
}

// Session returns the session of an id, which counts as used.
func (g *Guard) Session(id string) (Session, bool) {
	key := sha256.Sum256([]byte(id))
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	s, ok := g.sessions[key]
	if !ok {
		return Session{}, false
	}
	if s.ended(now) {
		delete(g.sessions, key)
		return Session{}, false
	}
	s.used = now
	return Session{s.name, tokenOf(id)}, true
}

// tokenOf is the token of a session.
func tokenOf(id string) string {
	mac := hmac.New(sha256.New, []byte(id))
	mac.Write([]byte("leaktap: a request that changes something"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// LogOut ends the session of an id.
func (g *Guard) LogOut(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sessions, sha256.Sum256([]byte(id)))
}
