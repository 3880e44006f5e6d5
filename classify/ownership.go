package classify

import (
	"bytes"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

const (
	// maxOwned bounds the bytes of a body in which its owner is looked for: objects that
	// belong to somebody are small, and say so at their start.
	maxOwned = 2 << 10
	// maxOwnedDepth bounds how deep: the object itself, and in the envelope of {"data": …}.
	maxOwnedDepth = 2
	// maxRefusal bounds the bytes of a refusal that is read.
	maxRefusal = 4 << 10
)

// ownerNames are the names, folded, under which an object tells whose it is; the value says
// whether it may tell of nothing else.
var ownerNames = map[string]bool{
	"owner": true, "ownerid": true, "owneremail": true, "ownername": true, "userid": false, "accountid": false, "customerid": false, "uid": false,
	"id": false, "user": false, "username": false, "email": false, "login": false, "sub": false, "createdby": false, "accountno": false,
}

// ownership compares the names of the caller with those that the answer gives of an owner.
func (c *Classifier) ownership(names []uint64) Ownership {
	body := c.startOfAnswer()
	if !isJSON(body) || trimStart(body)[0] != '{' {
		return UnknownOwner
	}
	o := ownerSearch{key: c.seen.key, names: names, cache: &c.names}
	for seg := range bytes.SplitSeq(c.view.paths.text, []byte("/")) {
		if len(seg) > 0 {
			o.compare(seg, false)
		}
	}
	if !o.own { // nothing that the body says changes it
		o.scan(body)
	}
	switch {
	case o.own:
		return Own
	case o.named && o.personal:
		return ForeignNamed
	case o.others:
		return Foreign
	}
	return UnknownOwner
}

// startOfAnswer returns the first bytes of the response's body without escapes.
func (c *Classifier) startOfAnswer() []byte {
	body := c.x.Response.Body
	switch {
	case !c.x.Response.Escaped:
	case c.response.done:
		body = c.response.text
	default:
		c.seen.buf = jsonscan.AppendUnescaped(c.seen.buf[:0], body[:min(len(body), maxOwned)])
		body = c.seen.buf
	}
	return body[:min(len(body), maxOwned)]
}

// ownerSearch is the state of comparing names.
type ownerSearch struct {
	key                sipKey
	names              []uint64
	cache              *nameCache
	own, others, named bool
	// personal says that a member's name tells of what is somebody's.
	personal bool
}

// personalClasses are the classes of names under which stands what is somebody's.
var personalClasses = map[string]bool{
	"secret": true, "password": true, "password-hash": true, "token": true, "session": true, "api-key": true, "otp": true, "pin": true, "email": true,
	"phone": true, "birth-date": true, "address": true, "national-id": true, "passport": true, "card-number": true, "iban": true,
}

// scan goes through the members of an object and of the objects in it.
func (o *ownerSearch) scan(body []byte) {
	s, depth, known, telling := jsonscan.New(body), 0, false, false
	for t := s.Next(); t.Kind != jsonscan.End && !o.own; t = s.Next() {
		switch t.Kind {
		case jsonscan.BeginObject, jsonscan.BeginArray:
			depth++
			if t.Kind == jsonscan.BeginArray {
				depth += maxOwnedDepth // a list has many owners
			}
		case jsonscan.EndObject:
			depth--
		case jsonscan.EndArray:
			depth -= 1 + maxOwnedDepth
		case jsonscan.Key:
			name := body[t.Start:t.End]
			telling, known = lookUpFolded(ownerNames, name)
			if id := o.cache.lookup(name); id != 0 && !o.personal {
				o.personal = personalClasses[o.cache.v.classes[id]]
			}
		case jsonscan.String, jsonscan.Number:
			if value := body[t.Start:t.End]; known && depth <= maxOwnedDepth && len(value) > 0 {
				o.others = true
				o.compare(value, telling)
			}
		}
	}
}

// compare compares one name.
func (o *ownerSearch) compare(value []byte, telling bool) {
	if len(value) > 128 {
		return
	}
	var buf [128]byte
	lower := buf[:0]
	for _, b := range value {
		lower = append(lower, lowerASCII[b])
	}
	hash := sipHash(o.key, lower)
	for _, name := range o.names {
		o.own = o.own || name == hash
	}
	o.named = o.named || telling
}

// accountRoutes are words of paths behind which somebody proves an account of his.
var accountRoutes = [][]byte{
	[]byte("forgot"), []byte("recover"), []byte("reset"), []byte("password"), []byte("lookup"), []byte("exists"), []byte("check-email"), []byte("check_email"),
}

func speaksOfAccounts(path []byte) bool {
	var buf [maxRoute]byte
	lower := buf[:0]
	for _, b := range path[:min(len(path), maxRoute)] {
		lower = append(lower, lowerASCII[b])
	}
	for _, word := range accountRoutes {
		if bytes.Contains(lower, word) {
			return true
		}
	}
	return false
}

// noAccountPhrases are those of refusals, lower-case, that deny the account.
var noAccountPhrases = []string{
	"user does not exist", "username does not exist", "user not found", "unknown user", "no such user", "no user", "account not found",
	"account does not exist", "no account", "email not found", "email does not exist", "e-mail not found", "unknown email", "user doesn't exist",
	"username not found", "not registered", "invalid username", "unknown account", "couldn't find your account", "user_not_found", "unknown_user",
}

// wrongPasswordPhrases are those that grant it.
var wrongPasswordPhrases = []string{
	"wrong password", "incorrect password", "invalid password", "password is not correct", "password is incorrect", "password is wrong",
	"password incorrect", "password does not match", "passwords do not match", "bad password", "wrong_password", "invalid_password", "incorrect_password",
	"password invalid", "email sent", "mail sent", "reset link has been sent",
}

// hint reads what a refusal tells.
func (c *Classifier) hint() Hint {
	if len(c.x.Response.Body) > maxRefusal {
		return NoHint
	}
	text := bytes.ToLower(c.body(&c.x.Response))
	switch {
	case holdsAny(text, evasivePhrases):
	case holdsAny(text, noAccountPhrases):
		return NoAccount
	case holdsAny(text, wrongPasswordPhrases):
		return WrongPassword
	}
	return NoHint
}

// evasivePhrases are those of refusals that tell nothing: "invalid username or password",
// "if there is an account, …".
var evasivePhrases = []string{"or password", "name or", "user or", "mail or", "account or", "if "}

func holdsAny(text []byte, phrases []string) bool {
	for _, phrase := range phrases {
		if bytes.Contains(text, []byte(phrase)) {
			return true
		}
	}
	return false
}
