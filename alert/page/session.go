package page

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/leaktap/leaktap/alert/login"
)

// visitor is who looks at a page.
type visitor struct {
	// CanLogIn says that there are users.
	CanLogIn bool
	// Name and Token are those of the session; empty without one.
	Name, Token string
	// Here is the address of the page, to return to.
	Here string
}

// cookieName is the session's cookie. Over TLS its name keeps other hosts and plain HTTP from
// setting it (RFC 6265bis, section 4.1.3.2).
func cookieName(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-leaktap"
	}
	return "leaktap"
}

func newCookie(r *http.Request, id string) *http.Cookie {
	return &http.Cookie{Name: cookieName(r), Value: id, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode}
}

// sessionOf returns the session of a request with its id.
func (h *handler) sessionOf(r *http.Request) (s login.Session, id string, ok bool) {
	cookie, err := r.Cookie(cookieName(r))
	if h.Login == nil || err != nil {
		return s, "", false
	}
	s, ok = h.Login.Session(cookie.Value)
	return s, cookie.Value, ok
}

// visitorOf tells who looks at a page.
func (h *handler) visitorOf(r *http.Request) visitor {
	s, _, _ := h.sessionOf(r)
	v := visitor{CanLogIn: h.Login != nil && r.URL.Path != "/login", Name: s.Name, Token: s.Token, Here: r.URL.RequestURI()}
	if r.Method == http.MethodPost {
		v.Here = parentOf(r)
	}
	return v
}

// parentOf is the address of the page whose form was sent: /findings/F of /findings/F/accept.
func parentOf(r *http.Request) string { return path.Dir(r.URL.EscapedPath()) }

// maxForm bounds the bytes of a form, maxAddress those of an address to return to.
const (
	maxForm    = 16 << 10
	maxAddress = 2 << 10
)

// localAddress returns an address of this server, "/" in the place of any other: browsers take
// // and /\ for another host, and leave control characters out.
func localAddress(address string) string {
	u, err := url.Parse(address) // refuses control characters
	if err != nil || u.Host != "" || len(address) > maxAddress || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.Contains(address, `\`) {
		return "/"
	}
	return address
}

// loginView is what the form of log-in shows.
type loginView struct {
	Next, Wrong string
}

func (h *handler) loginForm(w http.ResponseWriter, r *http.Request) {
	next := localAddress(r.URL.Query().Get("next"))
	if _, _, ok := h.sessionOf(r); ok {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	h.render(w, r, http.StatusOK, "login", view{Title: "Log in", Body: loginView{Next: next}})
}

// logIn begins a session. What was typed in is shown and logged nowhere: a name may be a
// password in the wrong field.
func (h *handler) logIn(w http.ResponseWriter, r *http.Request) {
	if !h.readForm(w, r) {
		return
	}
	next := localAddress(r.PostForm.Get("next"))
	name := r.PostForm.Get("name")
	id, err := h.Login.LogIn(r.RemoteAddr, name, r.PostForm.Get("password"))
	if err != nil {
		status := http.StatusForbidden
		if wait, ok := errors.AsType[*login.WaitError](err); ok {
			status = http.StatusTooManyRequests
			w.Header().Set("Retry-After", strconv.Itoa(wait.Seconds()))
		}
		h.audit(r, slog.LevelWarn, "log-in refused", "status", status)
		h.render(w, r, status, "login", view{Title: "Log in", Body: loginView{next, err.Error()}})
		return
	}
	h.audit(r, slog.LevelInfo, "logged in", "user", name)
	http.SetCookie(w, newCookie(r, id))
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (h *handler) logOut(w http.ResponseWriter, r *http.Request) {
	s, ok := h.authorized(w, r)
	if !ok {
		return
	}
	_, id, _ := h.sessionOf(r)
	h.Login.LogOut(id)
	h.audit(r, slog.LevelInfo, "logged out", "user", s.Name)
	gone := newCookie(r, "")
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// authorized says whether a request may change something: it comes from somebody who has
// logged in, by a form that was made for that session. It answers others.
func (h *handler) authorized(w http.ResponseWriter, r *http.Request) (s login.Session, ok bool) {
	if !h.readForm(w, r) {
		return s, false
	}
	s, _, ok = h.sessionOf(r)
	switch {
	case !ok:
		h.refuse(w, r, "You are not logged in, or your session has ended.")
	case !s.Allows(r.PostForm.Get("token")):
		h.refuse(w, r, "This form is not one of your session. Load the page anew and try again.")
		ok = false
	}
	return s, ok
}

// readForm reads a form of bounded size, or answers.
func (h *handler) readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		h.refuse(w, r, "The form cannot be read, or is too long.")
		return false
	}
	return true
}

// refuse answers a request that may not change anything.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, why string) {
	h.audit(r, slog.LevelWarn, "request refused", "path", r.URL.Path, "cause", why)
	h.render(w, r, http.StatusForbidden, "refused", view{Title: "Refused", Body: why})
}

// audit logs who did what, or tried to.
func (h *handler) audit(r *http.Request, level slog.Level, message string, args ...any) {
	h.Log.Log(r.Context(), level, message, append([]any{"address", r.RemoteAddr}, args...)...)
}

// members lets only people who have logged in see the pages, if that is asked for.
func (h *handler) members(next http.Handler) http.Handler {
	if !h.RequireLogin {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _, ok := h.sessionOf(r)
		switch r.URL.Path {
		case "/login", "/style.css", "/live.js":
			ok = true
		}
		switch {
		case ok:
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet:
			http.Redirect(w, r, "/login?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		default:
			h.refuse(w, r, "You are not logged in, or your session has ended.")
		}
	})
}
