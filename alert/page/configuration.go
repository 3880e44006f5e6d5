package page

import (
	"net/http"
	"time"
)

// Configuration is what an agent goes by.
type Configuration struct {
	// File is the configuration file; empty for an agent that has none.
	File string
	// Loaded is when it was read.
	Loaded time.Time
	// Settings are its lines. They hold no secret: the page shows them as they are.
	Settings []Setting
	// Refused is the newest configuration that was read since and has mistakes; nil for none.
	Refused *Refusal
}

// Setting is a line of a configuration, as YAML has it, and where its value is from: FILE:LINE,
// a flag, a variable, default. A line that only opens a part has no origin.
type Setting struct{ Text, Origin string }

// Refusal says when, and for which mistakes (a line each), a configuration was not taken, and
// what had asked for it: a signal, a request, a change of a file.
type Refusal struct {
	At       time.Time
	By       string
	Mistakes []string
}

func (h *handler) configuration(w http.ResponseWriter, r *http.Request) {
	h.render(w, r, http.StatusOK, "configuration", view{Title: "Configuration", Section: "configuration", Body: h.Configuration()})
}
