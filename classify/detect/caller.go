package detect

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// ReadCaller reads what a credential shows of its owner without being verified: the value
// of an Authorization header, of a session cookie, of an API key.
func ReadCaller(credential []byte) classify.TokenFacts {
	facts := classify.TokenFacts{}
	if at := bytes.Index(credential, []byte(jwtAnchor)); at >= 0 {
		if cl, n, ok := claimsAt(credential[at:]); ok {
			readOwner(&facts, cl.payload)
			if token := credential[at : at+n]; isDeterministic(cl.alg) {
				dot := bytes.LastIndexByte(token, '.')
				facts.Signed, facts.Signature = token[:dot], token[dot+1:]
			}
			return facts
		}
	}
	if user, _, ok := basicCredential(credential); ok {
		facts.Names = [][]byte{user}
		return facts
	}
	facts.Malformed = isInvented(credential)
	return facts
}

// isInvented says whether a value is hardly a credential that a service has issued: its
// scheme's syntax is broken, or its token could be guessed.
func isInvented(credential []byte) bool {
	scheme, token, found := bytes.Cut(credential, []byte(" "))
	if !found { // a key or a session, in the form of its own
		return false
	}
	return isMalformed(credential) || bytes.EqualFold(scheme, []byte("bearer")) && !isRandom(token) && !isUUID(token) && !isJWT(token)
}

// isDeterministic says whether an algorithm (RFC 7518, section 3.1; RFC 8037) makes one
// signature of one text and key.
func isDeterministic(alg string) bool {
	return strings.HasPrefix(alg, "HS") || strings.HasPrefix(alg, "RS") || alg == "EdDSA"
}

// nameClaims are the claims that name the owner of a token: RFC 7519, OpenID Connect Core
// section 5.1, and the customs of Django, Flask-JWT, Keycloak and Entra ID.
var nameClaims = map[string]bool{
	"sub": true, "user_id": true, "userid": true, "uid": true, "username": true, "user_name": true, "preferred_username": true, "email": true,
	"identity": true, "oid": true, "account_id": true, "customer_id": true, "id": true, "login": true, "upn": true, "user": true,
}

// grantClaims are the claims that say what a token may do.
var grantClaims = map[string]bool{
	"scope": true, "scp": true, "scopes": true, "role": true, "roles": true, "permissions": true, "groups": true, "authorities": true,
	"realm_access": true, "is_admin": true, "admin": true, "gty": true,
}

// readOwner reads a token's payload: its names, and what it may do.
func readOwner(facts *classify.TokenFacts, payload []byte) {
	eachClaim(payload, func(depth int, name string, kind jsonscan.Kind, value []byte) {
		name = strings.ToLower(name)
		switch {
		case kind == jsonscan.True:
			facts.Broad = facts.Broad || name == "is_admin" || name == "admin"
		case kind == jsonscan.False:
		case depth == 1 && nameClaims[name] && len(value) > 0:
			facts.Names = append(facts.Names, value)
		case grantClaims[name]:
			readGrants(facts, value)
		}
	})
}

// broadGrants are the words of grants that let their holder read what is not his.
var broadGrants = map[string]bool{
	"admin": true, "administrator": true, "superadmin": true, "superuser": true, "root": true, "*": true, "all": true, "export": true,
	"internal": true, "system": true, "service": true, "staff": true, "support": true, "auditor": true, "moderator": true, "client-credentials": true,
	"crawler": true, "batch": true, "backup": true, "sync": true,
}

// writeGrants are those that let him change things.
var writeGrants = map[string]bool{
	"write": true, "delete": true, "create": true, "update": true, "manage": true, "edit": true, "modify": true, "admin": true, "*": true,
}

// readGrants reads the words of a scope or a role: "users:read orders.write", "ROLE_ADMIN".
func readGrants(facts *classify.TokenFacts, value []byte) {
	for word := range strings.FieldsFuncSeq(strings.ToLower(string(value)), func(r rune) bool { return strings.ContainsRune(" :./,_", r) }) {
		facts.Broad = facts.Broad || broadGrants[word]
		facts.Writes = facts.Writes || writeGrants[word]
	}
}

// basicCredential reads the user name of RFC 7617.
func basicCredential(v []byte) (user, rest []byte, ok bool) {
	scheme, credentials, found := bytes.Cut(v, []byte(" "))
	if !found || !strings.EqualFold(string(scheme), "basic") || !isUserAndPassword(credentials) {
		return nil, nil, false
	}
	plain, err := base64.RawStdEncoding.AppendDecode(nil, bytes.TrimRight(credentials, "="))
	if err != nil {
		return nil, nil, false
	}
	return bytes.Cut(plain, []byte(":"))
}
