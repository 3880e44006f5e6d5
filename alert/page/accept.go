package page

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// Acceptances keeps who accepted what, until when. *alert.Ledger is one.
type Acceptances interface {
	AcceptExposure(a alert.Acceptance) error
	WithdrawAcceptance(fingerprint string) (*alert.Acceptance, error)
}

// acceptForm is the form that accepts an exposure: what was typed in, the bounds, what is
// wrong.
type acceptForm struct {
	Reason, Until, First, Last string
	MaxReason                  int
	Wrong                      *alert.AcceptanceError
}

func newAcceptForm(now time.Time) acceptForm {
	first, last := alert.AcceptedDays(now)
	return acceptForm{
		Until: first.AddDate(0, 0, alert.DefaultAcceptedDays-1).Format(time.DateOnly),
		First: first.Format(time.DateOnly), Last: last.Format(time.DateOnly), MaxReason: alert.MaxReason,
	}
}

// accept accepts an exposure in the name of who has logged in.
func (h *handler) accept(w http.ResponseWriter, r *http.Request) {
	s, ok := h.authorized(w, r)
	if !ok {
		return
	}
	x, ok := h.Exposures.Exposure(r.PathValue("fingerprint"))
	if !ok {
		h.missing(w, r)
		return
	}
	form := newAcceptForm(h.Now())
	form.Reason, form.Until = r.PostForm.Get("reason"), r.PostForm.Get("until")
	until, _ := time.Parse(time.DateOnly, form.Until) // the zero time is no right one
	err := alert.ErrNotKept
	if h.Acceptances != nil {
		err = h.Acceptances.AcceptExposure(alert.Acceptance{Fingerprint: x.Fingerprint, Reason: form.Reason, By: s.Name, Until: until})
	}
	if form.Wrong, ok = errors.AsType[*alert.AcceptanceError](err); ok {
		h.showFinding(w, r, http.StatusUnprocessableEntity, &x, form)
		return
	}
	h.changed(w, r, "exposure accepted", err, "user", s.Name, "fingerprint", x.Fingerprint, "rule", x.Sample.Rule.ID, "until", form.Until)
}

// withdraw ends the acceptance of an exposure.
func (h *handler) withdraw(w http.ResponseWriter, r *http.Request) {
	s, ok := h.authorized(w, r)
	if !ok {
		return
	}
	fingerprint, err := r.PathValue("fingerprint"), alert.ErrNotKept
	var gone *alert.Acceptance
	if h.Acceptances != nil {
		gone, err = h.Acceptances.WithdrawAcceptance(fingerprint)
	}
	if gone == nil && err == nil {
		h.missing(w, r)
		return
	}
	h.changed(w, r, "acceptance withdrawn", err, "user", s.Name, "fingerprint", fingerprint)
}

// changed notes a change of an exposure and leads back to it, or says that it failed.
func (h *handler) changed(w http.ResponseWriter, r *http.Request, what string, err error, args ...any) {
	if err != nil {
		h.audit(r, slog.LevelError, what+": not kept", append(args, "cause", err)...)
		h.render(w, r, http.StatusInternalServerError, "refused", view{Title: "Not kept", Body: "Nothing was changed: the ledger could not be written. The agent's log tells why."})
		return
	}
	h.audit(r, slog.LevelInfo, what, args...)
	http.Redirect(w, r, parentOf(r), http.StatusSeeOther)
}

// acceptSnippet is the policy text that accepts findings like f. The reason is
// left to whoever accepts it.
func acceptSnippet(f *classify.Finding, now time.Time) string {
	route := ""
	if f.HTTP.Route != "" {
		route = "route: " + quote(strings.TrimSpace(f.HTTP.Method+" "+f.HTTP.Route)) + ", "
	}
	return fmt.Sprintf("accept:\n  - { rule: %s, %sreason: \"\", until: %s }\n",
		f.Rule.ID, route, now.UTC().AddDate(0, 0, alert.DefaultAcceptedDays).Format(time.DateOnly))
}

// quote returns s as a double-quoted YAML scalar. Go's escapes are a subset of
// YAML's (YAML 1.2.2, section 5.7) for text that is clean.
func quote(s string) string { return strconv.Quote(alert.Clean(s)) }
