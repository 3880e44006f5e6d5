package detect

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
)

// besideBytes is how far around a value its neighbours are looked for.
const besideBytes = 200

// userNames are the ends of names under which accounts stand.
var userNames = []string{"user", "username", "user_name", "login", "email", "e-mail", "account", "uid", "userid", "user_id", "usr", "mail", "name"}

// besideUser says whether an account is named near the value: then a word that
// could be a label is somebody's weak password.
func besideUser(c *classify.Candidate) bool {
	before, after := c.Around(besideBytes)
	return namesUser(before) || namesUser(after)
}

// namesUser says whether a text holds a name of an account with a value behind
// it that is no label.
func namesUser(text []byte) bool {
	for i, b := range text {
		if b != ':' && b != '=' || i+2 >= len(text) {
			continue
		}
		name := bytes.TrimRight(text[:i], `"'\ `)
		value := bytes.TrimLeft(text[i+1:], `"'\ `)
		if isUserName(name) && isUserValue(value) {
			return true
		}
	}
	return false
}

func isUserName(name []byte) bool {
	lower, n := lowerWord(name[max(0, len(name)-24):])
	for _, w := range userNames {
		if bytes.HasSuffix(lower[:n], []byte(w)) {
			return true
		}
	}
	return false
}

// isUserValue tells an account from a label, a type, nothing.
func isUserValue(value []byte) bool {
	end := bytes.IndexAny(value, "\"'\\ ,;&}\n")
	if end < 0 {
		end = len(value)
	}
	var buf [64]byte
	lower := appendLower(buf[:0], value[:min(end, len(buf))])
	if len(lower) < 2 || isStatusWord(lower) || isUpper(value[0]) && hasOnlyWords(lower, weakWords, placeholderWords, userNames) {
		return false
	}
	switch string(lower) {
	case "user", "username", "login", "account", "enter", "your", "name", "text", "password", "secret":
		return false
	}
	return lower[0] != '{' && lower[0] != '['
}
